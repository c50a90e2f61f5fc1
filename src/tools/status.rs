//! `status`: how a job stands.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tracing::error;

use crate::ids::JobId;
use crate::store::jobs::JobRow;
use crate::tools::{Call, CallResult, Effect, Reply, Tool, ToolError};

pub(super) struct Status;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// The job to look at, as `run_eval` named it.
    #[schemars(with = "String")]
    job_id: JobId,
}

/// A job as `status` and `list_jobs` show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown<'a> {
    job_id: &'a str,
    task_id: &'a str,
    config_id: &'a str,
    status: &'static str,
    started_at: &'a str,
    updated_at: &'a str,
    result: Option<&'a RawValue>,
    progress: Option<Progress>,
    error: Option<&'a str>,
    reason: Option<&'a str>,
    runner: &'a str,
    principal: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    running_at: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline_at: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_requested_by: Option<&'a str>,
}

/// How far a job has come, as far as it said.
#[derive(Debug, Serialize)]
pub(super) struct Progress {
    #[serde(skip_serializing_if = "Option::is_none")]
    fraction: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl Progress {
    /// Nothing, if it said nothing.
    pub(super) fn of(fraction: Option<f64>, text: Option<&str>) -> Option<Self> {
        let known = fraction.is_some() || text.is_some();
        known.then(|| Self { fraction, text: text.map(str::to_owned) })
    }
}

impl<'a> Shown<'a> {
    pub(super) fn of(row: &'a JobRow) -> Result<Self, ToolError> {
        let result = row.result_json.as_deref().map(serde_json::from_str::<&RawValue>);
        let result = result.transpose().map_err(|error| ToolError::Failed {
            what: format!("the stored result of {} is not JSON", row.job_id),
            source: error.into(),
        })?;
        Ok(Self {
            job_id: &row.job_id,
            task_id: &row.task_id,
            config_id: &row.config_id,
            status: row.status.as_str(),
            started_at: &row.started_at,
            updated_at: &row.updated_at,
            result,
            progress: Progress::of(row.progress, row.progress_text.as_deref()),
            error: row.error.as_deref(),
            reason: row.failure_reason.as_deref(),
            runner: &row.runner,
            principal: &row.principal,
            running_at: row.running_at.as_deref(),
            deadline_at: row.deadline_at.as_deref(),
            cancel_requested_by: row.cancel_requested_by.as_deref(),
        })
    }
}

#[async_trait]
impl Tool for Status {
    const NAME: &'static str = "status";
    const TITLE: &'static str = "Status of a job";
    const DESCRIPTION: &'static str = "Says how a job stands: QUEUED, RUNNING, COMPLETED, FAILED, \
        CANCELLED or DRY_RUN, with its result, progress or error.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Answer = ();

    async fn call(
        Call { doors, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<()>, ToolError> {
        let view = doors.jobs.find(&arguments.job_id).await?;
        // Made once for each state of a job, however often it is asked for.
        let bytes = view.encoded(|row| encode(row).into_bytes());
        Ok(Reply::Made(CallResult::from_bytes(bytes)))
    }
}

fn encode(row: &JobRow) -> CallResult {
    let made = Shown::of(row).and_then(|shown| {
        CallResult::of(&shown).map_err(|error| ToolError::Failed {
            what: "the answer could not be written as JSON".to_owned(),
            source: error.into(),
        })
    });
    made.unwrap_or_else(|error| {
        error!(job.id = row.job_id, error = format!("{error:?}"), "a job cannot be shown");
        CallResult::failure(&error.to_string())
    })
}
