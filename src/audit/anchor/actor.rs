//! The actor that anchors checkpoints: outside of every transaction, again and again until it
//! succeeds.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use actix::prelude::*;
use tracing::{info, warn};

use crate::audit::anchor::{AnchorBranch, AnchorError};
use crate::clock::{Clock, Timestamp};
use crate::store::{Store, StoreError, checkpoints};
use crate::supervision::jitter;

/// How many checkpoints one commit takes at most.
const AT_ONCE: i64 = 500;

/// The time between two looks when all is well.
const QUIET: Duration = Duration::from_secs(2);

/// The longest wait after a failure; it begins at `QUIET` and doubles.
const LONGEST: Duration = Duration::from_mins(5);

/// What has become of the anchors since the daemon started.
#[derive(Debug, Default)]
pub struct AnchorCounts {
    anchored: AtomicU64,
    failed: AtomicU64,
    waiting_since: AtomicI64,
}

impl AnchorCounts {
    /// Checkpoints that were anchored.
    pub fn anchored(&self) -> u64 {
        self.anchored.load(Ordering::Relaxed)
    }

    /// Attempts that failed.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// When the oldest checkpoint was made that waits for its anchor, in Unix seconds.
    pub fn waiting_since(&self) -> Option<i64> {
        Some(self.waiting_since.load(Ordering::Relaxed)).filter(|since| *since != 0)
    }
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    #[error("the attempt was given up")]
    Gone,
}

/// Anchors checkpoints on one branch.
pub struct Anchorer {
    work: Work,
}

#[derive(Clone)]
struct Work {
    store: Store,
    clock: Arc<dyn Clock>,
    place: Arc<(PathBuf, String)>,
    counts: Arc<AnchorCounts>,
}

impl Anchorer {
    /// Anchors on `branch` of the repository at `repository`, which is opened anew for each commit:
    /// it may come and go.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        (repository, branch): (PathBuf, String),
        counts: Arc<AnchorCounts>,
    ) -> Self {
        Self { work: Work { store, clock, place: Arc::new((repository, branch)), counts } }
    }
}

impl Actor for Anchorer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(self.work.clone().run().into_actor(self));
    }
}

impl Supervised for Anchorer {}

impl Work {
    async fn run(self) {
        let mut failures: u32 = 0;
        loop {
            let wait = match self.anchor().await {
                Ok(0) => {
                    failures = 0;
                    QUIET
                }
                Ok(checkpoints) => {
                    failures = 0;
                    info!(checkpoints, "the audit chain was anchored");
                    Duration::ZERO
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    self.counts.failed.fetch_add(1, Ordering::Relaxed);
                    warn!(%error, failures, "the audit chain was not anchored yet");
                    let longest = QUIET.saturating_mul(2_u32.saturating_pow(failures.min(16)));
                    longest.min(LONGEST).mul_f64(jitter())
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Anchors the oldest checkpoints that wait, and says how many.
    async fn anchor(&self) -> Result<usize, Failed> {
        let waiting = self.store.read(|conn| checkpoints::not_anchored(conn, AT_ONCE)).await?;
        let since = waiting.first().and_then(|oldest| Timestamp::parse(&oldest.ts).ok());
        let since = since.map_or(0, Timestamp::unix_seconds);
        self.counts.waiting_since.store(since, Ordering::Relaxed);
        if waiting.is_empty() {
            return Ok(0);
        }
        let (place, now) = (Arc::clone(&self.place), self.clock.now());
        let commit = tokio::task::spawn_blocking(move || {
            AnchorBranch::open(&place.0, &place.1)?.add(&waiting, now)
        });
        let Some((sizes, commit)) = commit.await.map_err(|_panicked| Failed::Gone)?? else {
            return Ok(0);
        };
        let count = sizes.len();
        let note = self.store.record(move |tx| checkpoints::note_anchored(tx, &sizes, &commit));
        note.await?;
        self.counts.anchored.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
