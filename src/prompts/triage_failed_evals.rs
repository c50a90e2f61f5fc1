//! `triage_failed_evals`: which evals failed, why, and what to do about each.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use crate::adapters::LogStream;
use crate::audit::{EvidenceRange, RangeError};
use crate::clock::Timestamp;
use crate::ids::JobId;
use crate::jobs::JobError;
use crate::prompts::messages::{DATA, Messages, fenced, fenced_json};
use crate::prompts::signature::{Parameter, Signature};
use crate::prompts::{Prompt, PromptError};
use crate::resources::{Asking, Completion, CompletionRequest};
use crate::store::jobs::{JobFilter, JobRow, JobStatus};
use crate::tools::{Call, Doors, ToolError};

/// From when on, if nobody says otherwise.
const SINCE: &str = "7d";

/// What is offered to who begins to write it.
const OFFERED: [&str; 5] = ["1d", "2d", "7d", "14d", "30d"];

/// How many of the newest failed jobs are looked at, and how many are told with their output.
const LOOKED_AT: u16 = 200;
const TOLD: usize = 8;

/// How much of each output is told, in bytes from its end.
const OUTPUT: u64 = 2048;

const SIGNATURE: Signature = Signature {
    name: "triage_failed_evals",
    title: "Triage failed evals",
    description: "Sorts the evals that failed of late by their cause: which are the eval's fault, \
        which the model's and which the machine's, and what to do about each.",
    parameters: &[Parameter {
        name: "since",
        title: "Since",
        description: "From when on: an ISO 8601 time, a day such as 2026-11-21, or a number of \
            days before now such as 7d, which it is when absent.",
        required: false,
    }],
};

pub(super) struct TriageFailedEvals;

#[async_trait]
impl Prompt for TriageFailedEvals {
    fn name(&self) -> &'static str {
        SIGNATURE.name
    }

    fn describe(&self) -> Value {
        SIGNATURE.to_value()
    }

    async fn get(
        &self,
        Call { doors, .. }: Call<'_>,
        arguments: &Map<String, Value>,
    ) -> Result<Value, PromptError> {
        let given = SIGNATURE.read(arguments)?;
        let since = since(given.get("since").unwrap_or(SINCE), doors.infrastructure.clock.now())?;
        let filter = JobFilter { statuses: vec![JobStatus::Failed], ..JobFilter::default() };
        let mut rows = doors.jobs.list(filter, LOOKED_AT).await.map_err(ToolError::from)?;
        let are_more = usize::from(LOOKED_AT) <= rows.len();
        // Times have one form, whose order is that of the texts.
        rows.retain(|row| since.as_str() <= row.updated_at.as_str());
        rows.sort_by(|one, other| other.updated_at.cmp(&one.updated_at));

        let mut messages = Messages::default();
        messages.say(task(&since, &rows, are_more));
        for row in rows.iter().take(TOLD) {
            messages.say(told(doors, row).await?);
        }
        messages.say(STEPS);
        Ok(messages.finish(&format!("The evals that failed since {since}")))
    }

    async fn complete(
        &self,
        _: Asking<'_>,
        request: CompletionRequest<'_>,
    ) -> Result<Completion, PromptError> {
        SIGNATURE.parameter(request.argument)?;
        Ok(Completion::among(OFFERED, request.value))
    }
}

fn since(text: &str, now: Timestamp) -> Result<String, PromptError> {
    match EvidenceRange::parse(text, "now", now) {
        Ok(range) => Ok(range.from.to_string()),
        Err(RangeError::Backwards) => {
            Err(PromptError::Invalid("since: it must not lie after now".to_owned()))
        }
        Err(RangeError::Form(_)) => Err(PromptError::Invalid(
            "since: it must be an ISO 8601 time such as 2026-11-21T08:15:00Z or 2026-11-21, or a \
             number of days before now such as 7d"
                .to_owned(),
        )),
    }
}

