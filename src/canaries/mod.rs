//! Canaries: models that are watched in a gate until their evidence decides.
//!
//! [`Canaries`] is the door. A canary is accepted when its row is committed; from then on its actor
//! owns it, and whoever wants it otherwise changes the row, which the actor then goes by.
//!
//! # Invariants
//!
//! 1. A canary is promoted only at the end of its window, and only if its evidence proves that the
//!    targets were met; or because somebody said so, with a reason.
//! 2. What nobody observed proves nothing: missing data, gaps and warnings never count as good.
//! 3. What a canary is decided on is the fold of its stored measurements: a restart, a replay and
//!    the decision itself compute the same numbers from the same rows.
//! 4. Every change names the version of the row it was decided on, so that an abort wins over
//!    whatever is in flight.

mod actor;
mod backtest;
mod commands;
mod decision;
mod evidence_story;
mod fold;
mod look;
mod machine;
mod numbers;
pub mod policy;
mod recent;
mod record;
mod replay;
pub mod rule;
mod sample;
mod series;
mod standing;
mod start;
mod statistics;
mod steps;
mod story;
mod supervisor;
#[cfg(test)]
pub(crate) mod tests;
mod view;
mod watch;
mod window;

use std::num::NonZeroUsize;
use std::sync::Arc;

use actix::prelude::*;
use tracing::error;

use crate::adapters::metrics::{MetricsSource, NotOffered};
use crate::adapters::outbound::ServerState;
use crate::board::Board;
use crate::canaries::fold::Turns;
use crate::clock::{Clock, Timestamp};
use crate::ids::{CanaryId, GateId};
use crate::models::{ModelError, Models};
use crate::store::beginning::{self, Beginning};
use crate::store::canaries::{self, CanaryFilter, CanaryRow, CanaryStatus};
use crate::store::decisions::{self, DecisionRow};
use crate::store::{Store, StoreError};
use crate::supervision::{Ended, Supervision};

pub use self::backtest::{Backtest, BacktestError};
pub use self::decision::ABORTED;
pub use self::machine::Command;
pub use self::numbers::in_seconds;
pub use self::recent::{RecentCanary, decided_on};
pub use self::replay::{Replay, ReplayError};
pub use self::sample::StoredSample;
pub use self::series::{Grown, Point, SERIES};
pub use self::standing::{Standing, Standings, standings};
pub use self::start::{NewCanary, Started};
use self::statistics::Statistics;
pub use self::statistics::{CanaryFigures, DecisionReason};
use self::supervisor::{CanarySupervisor, Ping};
pub use self::view::{CanaryView, Unreadable};

/// How many canaries may be open at once.
pub const MOST_OPEN: usize = 5_000;

/// How many canaries that are over are kept at hand.
const FINISHED: NonZeroUsize = NonZeroUsize::new(256).expect("256 is not 0");

/// What every canary's actor needs from the rest of the daemon.
struct CanaryDeps {
    store: Store,
    models: Models,
    source: Option<Arc<dyn MetricsSource>>,
    can_compare: bool,
    clock: Arc<dyn Clock>,
    supervision: Supervision,
    board: Arc<Board<CanaryView>>,
    statistics: Arc<Statistics>,
    turns: Turns,
}

/// What [`Canaries::start`] is told.
pub struct CanarySettings {
    /// The truth.
    pub store: Store,
    /// Who moves gates.
    pub models: Models,
    /// Where metrics come from; without a source no canary is accepted.
    pub source: Option<Arc<dyn MetricsSource>>,
    /// Whether the source tells one gate from another, so that a canary can be compared with the
    /// gate it comes from and not with itself.
    pub can_compare: bool,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who keeps the actors alive.
    pub supervision: Supervision,
    /// The thread on which the actors live.
    pub arbiter: ArbiterHandle,
    /// Called when the supervisor of all canaries cannot be kept alive.
    pub on_end: Box<dyn FnOnce(Ended) + Send>,
}

