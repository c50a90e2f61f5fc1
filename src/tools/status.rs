//! `status`: how a job stands.

mod account;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tracing::error;

use self::account::Account;
use crate::ids::{Entity, JobId};
use crate::jobs::JobView;
use crate::store::jobs::JobRow;
use crate::tools::schema::anything;
use crate::tools::waiting::Wait;
use crate::tools::words::job_status;
use crate::tools::{Call, CallResult, Effect, Reply, Tool, ToolError};

pub(super) struct Status;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// The job to look at, as `run_eval` named it.
    #[schemars(with = "String")]
    job_id: JobId,
    /// How many seconds to wait for its end before answering how it stands, 0 to 55; 0 when absent.
    #[schemars(range(max = 55))]
    wait_seconds: Option<u16>,
}

/// A job as `status` and `list_jobs` show it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown<'a> {
    job_id: &'a str,
    task_id: &'a str,
    config_id: &'a str,
    #[schemars(schema_with = "job_status")]
    status: &'static str,
    started_at: &'a str,
    updated_at: &'a str,
    /// What the eval measured, with its metrics under `statistics`; null until there is one.
    #[schemars(schema_with = "anything")]
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
#[derive(Debug, Serialize, JsonSchema)]
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
        CANCELLED or DRY_RUN, with its result, progress or error. With waitSeconds it waits for the \
        end, and tells of progress meanwhile.";
    const EFFECT: Effect = Effect::Reads;
    const OPENS_APP: bool = true;
    type Arguments = Arguments;
    type Answer = Shown<'static>;

    async fn call(call: Call<'_>, arguments: Arguments) -> Result<Reply<Self::Answer>, ToolError> {
        let Arguments { job_id: id, wait_seconds } = arguments;
        let wait = Wait::begin(call, Self::NAME, Entity::job(&id), wait_seconds)?;
        let mut view = call.doors.jobs.find(&id).await?;
        if let Some(mut wait) = wait {
            let mut account = Account::to(call.client);
            account.tell(&view.row);
            while !view.row.status.is_terminal() && wait.goes_on().await {
                view = call.doors.jobs.find(&id).await?;
                account.tell(&view.row);
            }
        }
        Ok(Reply::Made(encoded(&view)))
    }
}

/// What is answered about a job: made once for each state of it, however often it is asked for.
pub(super) fn encoded(view: &JobView) -> CallResult {
    CallResult::from_bytes(view.encoded(|row| encode(row).into_bytes()))
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
