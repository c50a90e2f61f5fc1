//! Accepting a job.

use std::sync::Arc;
use std::time::Duration;

use crate::ids::{ConfigId, JobId, TaskId};
use crate::jobs::supervisor::Launch;
use crate::jobs::view::JobView;
use crate::jobs::{JobError, Jobs, record};
use crate::store::idempotency::{self, IdempotencyRow};
use crate::store::jobs::{self, JobRow, JobStatus};
use crate::store::{StoreError, Transaction, sha256_hex};
use crate::supervision::deliver;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// What to evaluate.
    pub task_id: TaskId,
    /// How.
    pub config_id: ConfigId,
    /// Who asks.
    pub principal: String,
    /// Only say whether it could run.
    pub dry_run: bool,
    /// Makes a repeated request the same request.
    pub idempotency_key: Option<String>,
    /// A shorter limit on the run than the task's own.
    pub timeout: Option<Duration>,
    /// The time within which it must be over, queue included.
    pub deadline: Option<Duration>,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// The job as it was accepted.
    pub view: Arc<JobView>,
    /// Whether it was accepted before, for the same key.
    pub repeated: bool,
}

enum Accepted {
    New(Arc<JobView>),
    Repeated(Arc<JobView>),
    OtherArguments,
}

impl Jobs {
    /// Accepts a job: when this answers, the job is in the database and will be run.
    ///
    /// # Errors
    /// The runner does not know the task or the configuration, the queue is full, the key stands
    /// for another request, or the store failed; there is then no job.
    pub async fn submit(&self, new: NewJob) -> Result<Submitted, JobError> {
        self.deps.runner.plan(&new.task_id, &new.config_id).await?;
        let open = self.deps.board.open();
        if !new.dry_run && self.deps.max_queued <= open {
            return Err(JobError::QueueFull(open));
        }
        let runner = self.deps.runner.name();
        let board = Arc::clone(&self.deps.board);
        let supervisor = self.supervisor.clone();
        let accepted = self.deps.store.write(move |transaction| {
            if let Some(known) = repeated(transaction, &new)? {
                return Ok(known);
            }
            let row = new_row(transaction, &new, runner);
            if let Some(key) = new.idempotency_key.clone() {
                remember(transaction, &new, &row, key)?;
            }
            let view = record::accept(transaction, &board, row)?;
            if !new.dry_run {
                // Launched by the commit and not by this future, which a caller may drop.
                let (launched, supervisor) = (Arc::clone(&view), supervisor.clone());
                transaction.after_publish(move || {
                    deliver(&supervisor, Launch(launched));
                });
            }
            Ok(Accepted::New(view))
        });
        match accepted.await? {
            Accepted::New(view) => Ok(Submitted { view, repeated: false }),
            Accepted::Repeated(view) => Ok(Submitted { view, repeated: true }),
            Accepted::OtherArguments => Err(JobError::KeyReused),
        }
    }
}

fn new_row(transaction: &mut Transaction<'_>, new: &NewJob, runner: &str) -> JobRow {
    let id = JobId::generate(transaction.id_prefix());
    let ids = (id.to_string(), new.task_id.to_string(), new.config_id.to_string());
    let status = if new.dry_run { JobStatus::DryRun } else { JobStatus::Queued };
    let deadline = new.deadline.and_then(|span| time::Duration::try_from(span).ok());
    JobRow {
        timeout_seconds: new.timeout.and_then(|span| i64::try_from(span.as_secs()).ok()),
        deadline_at: deadline.map(|span| transaction.now().plus(span).to_string()),
        ..JobRow::accepted(status, ids, transaction.stamp(), (&new.principal, runner))
    }
}

/// The job that was accepted for the same key before, as it was answered then.
fn repeated(
    transaction: &mut Transaction<'_>,
    new: &NewJob,
) -> Result<Option<Accepted>, StoreError> {
    let Some(key) = &new.idempotency_key else { return Ok(None) };
    let Some(known) = idempotency::find(transaction, &new.principal, key)? else {
        return Ok(None);
    };
    if known.request_hash != request_hash(new) {
        return Ok(Some(Accepted::OtherArguments));
    }
    let row = jobs::find_for_change(transaction, &known.job_id)?;
    Ok(Some(Accepted::Repeated(JobView::new(row))))
}

fn remember(
    transaction: &mut Transaction<'_>,
    new: &NewJob,
    row: &JobRow,
    key: String,
) -> Result<(), StoreError> {
    let known = IdempotencyRow {
        principal: new.principal.clone(),
        key,
        request_hash: request_hash(new),
        job_id: row.job_id.clone(),
        created_at: row.started_at.clone(),
    };
    idempotency::insert(transaction, &known)
}

/// Tells requests apart by everything that makes a difference.
fn request_hash(new: &NewJob) -> String {
    let seconds = |span: Option<Duration>| span.map(|span| span.as_secs());
    let canonical = serde_json::json!([
        new.task_id,
        new.config_id,
        new.dry_run,
        seconds(new.timeout),
        seconds(new.deadline),
    ]);
    sha256_hex(canonical.to_string().as_bytes())
}
