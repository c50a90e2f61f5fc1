//! The actor that keeps the chain provable: it makes checkpoints when they are due, and writes down
//! who was not let in.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::time::Instant;
use tracing::warn;

use crate::audit::record_refusals;
use crate::audit::refusals::Refusals;
use crate::audit::signature::SigningKey;
use crate::clock::{Clock, Timestamp};
use crate::store::checkpoints::{self, Checkpoint};
use crate::store::{Store, StoreError, audits};

/// The time between two looks.
const TICK: Duration = Duration::from_secs(2);

/// The least time between two facts about the same kind of refusal.
const REFUSALS: Duration = Duration::from_mins(1);

/// When checkpoints are made, and by whom they are signed.
#[derive(Debug, Clone)]
pub struct CheckpointPolicy {
    /// After so many rows.
    pub rows: i64,
    /// After so long, if there are new rows.
    pub span: Duration,
    /// Signs them, if somebody does.
    pub key: Option<Arc<SigningKey>>,
}

impl CheckpointPolicy {
    /// Whether rows wait for a checkpoint: enough of them, or for long enough. A clock that was set
    /// back makes one, which does no harm.
    fn is_due(&self, last_row: i64, newest: Option<&Checkpoint>, now: Timestamp) -> bool {
        let covered = newest.map_or(0, |checkpoint| checkpoint.size);
        if last_row <= covered {
            return false;
        }
        let span = time::Duration::try_from(self.span).unwrap_or(time::Duration::MAX);
        let made = newest.and_then(|checkpoint| Timestamp::parse(&checkpoint.ts).ok());
        let is_old =
            made.is_none_or(|made| !(time::Duration::ZERO..span).contains(&now.since(made)));
        self.rows <= last_row - covered || is_old
    }

    /// Makes a checkpoint of the last row, and those that are due before it.
    pub(super) fn make(
        &self,
        transaction: &mut crate::store::Transaction<'_>,
    ) -> Result<Vec<Checkpoint>, StoreError> {
        checkpoints::make(transaction, self.rows, true, |checkpoint| {
            if let Some(key) = &self.key {
                key.sign(checkpoint);
            }
        })
    }
}

/// Looks after the chain.
pub struct Keeper {
    store: Store,
    clock: Arc<dyn Clock>,
    policy: CheckpointPolicy,
    refusals: Arc<Refusals>,
    refusals_recorded: Option<Instant>,
}

impl Keeper {
    /// A keeper that makes checkpoints by this policy.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        policy: CheckpointPolicy,
        refusals: Arc<Refusals>,
    ) -> Self {
        Self { store, clock, policy, refusals, refusals_recorded: None }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        let (store, policy, now) = (self.store.clone(), self.policy.clone(), self.clock.now());
        let refusals = self.refusals_to_record();
        let work = async move {
            if !refusals.is_empty() {
                record_refusals(&store, refusals).await?;
            }
            let read = store.read(|conn| Ok((audits::last(conn)?, checkpoints::newest(conn)?)));
            let (last_row, newest) = read.await?;
            if policy.is_due(last_row, newest.as_ref(), now) {
                store.record(move |transaction| policy.make(transaction)).await?;
            }
            Ok::<_, StoreError>(())
        };
        // One look at a time: the next waits for a slow one.
        ctx.wait(work.into_actor(self).map(|outcome, _, _| {
            if let Err(error) = outcome {
                warn!(%error, "the audit chain was not looked after; the next look goes on");
            }
        }));
    }

    fn refusals_to_record(&mut self) -> Vec<(&'static str, u64)> {
        if self.refusals_recorded.is_some_and(|at| at.elapsed() < REFUSALS) {
            return Vec::new();
        }
        let taken = self.refusals.take();
        if !taken.is_empty() {
            self.refusals_recorded = Some(Instant::now());
        }
        taken
    }
}

impl Actor for Keeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(TICK, Self::look);
    }
}

impl Supervised for Keeper {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ChainHead;

    #[test]
    fn a_checkpoint_is_due_after_enough_rows_or_long_enough() {
        let policy = CheckpointPolicy { rows: 10, span: Duration::from_hours(1), key: None };
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let made = "2026-11-21T12:00:00.000Z";
        let newest = Checkpoint::of(ChainHead { id: 100, hash: String::new() }, made);
        let due = |rows: i64, now| policy.is_due(100 + rows, Some(&newest), at(now));
        let soon = "2026-11-21T12:59:59.999Z";
        assert!(!due(0, "2027-11-21T12:00:00.000Z"));
        assert!(!due(9, soon));
        assert!(due(10, soon));
        assert!(due(1, "2026-11-21T13:00:00.000Z"));
        assert!(due(1, "2026-11-21T11:59:59.000Z"));
        assert!(policy.is_due(1, None, at(made)));
        assert!(!policy.is_due(0, None, at(made)));
    }
}
