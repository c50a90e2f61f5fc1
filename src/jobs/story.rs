//! What is recorded of a job: the facts for the audit chain and their sentences, and the fields of
//! the events. The one place where a job's story is worded.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::adapters::{EvalResult, RunFailure, RunProgress};
use crate::store::jobs::{JobRow, JobStatus};

/// A fact: its action, its details and its sentence.
pub(super) struct Fact {
    pub(super) action: &'static str,
    /// JSON.
    pub(super) details: String,
    pub(super) message: String,
}

/// An event: its name and the fields of its payload.
pub(super) struct Told {
    pub(super) name: &'static str,
    pub(super) fields: Fields,
}

fn head(row: &JobRow) -> Value {
    json!({ "jobId": row.job_id, "taskId": row.task_id, "configId": row.config_id })
}

fn with(mut details: Value, more: &Value) -> Value {
    if let (Some(details), Some(more)) = (details.as_object_mut(), more.as_object()) {
        details.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    details
}

fn eval_of(row: &JobRow) -> String {
    format!("eval of {} with {}", row.task_id, row.config_id)
}

/// The details of an acceptance, which is the one fact that comes in floods.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Acceptance<'a> {
    job_id: &'a str,
    task_id: &'a str,
    config_id: &'a str,
    dry_run: bool,
    runner: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline_at: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_seconds: Option<i64>,
}

pub(super) fn accepted(row: &JobRow) -> Fact {
    let dry_run = row.status == JobStatus::DryRun;
    let (by, eval) = (&row.principal, eval_of(row));
    let message = if dry_run {
        format!("{by} asked whether an {eval} could run; it could.")
    } else {
        format!("{by} asked for an {eval}, which was queued as {}.", row.job_id)
    };
    let details = serde_json::to_string(&Acceptance {
        job_id: &row.job_id,
        task_id: &row.task_id,
        config_id: &row.config_id,
        dry_run,
        runner: &row.runner,
        deadline_at: row.deadline_at.as_deref(),
        timeout_seconds: row.timeout_seconds,
    });
    let details = details.expect("strings, numbers and claims are JSON");
    Fact { action: "run_eval", details, message }
}

pub(super) fn running(row: &JobRow, waited_seconds: f64) -> Fact {
    let more = json!({ "runner": row.runner, "waitedSeconds": waited_seconds });
    let message =
        format!("The {} runner took it after {waited_seconds:.1} s in the queue.", row.runner);
    Fact { action: "job_running", details: with(head(row), &more).to_string(), message }
}

pub(super) fn completed(row: &JobRow, result: &EvalResult, ran_seconds: Option<f64>) -> Fact {
    let metrics: Vec<String> = result
        .metrics
        .iter()
        .take(8)
        .map(|(name, metric)| match metric.stderr {
            Some(stderr) => format!("{name} {:.4} ± {stderr:.4}", metric.value),
            None => format!("{name} {:.4}", metric.value),
        })
        .collect();
    let more = match result.metrics.len().saturating_sub(8) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let after = ran_seconds.map_or_else(String::new, |seconds| format!(" after {seconds:.1} s"));
    let message = format!("It completed{after} with {}{more}.", metrics.join(", "));
    let details = json!({ "metrics": result.metrics, "ranSeconds": ran_seconds, "exitCode": result.exit_code });
    Fact { action: "job_complete", details: with(head(row), &details).to_string(), message }
}

pub(super) fn failed(row: &JobRow, failure: &RunFailure) -> Fact {
    let details = json!({
        "reason": failure.reason.as_str(),
        "error": failure.message,
        "exitCode": failure.exit_code,
    });
    let message = format!("It failed ({}): {}.", failure.reason.as_str(), failure.message);
    Fact { action: "job_fail", details: with(head(row), &details).to_string(), message }
}

pub(super) fn given_up(row: &JobRow, failure: &str) -> Fact {
    let details = json!({ "reason": CRASH_LOOP, "error": GIVEN_UP, "lastFailure": failure });
    let message = format!("It failed ({CRASH_LOOP}): {GIVEN_UP}.");
    Fact { action: "job_fail", details: with(head(row), &details).to_string(), message }
}

/// The reason of a job whose actor could not be kept alive.
pub(super) const CRASH_LOOP: &str = "actor_crash_loop";

/// The same as a sentence.
pub(super) const GIVEN_UP: &str = "the part of the daemon that watches it failed again and again";

pub(super) fn cancel_wished(row: &JobRow, by: &str, reason: Option<&str>) -> Fact {
    let why = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let message = format!("{by} asked for its end{why}.");
    let details = json!({ "phase": "requested", "reason": reason });
    Fact { action: "job_cancel", details: with(head(row), &details).to_string(), message }
}

pub(super) fn cancelled(row: &JobRow) -> Fact {
    let by = row.cancel_requested_by.as_deref().unwrap_or("system");
    let message = match row.running_at {
        Some(_) => format!("Its run was ended, and it was cancelled for {by}."),
        None => format!("It was cancelled for {by} before it ran."),
    };
    let details = json!({ "phase": "done", "reason": row.cancel_reason, "requestedBy": by });
    Fact { action: "job_cancel", details: with(head(row), &details).to_string(), message }
}

/// The fields of an event's payload; those that are absent are left out.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fields {
    status: &'static str,
    task_id: String,
    config_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<RunProgress>,
}

/// The event of a job that has come to its present status.
pub(super) fn told(row: &JobRow) -> Option<Told> {
    let mut fields = fields(row);
    let name = match row.status {
        JobStatus::Queued => "queued",
        JobStatus::Running => "running",
        JobStatus::Completed => {
            fields.result =
                row.result_json.clone().and_then(|json| RawValue::from_string(json).ok());
            "completed"
        }
        JobStatus::Failed => {
            fields.error.clone_from(&row.error);
            fields.reason.clone_from(&row.failure_reason);
            "failed"
        }
        JobStatus::Cancelled => {
            fields.reason.clone_from(&row.cancel_reason);
            "cancelled"
        }
        JobStatus::DryRun => return None,
    };
    Some(Told { name, fields })
}

pub(super) fn progressed(row: &JobRow, progress: &RunProgress) -> Told {
    let progress = Some(progress.clone());
    Told { name: "update", fields: Fields { progress, ..fields(row) } }
}

fn fields(row: &JobRow) -> Fields {
    Fields {
        status: row.status.as_str(),
        task_id: row.task_id.clone(),
        config_id: row.config_id.clone(),
        ..Fields::default()
    }
}

/// A result as rows and answers carry it.
pub(super) fn result_json(row: &JobRow, result: &EvalResult) -> Value {
    let values: serde_json::Map<String, Value> =
        result.metrics.iter().map(|(name, metric)| (name.clone(), json!(metric.value))).collect();
    json!({
        "taskId": row.task_id,
        "configId": row.config_id,
        "metrics": values,
        "statistics": result.metrics,
        "artifacts": result.artifacts,
        "exitCode": result.exit_code,
    })
}
