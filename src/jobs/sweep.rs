//! Removing jobs that have been over for long, with what their runs left behind.

use time::Duration;

use crate::jobs::Jobs;
use crate::store::{StoreError, events, idempotency, jobs};
use tracing::warn;

/// How many rows one transaction removes: others wait no longer than that takes.
const AT_ONCE: usize = 500;

/// How long a repeated request is recognised.
const IDEMPOTENCY: Duration = Duration::days(1);

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Jobs that were over.
    pub jobs: usize,
    /// Events of the replay log.
    pub events: usize,
    /// Idempotency keys.
    pub keys: usize,
}

impl Jobs {
    /// Removes jobs that are over and older than `job_ttl`, and events older than
    /// `event_retention`. Facts of the audit chain stay.
    ///
    /// # Errors
    /// The store's; what was removed before stays removed.
    pub async fn sweep(
        &self,
        job_ttl: Duration,
        event_retention: Duration,
    ) -> Result<Swept, StoreError> {
        let now = self.deps.clock.now();
        let mut swept = Swept::default();
        let expired = now.plus(-job_ttl).to_string();
        loop {
            let before = expired.clone();
            let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
            let ids = self.deps.store.read(move |conn| jobs::expired(conn, &before, limit)).await?;
            if ids.is_empty() {
                break;
            }
            // The files first: what a crash in between leaves is found again by the row.
            for id in &ids {
                if let Ok(id) = crate::ids::JobId::parse(id)
                    && let Err(error) = self.deps.runner.forget(&id).await
                {
                    warn!(job.id = %id, %error, "the files of a run were not removed");
                }
            }
            let (doomed, full) = (ids.clone(), ids.len() == AT_ONCE);
            swept.jobs += self.deps.store.record(move |tx| jobs::delete(tx, &doomed)).await?;
            self.deps.board.forget(&ids);
            if !full {
                break;
            }
        }
        let before = now.plus(-event_retention).to_string();
        loop {
            let before = before.clone();
            let prune = self.deps.store.record(move |tx| events::prune(tx, &before, AT_ONCE));
            let removed = prune.await?;
            swept.events += removed;
            if removed < AT_ONCE {
                break;
            }
        }
        let before = now.plus(-IDEMPOTENCY).to_string();
        swept.keys = self.deps.store.record(move |tx| idempotency::prune(tx, &before)).await?;
        Ok(swept)
    }
}