/// Why a canary was not accepted, found or changed. `Display` may be shown to a client.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    /// There is no such canary.
    #[error("unknown canaryId {0}")]
    Unknown(CanaryId),
    /// It is over, so that nothing can be changed.
    #[error("{id} is over already: it is {}", status.as_str())]
    Over {
        /// Which canary.
        id: CanaryId,
        /// How it ended.
        status: CanaryStatus,
    },
    /// It cannot be done now.
    #[error("{id} cannot do that now: {why}")]
    NotNow {
        /// Which canary.
        id: CanaryId,
        /// What is in the way.
        why: &'static str,
    },
    /// Both gates are one.
    #[error("fromGate and toGate are both {0}; a canary goes from one gate to another")]
    SameGate(GateId),
    /// Too many canaries are open.
    #[error("{0} canaries are open, which is the limit; try again when some are over")]
    TooMany(usize),
    /// Too many look at whole histories.
    #[error("the measurements of too many canaries are being read; try again in a second")]
    Busy,
    /// The gates cannot be told apart.
    #[error(
        "mode \"both\" compares the canary with the gate it comes from, and the metrics do not tell \
         gates apart: write $__gate into the selectors PROM_TOTAL, PROM_ERRORS and PROM_BUCKET, or \
         into LUKHAS_SCRAPE_URL"
    )]
    NotComparable,
    /// Another canary watches the gate.
    #[error("{0} watches a version of this model in this gate already; abort it first, or wait")]
    Watched(CanaryId),
    /// Its metrics cannot be had.
    #[error(transparent)]
    Metrics(#[from] NotOffered),
    /// A policy cannot be tried.
    #[error(transparent)]
    Backtest(#[from] BacktestError),
    /// A decision cannot be made again.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The registry refused, or could not be asked.
    #[error(transparent)]
    Models(#[from] ModelError),
    /// What is stored cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The door to canaries; cheap to clone.
#[derive(Clone)]
pub struct Canaries {
    deps: Arc<CanaryDeps>,
    supervisor: Addr<CanarySupervisor>,
}

impl Canaries {
    /// Takes up what an earlier run of the daemon left, and opens the door.
    ///
    /// # Errors
    /// The open canaries cannot be read.
    pub async fn start(settings: CanarySettings) -> Result<Self, CanaryError> {
        let can_compare = settings.can_compare;
        let CanarySettings { store, models, source, clock, supervision, arbiter, on_end, .. } =
            settings;
        let board = Arc::new(Board::new(FINISHED));
        let mut left_over = Vec::new();
        for row in store.read(canaries::open).await? {
            let view = match CanaryView::of_row(row) {
                Ok(view) => Arc::new(view),
                // Nobody can watch it, and the others must be watched all the same.
                Err(unreadable) => {
                    error!(error = %unreadable, "a canary is not watched");
                    continue;
                }
            };
            board.put(Arc::clone(&view));
            left_over.push(view);
        }
        let statistics = Arc::<Statistics>::default();
        let deps = CanaryDeps {
            store,
            models,
            source,
            can_compare,
            clock,
            supervision,
            board,
            statistics,
            turns: Turns::default(),
        };
        let deps = Arc::new(deps);
        let actor = CanarySupervisor::new(Arc::clone(&deps), left_over);
        let supervisor = deps.supervision.start_on(&arbiter, "canaries", actor, on_end);
        Ok(Self { deps, supervisor })
    }

    /// Looks a canary up.
    ///
    /// # Errors
    /// [`CanaryError::Unknown`], or the store's.
    pub async fn find(&self, id: &CanaryId) -> Result<Arc<CanaryView>, CanaryError> {
        if let Some(view) = self.deps.board.get(id.as_str()) {
            return Ok(view);
        }
        let key = id.to_string();
        let sweeps = self.deps.board.sweeps();
        match self.deps.store.read(move |conn| canaries::find(conn, &key)).await {
            Ok(row) => {
                let view = Arc::new(CanaryView::of_row(row)?);
                self.deps.board.put_found(&view, sweeps);
                Ok(view)
            }
            Err(StoreError::NotFound) => Err(CanaryError::Unknown(id.clone())),
            Err(error) => Err(error.into()),
        }
    }

    /// Lists canaries, newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(
        &self,
        filter: CanaryFilter,
        limit: u16,
    ) -> Result<Vec<CanaryRow>, CanaryError> {
        let read = move |conn: &mut _| canaries::list(conn, &filter, limit.into());
        Ok(self.deps.store.read(read).await?)
    }

    /// The canaries with one of these statuses whose ids begin with a text, the newest first; with
    /// any when no status is named.
    ///
    /// # Errors
    /// The store's.
    pub async fn beginning(
        &self,
        prefix: &str,
        statuses: &[CanaryStatus],
        limit: u16,
    ) -> Result<Beginning, CanaryError> {
        let (prefix, statuses) = (prefix.to_owned(), statuses.to_vec());
        let read = move |conn: &mut _| beginning::canaries(conn, &prefix, &statuses, limit.into());
        Ok(self.deps.store.read(read).await?)
    }

    /// The newest measurements of a canary, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn samples(
        &self,
        id: &CanaryId,
        limit: u16,
    ) -> Result<Vec<StoredSample>, CanaryError> {
        let key = id.to_string();
        let read = move |conn: &mut _| canaries::newest_measurements(conn, &key, limit.into());
        let rows = self.deps.store.read(read).await?;
        Ok(rows.iter().filter_map(StoredSample::of).collect())
    }

    /// All decisions about a canary, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn decisions(&self, id: &CanaryId) -> Result<Vec<DecisionRow>, CanaryError> {
        let key = id.to_string();
        Ok(self.deps.store.read(move |conn| decisions::about(conn, &key)).await?)
    }

    /// The canaries that are not over.
    pub fn watched(&self) -> Vec<Arc<CanaryView>> {
        self.deps.board.all_open()
    }

    /// What canaries did since the daemon started.
    pub fn figures(&self) -> CanaryFigures {
        self.deps.statistics.now()
    }

    /// What they are called that are asked for metrics, and how they have been of late.
    pub fn metrics_servers(&self) -> Vec<(&'static str, ServerState)> {
        self.deps.source.as_ref().map(|source| source.servers()).unwrap_or_default()
    }

    /// How many canaries there are in each status.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_by_status(&self) -> Result<Vec<(CanaryStatus, usize)>, StoreError> {
        let counts = self.deps.store.read(canaries::count_by_status).await?;
        let count = |(status, n)| (status, usize::try_from(n).unwrap_or(usize::MAX));
        Ok(counts.into_iter().map(count).collect())
    }

    /// When a canary was rolled back last, by this daemon or an earlier one.
    ///
    /// # Errors
    /// The store's.
    pub async fn last_rollback(&self) -> Result<Option<Timestamp>, StoreError> {
        let at = self.deps.store.read(canaries::last_rollback).await?;
        // A time that nobody can read is told as none: it is a figure, and nothing rests on it.
        Ok(at.and_then(|at| Timestamp::parse(&at).ok()))
    }

    /// Waits until the supervisor of all canaries has a moment, which proves that it lives.
    ///
    /// # Errors
    /// It is gone.
    pub async fn ping(&self) -> Result<(), actix::MailboxError> {
        self.supervisor.send(Ping).await
    }
}
