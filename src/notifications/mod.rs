//! Telling others of every transition of a canary or a model.
//!
//! # Invariants
//!
//! 1. What is told was committed. Each webhook is told of every transition since it was configured,
//!    in their order and at least once; a repetition has the same delivery id.
//! 2. A webhook that is slow or gone holds up neither the daemon nor another webhook.
//! 3. What cannot be delivered is skipped in the end, and that is a fact of the audit chain.

mod courier;
mod story;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix::prelude::*;
use tokio::sync::watch;
use tracing::error;

use self::courier::{Counts, Courier, Route};
use crate::adapters::webhook::{Patience, Webhook};
use crate::clock::Clock;
use crate::store::{Publish, Store, StoreError, webhooks};
use crate::supervision::{Ended, Supervision};

/// Rings when a transition was committed.
#[derive(Debug)]
pub struct Bell(watch::Sender<i64>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Bell {
    /// Rings for what is published by `publish`.
    pub fn hung_on(self: &Arc<Self>, publish: Publish) -> Publish {
        let bell = Arc::clone(self);
        Arc::new(move |events| {
            let told = |event: &&crate::store::events::CommittedEvent| {
                story::is_told(event.entity.kind, &event.event_type)
            };
            let newest = events.iter().rfind(told).map(|event| event.seq);
            publish(events);
            if let Some(newest) = newest {
                bell.0.send_replace(newest);
            }
        })
    }
}

/// What [`Notifications::start`] is told.
pub struct NotificationDeps {
    /// The events, and how far each webhook has been told.
    pub store: Store,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who keeps the couriers alive.
    pub supervision: Supervision,
    /// The thread on which they live.
    pub arbiter: ArbiterHandle,
    /// Rings when there is something to tell.
    pub bell: Arc<Bell>,
    /// Who is to be told.
    pub webhooks: Vec<Webhook>,
    /// When a transition that could not be delivered is skipped.
    pub patience: Patience,
}

/// What has become of a webhook's notifications since the daemon started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookCounts {
    /// The webhook, by a digest of its URL.
    pub webhook: String,
    /// Notifications that it took.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Notifications that were given up.
    pub skipped: u64,
    /// How long the one has waited that waits longest, in seconds; 0 if none waits.
    pub waiting_seconds: u64,
}

/// The door to notifications; cheap to clone.
#[derive(Clone)]
pub struct Notifications {
    clock: Arc<dyn Clock>,
    counts: Arc<[(String, Arc<Counts>)]>,
}

impl Notifications {
    /// Takes up where each webhook was left, and starts a courier for each.
    ///
    /// # Errors
    /// The store's.
    pub async fn start(deps: NotificationDeps) -> Result<Self, StoreError> {
        let NotificationDeps { store, clock, supervision, arbiter, bell, mut webhooks, patience } =
            deps;
        webhooks.sort_by(|one, other| one.name().cmp(other.name()));
        webhooks.dedup_by(|one, other| one.name() == other.name());
        let names: Vec<String> = webhooks.iter().map(|one| one.name().to_owned()).collect();
        let cursors = store.record(move |transaction| webhooks::open(transaction, &names)).await?;
        let mut counts = Vec::new();
        for (webhook, cursor) in webhooks.into_iter().zip(cursors) {
            let mine = Arc::<Counts>::default();
            counts.push((webhook.name().to_owned(), Arc::clone(&mine)));
            let route = Route {
                webhook,
                store: store.clone(),
                clock: Arc::clone(&clock),
                bell: bell.0.subscribe(),
                counts: mine,
                patience,
            };
            // One that cannot be kept alive costs its receiver its notifications, until the next
            // start goes on where it was; it does not cost the daemon.
            let on_end = |ended| {
                if let Ended::GaveUp(last) = ended {
                    error!(last, "a webhook is told nothing more until the daemon is restarted");
                }
            };
            supervision.start_on(&arbiter, "courier", Courier::new(route, cursor), on_end);
        }
        Ok(Self { clock, counts: counts.into() })
    }

    /// What has become of each webhook's notifications.
    pub fn counts(&self) -> Vec<WebhookCounts> {
        let now = self.clock.now().unix_seconds();
        let read = |(webhook, counts): &(String, Arc<Counts>)| WebhookCounts {
            webhook: webhook.clone(),
            delivered: counts.delivered.load(Ordering::Relaxed),
            failed: counts.failed.load(Ordering::Relaxed),
            skipped: counts.skipped.load(Ordering::Relaxed),
            waiting_seconds: match counts.waiting_since.load(Ordering::Relaxed) {
                0 => 0,
                since => u64::try_from(now - since).unwrap_or(0),
            },
        };
        self.counts.iter().map(read).collect()
    }
}
