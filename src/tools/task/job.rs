//! A job as a task.

use crate::ids::JobId;
use crate::jobs::{JobError, JobView};
use crate::store::jobs::{JobRow, JobStatus};
use crate::tools::status::encoded;
use crate::tools::task::{Task, TaskState, may_change};
use crate::tools::{CallResult, Caller, Doors, ToolError};

/// How often it is worth asking, in milliseconds; most evals take longer.
const POLL: u64 = 2_000;

/// The failures that are none of the eval itself.
const FAULTS: [&str; 3] = ["not_started", "lost", "actor_crash_loop"];

pub(super) async fn find(
    doors: &Doors,
    caller: &Caller,
    id: &JobId,
) -> Result<Option<Task>, ToolError> {
    let view = match doors.jobs.find(id).await {
        Err(JobError::Unknown(_)) => return Ok(None),
        found => found?,
    };
    if view.row.principal != caller.principal {
        return Ok(None);
    }
    let ttl = u64::try_from(doors.infrastructure.job_ttl.as_millis()).ok();
    Ok(Some(Task {
        id: view.row.job_id.clone(),
        message: message(&view.row),
        created_at: view.row.started_at.clone(),
        updated_at: view.row.updated_at.clone(),
        ttl,
        poll_interval: POLL,
        state: state(&view),
    }))
}

fn state(view: &JobView) -> TaskState {
    let row = &view.row;
    match row.status {
        JobStatus::Queued | JobStatus::Running => TaskState::Working,
        JobStatus::Completed | JobStatus::DryRun => TaskState::Completed(encoded(view)),
        JobStatus::Cancelled => TaskState::Cancelled,
        JobStatus::Failed => {
            let why = row.error.as_deref().unwrap_or("the eval failed");
            let is_fault =
                row.failure_reason.as_deref().is_some_and(|reason| FAULTS.contains(&reason));
            if is_fault {
                TaskState::Failed(format!("{}: {why}", row.job_id))
            } else {
                TaskState::Completed(CallResult::failure(&format!(
                    "{} failed: {why}; ask job_logs for what it wrote, and why for its story",
                    row.job_id
                )))
            }
        }
    }
}

fn message(row: &JobRow) -> Option<String> {
    if row.status == JobStatus::Running {
        return row.progress_text.clone().or_else(|| Some("running".to_owned()));
    }
    Some(row.status.as_str().to_lowercase())
}

pub(super) async fn cancel(doors: &Doors, caller: &Caller, id: &JobId) -> Result<(), ToolError> {
    may_change(caller)?;
    match doors.jobs.cancel(id, &caller.principal, None).await {
        // It was over before anybody could end it.
        Ok(_) | Err(JobError::Over { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
