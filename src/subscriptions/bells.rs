//! Waking those who tell of a kind of events when there is one.

use std::sync::Arc;

use tokio::sync::watch;

use crate::store::Publish;
use crate::store::events::CommittedEvent;
use crate::subscriptions::catalogue::{COUNT, KINDS};

/// Rings for each kind when such an event was committed. Who follows few events is not woken by
/// floods of others.
#[derive(Debug)]
pub struct EventBells([watch::Sender<i64>; COUNT]);

impl Default for EventBells {
    fn default() -> Self {
        Self(std::array::from_fn(|_| watch::Sender::new(0)))
    }
}

impl EventBells {
    /// Rings for what is published by `publish`.
    pub fn hung_on(self: &Arc<Self>, publish: Publish) -> Publish {
        let bells = Arc::clone(self);
        Arc::new(move |events| {
            let newest = bells.rung_by(&events);
            publish(events);
            for (bell, newest) in bells.0.iter().zip(newest) {
                if 0 < newest {
                    bell.send_replace(newest);
                }
            }
        })
    }

    /// Hears the bell of the kind at a place.
    pub(super) fn hear(&self, place: usize) -> watch::Receiver<i64> {
        self.0[place].subscribe()
    }

    /// The newest event of each kind, as far as its name tells; 0 where there is none, or nobody
    /// hears.
    fn rung_by(&self, events: &[CommittedEvent]) -> [i64; COUNT] {
        let mut newest = [0; COUNT];
        for (place, kind) in KINDS.iter().enumerate() {
            if self.0[place].receiver_count() == 0 {
                continue;
            }
            let is_of = |event: &&CommittedEvent| {
                event.entity.kind == kind.entity && *event.event_type == *kind.event_type
            };
            newest[place] = events.iter().rfind(is_of).map_or(0, |event| event.seq);
        }
        newest
    }
}
