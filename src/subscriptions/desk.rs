//! Who is being told: one courier for each subscription.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::prelude::*;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::adapters::outbound::OpenOutbound;
use crate::adapters::webhook::Patience;
use crate::clock::Clock;
use crate::store::Store;
use crate::subscriptions::bells::EventBells;
use crate::subscriptions::courier::{Courier, Route};
use crate::subscriptions::cursor::Cursors;
use crate::subscriptions::params::Followed;
use crate::supervision::{Ended, Supervision};

/// What has become of what was to be told since the daemon started.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) delivered: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) skipped: AtomicU64,
    pub(super) suspended: AtomicU64,
}

/// The same, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscriptionCounts {
    /// Subscriptions that there are, those among them that are told nothing just now.
    pub open: usize,
    /// Events that were taken.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Events that were not wanted, or too long.
    pub skipped: u64,
    /// Times that telling was stopped because nothing was taken.
    pub suspended: u64,
}

/// How to reach a courier.
struct Handle {
    wake: Arc<Notify>,
    stop: CancellationToken,
}

/// What couriers have in common.
pub(super) struct Office {
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) open: OpenOutbound,
    pub(super) cursors: Cursors,
    pub(super) bells: Arc<EventBells>,
    pub(super) patience: Patience,
    pub(super) supervision: Supervision,
    pub(super) arbiter: ArbiterHandle,
    pub(super) counts: Counts,
}

/// Starts, wakes and stops couriers; cheap to clone.
#[derive(Clone)]
pub(super) struct Desk {
    office: Arc<Office>,
    couriers: Arc<Mutex<HashMap<String, Handle>>>,
}

impl Desk {
    pub(super) fn new(office: Office) -> Self {
        Self { office: Arc::new(office), couriers: Arc::default() }
    }

    fn couriers(&self) -> MutexGuard<'_, HashMap<String, Handle>> {
        // Each change of the map is one call.
        self.couriers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that a subscription is told, and that its courier looks at its row again.
    pub(super) fn tell(&self, id: &str, followed: Followed) {
        let mut couriers = self.couriers();
        if let Some(courier) = couriers.get(id) {
            courier.wake.notify_one();
            return;
        }
        let (wake, stop) = (Arc::<Notify>::default(), CancellationToken::new());
        let handle = Handle { wake: Arc::clone(&wake), stop: stop.clone() };
        couriers.insert(id.to_owned(), handle);
        let bell = self.office.bells.hear(followed.place);
        let office = Arc::clone(&self.office);
        // One that cannot be kept alive costs its receiver its events, until the next start goes on
        // where it was, or its client renews it; it does not cost the daemon.
        let (desk, gone, woken_by) = (self.clone(), id.to_owned(), Arc::clone(&wake));
        let on_end = move |ended| {
            if let Ended::GaveUp(last) = ended {
                error!(subscription = gone, last, "it is told nothing more until a restart");
                desk.leave(&gone, &woken_by);
            }
        };
        let route =
            Route { id: id.to_owned(), followed, office, bell, wake, stop, desk: self.clone() };
        let Office { supervision, arbiter, .. } = &*self.office;
        supervision.start_on(arbiter, "subscription", Courier::new(route), on_end);
    }

    /// Has a subscription be told nothing more.
    pub(super) fn stop(&self, id: &str) {
        if let Some(courier) = self.couriers().remove(id) {
            courier.stop.cancel();
        }
    }

    /// A courier goes, known by what wakes it; one that took its place already stays.
    pub(super) fn leave(&self, id: &str, wake: &Arc<Notify>) {
        let mut couriers = self.couriers();
        if couriers.get(id).is_some_and(|courier| Arc::ptr_eq(&courier.wake, wake)) {
            couriers.remove(id);
        }
    }

    /// What has become of what was to be told.
    pub(super) fn counts(&self) -> SubscriptionCounts {
        let Counts { delivered, failed, skipped, suspended } = &self.office.counts;
        SubscriptionCounts {
            open: self.couriers().len(),
            delivered: delivered.load(Ordering::Relaxed),
            failed: failed.load(Ordering::Relaxed),
            skipped: skipped.load(Ordering::Relaxed),
            suspended: suspended.load(Ordering::Relaxed),
        }
    }
}
