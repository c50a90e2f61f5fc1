//! `run_eval`: have a task evaluated.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ConfigId, Entity, EntityKind, TaskId};
use crate::jobs::NewJob;
use crate::tools::words::job_status;
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

/// The longest limit that can be asked for, in seconds: 30 days.
const LONGEST: u32 = 2_592_000;

/// The longest key.
const KEY_LENGTH: usize = 200;

pub(super) struct RunEval;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// The task to evaluate: the name of its file in the evals directory, without the ending.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9._-]{1,128}$"))]
    task_id: TaskId,
    /// The configuration to evaluate it with.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9._-]{1,128}$"))]
    config_id: ConfigId,
    /// Only check that the eval could run, and run nothing.
    #[serde(default)]
    dry_run: bool,
    /// A text of your own, up to 200 characters: repeating the call with the same key within a day
    /// answers with the same job and starts no second one.
    #[schemars(length(min = 1, max = 200))]
    idempotency_key: Option<String>,
    /// A shorter limit on the run than the task's own, in seconds.
    #[schemars(range(min = 1, max = 2_592_000))]
    timeout_seconds: Option<u32>,
    /// The time within which the job must be over, waiting included, in seconds.
    #[schemars(range(min = 1, max = 2_592_000))]
    deadline_seconds: Option<u32>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    job_id: String,
    task_id: String,
    config_id: String,
    #[schemars(schema_with = "job_status")]
    status: &'static str,
    started_at: String,
    updated_at: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeated: bool,
}

#[async_trait]
impl Tool for RunEval {
    const NAME: &'static str = "run_eval";
    const TITLE: &'static str = "Run an eval";
    const DESCRIPTION: &'static str = "Queues an eval of a task with a configuration and answers \
        with its jobId at once. Ask `status` for its end, or follow the events of `job/<jobId>`.";
    const EFFECT: Effect = Effect::Adds;
    const OPENS_APP: bool = true;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        if let Some(key) = &arguments.idempotency_key
            && !(1..=KEY_LENGTH).contains(&key.chars().count())
        {
            return Err(ToolError::InvalidArguments(
                "run_eval: idempotencyKey must have 1 to 200 characters".to_owned(),
            ));
        }
        let submitted = doors.jobs.submit(NewJob {
            task_id: arguments.task_id,
            config_id: arguments.config_id,
            principal: caller.principal.clone(),
            dry_run: arguments.dry_run,
            idempotency_key: arguments.idempotency_key,
            timeout: seconds("timeoutSeconds", arguments.timeout_seconds)?,
            deadline: seconds("deadlineSeconds", arguments.deadline_seconds)?,
        });
        let submitted = submitted.await?;
        let row = &submitted.view.row;
        let work = Entity { kind: EntityKind::Job, id: row.job_id.as_str().into() };
        Ok(Reply::Began(
            work,
            Answer {
                job_id: row.job_id.clone(),
                task_id: row.task_id.clone(),
                config_id: row.config_id.clone(),
                status: row.status.as_str(),
                started_at: row.started_at.clone(),
                updated_at: row.updated_at.clone(),
                repeated: submitted.repeated,
            },
        ))
    }
}

fn seconds(name: &str, value: Option<u32>) -> Result<Option<Duration>, ToolError> {
    match value {
        None => Ok(None),
        Some(value @ 1..=LONGEST) => Ok(Some(Duration::from_secs(value.into()))),
        Some(_) => Err(ToolError::InvalidArguments(format!(
            "run_eval: {name} must be between 1 and {LONGEST}"
        ))),
    }
}
