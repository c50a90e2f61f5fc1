//! Jobs: evals that a runner runs and an actor each watches.
//!
//! [`Jobs`] is the door. A job is accepted when its row is committed; from then on its actor owns
//! it, and nothing else changes the row but a wish to cancel, which the actor then acts on.
//!
//! # Invariants
//!
//! 1. A job is handed to the runner once: the job's id is the key, and whoever takes a job up from
//!    a row asks the runner first whether it has it.
//! 2. A job that is over never changes again.
//! 3. A wish to cancel, once committed, wins over every result that is not committed yet.

mod actor;
mod machine;
mod queue;
mod recent;
mod record;
mod statistics;
mod story;
mod submission;
mod supervisor;
mod sweep;
#[cfg(test)]
pub(crate) mod tests;
mod view;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::prelude::*;

use crate::adapters::{EvalOrchestrator, ExternalRef, LogStream, LogTail, RunnerError};
use crate::board::Board;
use crate::clock::Clock;
use crate::ids::JobId;
use crate::store::beginning::{self, Beginning};
use crate::store::jobs::{self, JobFilter, JobRow, JobStatus};
use crate::store::{Store, StoreError};
use crate::supervision::{Ended, Supervision, deliver};

use self::statistics::Statistics;
pub use self::submission::{NewJob, Submitted};
use self::supervisor::{Cancel, Depth, JobSupervisor, Ping};
pub use self::sweep::Swept;
pub use self::view::JobView;

/// How long a caller of [`Jobs::cancel`] waits for the end before it is told that it is on its way.
const CANCEL_WAIT: Duration = Duration::from_secs(10);

/// How many jobs that are over are kept at hand.
const FINISHED: NonZeroUsize = NonZeroUsize::new(4096).expect("4096 is not 0");

/// What every job's actor needs from the rest of the daemon.
struct JobDeps {
    store: Store,
    runner: Arc<dyn EvalOrchestrator>,
    clock: Arc<dyn Clock>,
    supervision: Supervision,
    board: Arc<Board<JobView>>,
    statistics: Arc<Statistics>,
    max_running: usize,
    max_queued: usize,
}

/// What [`Jobs::start`] is told.
pub struct JobSettings {
    /// The truth.
    pub store: Store,
    /// Who does the work.
    pub runner: Arc<dyn EvalOrchestrator>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who keeps the actors alive.
    pub supervision: Supervision,
    /// The thread on which the actors live.
    pub arbiter: ArbiterHandle,
    /// How many jobs run at once; with 0, jobs are accepted and wait.
    pub max_running: usize,
    /// How many jobs may be open at once; further ones are refused.
    pub max_queued: usize,
    /// Called when the supervisor of all jobs cannot be kept alive.
    pub on_end: Box<dyn FnOnce(Ended) + Send>,
}

/// Why a job was not accepted, found or changed. `Display` may be shown to a client.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// There is no such job.
    #[error("unknown jobId {0}")]
    Unknown(JobId),
    /// It is over, so that nothing can be changed.
    #[error("{id} is over already: it is {}", status.as_str())]
    Over {
        /// Which job.
        id: JobId,
        /// How it ended.
        status: JobStatus,
    },
    /// The key stands for another request.
    #[error("idempotencyKey was used before with other arguments; use a new key for a new request")]
    KeyReused,
    /// Too many jobs are open.
    #[error("{0} jobs are open, which is the limit; try again when some are over")]
    QueueFull(usize),
    /// The runner refused, or could not be asked.
    #[error(transparent)]
    Runner(#[from] RunnerError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How many jobs run and wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueDepth {
    /// Jobs that hold a place.
    pub running: usize,
    /// Jobs that wait for one.
    pub waiting: usize,
    /// Jobs that are not over.
    pub open: usize,
    /// How many may run at once.
    pub most_running: usize,
    /// How many may be open at once.
    pub most_open: usize,
}

/// The door to jobs; cheap to clone.
#[derive(Clone)]
pub struct Jobs {
    deps: Arc<JobDeps>,
    depth: Arc<Depth>,
    supervisor: Addr<JobSupervisor>,
}

impl Jobs {
    /// Takes up what an earlier run of the daemon left, and opens the door.
    ///
    /// # Errors
    /// The open jobs cannot be read.
    pub async fn start(settings: JobSettings) -> Result<Self, StoreError> {
        let JobSettings { store, runner, clock, supervision, arbiter, .. } = settings;
        let board = Arc::new(Board::new(FINISHED));
        let mut left_over = Vec::new();
        for row in store.read(jobs::open).await? {
            let view = JobView::new(row);
            board.put(Arc::clone(&view));
            left_over.push(view);
        }
        let deps = Arc::new(JobDeps {
            store,
            runner,
            clock,
            supervision: supervision.clone(),
            board,
            statistics: Arc::default(),
            max_running: settings.max_running,
            max_queued: settings.max_queued,
        });
        let depth = Arc::<Depth>::default();
        let actor = JobSupervisor::new(Arc::clone(&deps), Arc::clone(&depth), left_over);
        let supervisor = supervision.start_on(&arbiter, "jobs", actor, settings.on_end);
        Ok(Self { deps, depth, supervisor })
    }

