//! How much may block on the repository at once: each kind of work has places of its own, so that
//! what is slow never stands in the way of what is short.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long work waits for a place.
const PATIENCE: Duration = Duration::from_secs(5);

/// What kind of work blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// One file is read, or the names in one directory: microseconds.
    Read,
    /// The whole repository is gone through: perhaps seconds.
    Survey,
    /// Something is written, and brought to the disk.
    Change,
}

/// The places there are.
#[derive(Debug)]
pub(super) struct Places {
    reads: Arc<Semaphore>,
    surveys: Arc<Semaphore>,
    changes: Arc<Semaphore>,
}

impl Default for Places {
    fn default() -> Self {
        let places = |number| Arc::new(Semaphore::new(number));
        Self { reads: places(8), surveys: places(2), changes: places(4) }
    }
}

impl Places {
    /// Waits for a place; `None` if there was none in time.
    pub(super) async fn take(&self, kind: Work) -> Option<OwnedSemaphorePermit> {
        let places = match kind {
            Work::Read => &self.reads,
            Work::Survey => &self.surveys,
            Work::Change => &self.changes,
        };
        let place = Arc::clone(places).acquire_owned();
        tokio::time::timeout(PATIENCE, place).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_slow_does_not_stand_in_the_way_of_what_is_short() {
        let places = Places::default();
        let slow = [places.take(Work::Survey).await, places.take(Work::Survey).await];
        assert!(slow.iter().all(Option::is_some));
        assert!(places.take(Work::Survey).await.is_none());
        assert!(places.take(Work::Read).await.is_some());
        assert!(places.take(Work::Change).await.is_some());
        drop(slow);
        assert!(places.take(Work::Survey).await.is_some());
    }
}
