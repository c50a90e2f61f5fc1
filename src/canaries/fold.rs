//! Going through all measurements of a canary because somebody wants to see them, without being in
//! the way of anybody else.
//!
//! # Invariants
//!
//! 1. One goes at a time, [`MOST_WAITING`] wait at most and each for [`PATIENCE`] at most; the others
//!    are refused.
//! 2. A reader of the store is held for a portion and not for the whole.
//! 3. Once nobody waits for the answer, which is when its future is dropped, one more portion is read
//!    at most.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::canaries::{Canaries, CanaryError};
use crate::store::canaries::{self, MetricRow};

/// How many may wait for their turn.
const MOST_WAITING: usize = 32;

/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whose turn it is.
pub(super) struct Turns {
    /// Those who wait, and the one whose turn it is.
    admitted: Semaphore,
    turn: Semaphore,
}

/// Somebody's turn, which ends when this is dropped.
struct Turn<'a> {
    _turn: SemaphorePermit<'a>,
    _admitted: SemaphorePermit<'a>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { admitted: Semaphore::new(1 + MOST_WAITING), turn: Semaphore::new(1) }
    }
}

impl Turns {
    async fn next(&self) -> Result<Turn<'_>, CanaryError> {
        let admitted = self.admitted.try_acquire().map_err(|_full| CanaryError::Busy)?;
        match timeout(PATIENCE, self.turn.acquire()).await {
            Ok(Ok(turn)) => Ok(Turn { _turn: turn, _admitted: admitted }),
            Ok(Err(_)) | Err(_) => Err(CanaryError::Busy),
        }
    }
}

/// What all measurements of a canary come to.
pub(super) trait Fold: Send + 'static {
    /// Takes the next measurement, oldest first. Whether it wants more.
    fn take(&mut self, row: &MetricRow) -> bool;
}

impl Canaries {
    /// Has `fold` take the measurements of the canary with this id, until it wants no more.
    pub(super) async fn fold<F: Fold>(&self, id: &str, mut fold: F) -> Result<F, CanaryError> {
        let _turn = self.deps.turns.next().await?;
        let mut after = 0;
        loop {
            let id = id.to_owned();
            let read = self.deps.store.read(move |conn| {
                let rows = canaries::next_measurements(conn, &id, after)?;
                let wants_more = rows.iter().all(|row| fold.take(row));
                Ok((fold, rows.last().map(|row| row.id).filter(|_| wants_more)))
            });
            let (taken, last) = read.await?;
            let Some(last) = last else { return Ok(taken) };
            (fold, after) = (taken, last);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_goes_some_wait_for_a_while_and_who_left_is_not_waited_for() {
        let turns = Turns::default();
        let first = turns.next().await.unwrap_or_else(|_| panic!("nobody else is there"));
        let mut waiting: Vec<_> = (0..MOST_WAITING).map(|_| Box::pin(turns.next())).collect();
        for one in &mut waiting {
            assert!(one.now_or_never().is_none(), "it is not its turn");
        }
        assert!(matches!(turns.next().now_or_never(), Some(Err(CanaryError::Busy))));
        drop(waiting.remove(0));
        let mut late = Box::pin(turns.next());
        assert!((&mut late).now_or_never().is_none(), "who left made room");
        drop(first);
        let second = waiting.remove(0).await;
        assert!(second.is_ok(), "the turn goes on");
        advance(PATIENCE).await;
        assert!(matches!(late.await, Err(CanaryError::Busy)), "it is not waited for ever");
    }
}
