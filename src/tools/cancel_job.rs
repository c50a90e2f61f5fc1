//! `cancel_job`: end a job.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::JobId;
use crate::store::jobs::JobStatus;
use crate::tools::words::job_status;
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

const REASON_LENGTH: usize = 500;

pub(super) struct CancelJob;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// The job to end.
    #[schemars(with = "String")]
    job_id: JobId,
    /// Why, for those who ask later; up to 500 characters.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    job_id: String,
    #[schemars(schema_with = "job_status")]
    status: &'static str,
    updated_at: String,
    /// Whether the run is still being ended.
    pending: bool,
}

#[async_trait]
impl Tool for CancelJob {
    const NAME: &'static str = "cancel_job";
    const TITLE: &'static str = "Cancel a job";
    const DESCRIPTION: &'static str = "Ends a job that waits or runs, and answers when its run is \
        gone; a run that takes longer to end is answered as pending and ends all the same.";
    const EFFECT: Effect = Effect::Ends;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let length = arguments.reason.as_ref().map_or(0, |reason| reason.chars().count());
        if REASON_LENGTH < length {
            return Err(ToolError::InvalidArguments(format!(
                "cancel_job: reason must have at most {REASON_LENGTH} characters"
            )));
        }
        let cancel = doors.jobs.cancel(&arguments.job_id, &caller.principal, arguments.reason);
        let view = cancel.await?;
        let row = &view.row;
        Ok(Reply::Answer(Answer {
            job_id: row.job_id.clone(),
            status: row.status.as_str(),
            updated_at: row.updated_at.clone(),
            pending: row.status != JobStatus::Cancelled,
        }))
    }
}