    /// Looks a job up.
    ///
    /// # Errors
    /// [`JobError::Unknown`], or the store's.
    pub async fn find(&self, id: &JobId) -> Result<Arc<JobView>, JobError> {
        if let Some(view) = self.deps.board.get(id.as_str()) {
            return Ok(view);
        }
        let key = id.to_string();
        let sweeps = self.deps.board.sweeps();
        match self.deps.store.read(move |conn| jobs::find(conn, &key)).await {
            Ok(row) => {
                // An open job is on the board already; this one can only have become over since.
                let view = JobView::new(row);
                self.deps.board.put_found(&view, sweeps);
                Ok(view)
            }
            Err(StoreError::NotFound) => Err(JobError::Unknown(id.clone())),
            Err(error) => Err(error.into()),
        }
    }

    /// Lists jobs, newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, filter: JobFilter, limit: u16) -> Result<Vec<JobRow>, JobError> {
        let read = move |conn: &mut _| jobs::list(conn, &filter, limit.into());
        Ok(self.deps.store.read(read).await?)
    }

    /// The jobs whose ids begin with a text, the newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn beginning(&self, prefix: &str, limit: u16) -> Result<Beginning, JobError> {
        let prefix = prefix.to_owned();
        let read = move |conn: &mut _| beginning::jobs(conn, &prefix, limit.into());
        Ok(self.deps.store.read(read).await?)
    }

    /// Has a job ended, and waits a while for its end; the view tells how far that is.
    ///
    /// # Errors
    /// [`JobError::Unknown`], [`JobError::Over`], or the store's.
    pub async fn cancel(
        &self,
        id: &JobId,
        principal: &str,
        reason: Option<String>,
    ) -> Result<Arc<JobView>, JobError> {
        let (board, key, by) = (Arc::clone(&self.deps.board), id.to_string(), principal.to_owned());
        let (supervisor, child) = (self.supervisor.clone(), id.clone());
        let wish = self.deps.store.write(move |transaction| {
            let row = match jobs::find_for_change(transaction, &key) {
                Err(StoreError::NotFound) => return Ok(None),
                found => found?,
            };
            if row.status.is_terminal() || row.cancel_requested_by.is_some() {
                return Ok(Some(row.status));
            }
            record::wish_cancelled(transaction, &board, &row, &by, reason.as_deref())?;
            // Told by the commit and not by this future, which a caller may drop.
            let (supervisor, child) = (supervisor.clone(), child.clone());
            transaction.after_commit(move || {
                deliver(&supervisor, Cancel(child));
            });
            Ok(Some(row.status))
        });
        let status = wish.await?.ok_or_else(|| JobError::Unknown(id.clone()))?;
        if status.is_terminal() {
            return Err(JobError::Over { id: id.clone(), status });
        }
        let over = tokio::time::timeout(CANCEL_WAIT, self.deps.board.until_over(id.as_str())).await;
        match over {
            Ok(Some(view)) => Ok(view),
            Ok(None) | Err(_) => self.find(id).await,
        }
    }

    /// Reads the end of one of a job's outputs; empty before it runs.
    ///
    /// # Errors
    /// [`JobError::Unknown`], the runner's, or the store's.
    pub async fn logs(
        &self,
        id: &JobId,
        stream: LogStream,
        max_bytes: u64,
    ) -> Result<LogTail, JobError> {
        let view = self.find(id).await?;
        let Some(run) = view.row.run_ref.clone().map(ExternalRef) else {
            return Ok(LogTail::default());
        };
        Ok(self.deps.runner.logs(&run, stream, max_bytes).await?)
    }

    /// How many jobs there are in each status.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_by_status(&self) -> Result<Vec<(JobStatus, usize)>, StoreError> {
        let counts = self.deps.store.read(jobs::count_by_status).await?;
        let count = |(status, n)| (status, usize::try_from(n).unwrap_or(usize::MAX));
        Ok(counts.into_iter().map(count).collect())
    }

    /// How many jobs ended in each way since the daemon started.
    pub fn ended(&self) -> [(JobStatus, u64); 3] {
        self.deps.statistics.now()
    }

    /// How many jobs run and wait.
    pub fn depth(&self) -> QueueDepth {
        QueueDepth {
            running: self.depth.running.load(Ordering::Relaxed),
            waiting: self.depth.waiting.load(Ordering::Relaxed),
            open: self.deps.board.open(),
            most_running: self.deps.max_running,
            most_open: self.deps.max_queued,
        }
    }

    /// Waits until the supervisor of all jobs has a moment, which proves that it lives.
    ///
    /// # Errors
    /// It is gone.
    pub async fn ping(&self) -> Result<(), actix::MailboxError> {
        self.supervisor.send(Ping).await
    }
}
