//! How many answers does a provider write at a time, and when may it not be asked at all?

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// The longest time that a provider is not asked because it said so. One question after that finds
/// out.
const LONGEST_CLOSED: Duration = Duration::from_hours(1);

/// The way in to a provider.
#[derive(Debug)]
pub(super) struct Gate {
    places: Arc<Semaphore>,
    size: usize,
    closed_until: Mutex<Option<Instant>>,
}

impl Gate {
    /// A way in for so many at a time.
    pub fn new(size: usize) -> Self {
        let size = size.clamp(1, Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(size)), size, closed_until: Mutex::default() }
    }

    /// A place, first come first served; `None` if there was none in time.
    pub async fn enter(&self, limit: Duration) -> Option<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.places).acquire_owned();
        // It is never closed as a whole.
        tokio::time::timeout(limit, place).await.ok()?.ok()
    }

    /// How many places there are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// How many of them are taken.
    pub fn taken(&self) -> usize {
        self.size - self.places.available_permits()
    }

    /// Lets nobody ask for a while.
    pub fn close(&self, wait: Duration, now: Instant) {
        let until = now + wait.min(LONGEST_CLOSED);
        let mut closed = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = Some(closed.map_or(until, |closed| closed.max(until)));
    }

    /// How long nobody may ask; nothing if one may.
    pub fn closed_for(&self, now: Instant) -> Option<Duration> {
        let closed = *self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        closed?.checked_duration_since(now).filter(|wait| !wait.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_holds_so_many_and_closes_for_a_time() {
        let gate = Gate::new(2);
        let now = Instant::now();
        let one = gate.enter(Duration::ZERO).await.unwrap();
        let _two = gate.enter(Duration::ZERO).await.unwrap();
        assert!(gate.enter(Duration::from_secs(1)).await.is_none());
        assert_eq!((gate.taken(), gate.size()), (2, 2));
        drop(one);
        assert!(gate.enter(Duration::ZERO).await.is_some());

        assert_eq!(gate.closed_for(now), None);
        gate.close(Duration::from_secs(5), now);
        gate.close(Duration::from_secs(2), now);
        assert_eq!(gate.closed_for(now), Some(Duration::from_secs(5)));
        assert_eq!(gate.closed_for(now + Duration::from_secs(5)), None);
        gate.close(Duration::MAX, now);
        assert_eq!(gate.closed_for(now), Some(LONGEST_CLOSED));
    }
}