fn task(since: &str, rows: &[JobRow], are_more: bool) -> String {
    if rows.is_empty() {
        return format!(
            "Tell the operator of this daemon that no eval failed since {since}. Of the jobs that \
             are kept none did; `list_jobs` lists them all."
        );
    }
    let mut groups: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for row in rows {
        let reason = row.failure_reason.as_deref().unwrap_or("unknown");
        *groups.entry((&row.task_id, &row.config_id, reason)).or_default() += 1;
    }
    let groups: Vec<_> = groups
        .into_iter()
        .map(|((task, config, reason), jobs)| {
            json!({ "taskId": task, "configId": config, "reason": reason, "jobs": jobs })
        })
        .collect();
    let at_least = if are_more { "At least " } else { "" };
    format!(
        "Triage the evals that failed on this daemon since {since}, for its operator.\n\n\
         {at_least}{} failed, by task, configuration and reason:\n\n{}\n\
         The newest {} follow, each with the end of its output.\n\n{DATA}",
        rows.len(),
        fenced_json(&json!(groups)),
        rows.len().min(TOLD)
    )
}

/// A job, and the end of what it printed.
async fn told(doors: &Doors, row: &JobRow) -> Result<String, PromptError> {
    let facts = json!({
        "jobId": row.job_id,
        "taskId": row.task_id,
        "configId": row.config_id,
        "acceptedAt": row.started_at,
        "runningAt": row.running_at,
        "failedAt": row.updated_at,
        "reason": row.failure_reason,
        "error": row.error,
        "progress": row.progress_text,
        "askedForBy": row.principal,
    });
    let job = format!("The job {}:\n\n{}", row.job_id, fenced_json(&facts));
    let output = end_of(doors, row, (LogStream::Stdout, "output")).await?;
    let errors = end_of(doors, row, (LogStream::Stderr, "error output")).await?;
    Ok([job, output, errors].concat())
}

/// The end of one of a job's outputs.
async fn end_of(
    doors: &Doors,
    row: &JobRow,
    (stream, name): (LogStream, &str),
) -> Result<String, PromptError> {
    let end = match JobId::parse(&row.job_id) {
        Ok(id) => doors.jobs.logs(&id, stream, OUTPUT).await,
        Err(_no_id) => return Ok(format!("\nIts {name} is not kept.\n")),
    };
    match end {
        Ok(tail) if tail.text.trim().is_empty() => Ok(format!("\nIts {name} is empty.\n")),
        Ok(tail) => Ok(format!("\nThe end of its {name}:\n\n{}", fenced("text", &tail.text))),
        // It may have been swept meanwhile, or its runner be away; the rest is told all the same.
        Err(error @ (JobError::Unknown(_) | JobError::Runner(_))) => {
            Ok(format!("\nIts {name} cannot be read: {error}.\n"))
        }
        Err(error) => Err(ToolError::from(error).into()),
    }
}

const STEPS: &str = "Now sort them, in this order:\n\n\
    1. Group the failures by their cause, not by their message: the definition of the eval, the \
    model or what serves it, the machine, or a limit such as the time. Name the jobs of each group \
    and the line of output that shows the cause. Say where the output does not show one.\n\
    2. For each group say what to do: mend the eval, mend the model's server, run it again, or \
    leave it. Put first what keeps other work waiting.\n\
    3. Say what you would run again, and with which arguments.\n\n\
    Where the facts do not suffice, ask for more: `status` and `why` with a job's id, `job_logs` \
    for more of the output (`stream` is stdout or stderr), `list_jobs` for jobs of the same task \
    that went well, `search` and `fetch` for the eval's definition in the repository. Call \
    `run_eval` only when the operator says so.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_and_what_is_none_is_named() {
        let now = Timestamp::parse("2026-11-21T12:00:00.000Z").unwrap();
        let read = |text| since(text, now).map_err(|error| error.to_string());
        assert_eq!(read("7d").unwrap(), "2026-11-14T12:00:00.000Z");
        assert_eq!(read("2026-11-21").unwrap(), "2026-11-21T00:00:00.000Z");
        assert!(OFFERED.iter().all(|offered| read(offered).is_ok()));
        assert_eq!(read("2027-01-01"), Err("since: it must not lie after now".to_owned()));
        for text in ["yesterday", "7", "-7d", "7 d"] {
            assert!(read(text).unwrap_err().starts_with("since: it must be an ISO 8601"), "{text}");
        }
    }
}
