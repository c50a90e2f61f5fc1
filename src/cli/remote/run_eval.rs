//! `run-eval`: starts an eval, and waits for its end if that is wanted.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::answers::Job;
use crate::cli::remote::session::{Session, read};
use crate::cli::remote::thing::Thing;
use crate::cli::remote::wait;
use crate::cli::terminal::style::{Line, Style};
use crate::cli::terminal::table::{Cell, Table};

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The task: the name of its file, without the ending
    task: String,
    /// The configuration, the same way
    #[arg(value_name = "CONFIG")]
    configuration: String,
    /// Only check that it could run
    #[arg(long)]
    dry_run: bool,
    /// A text of your own: with the same one within a day no second job is started
    #[arg(long, value_name = "TEXT")]
    idempotency_key: Option<String>,
    /// The time within which it must be over, waiting included
    #[arg(long, value_name = "SECONDS")]
    deadline: Option<u32>,
    /// Wait for its end; the exit code tells how it ended
    #[arg(long, conflicts_with = "dry_run")]
    wait: bool,
}

impl Ask for Arguments {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        let call = json!({
            "taskId": self.task, "configId": self.configuration, "dryRun": self.dry_run,
            "idempotencyKey": self.idempotency_key, "deadlineSeconds": self.deadline,
        });
        let started = session.answer("run_eval", &call).await?;
        if self.wait {
            let id = started["jobId"].as_str().unwrap_or_default().to_owned();
            let thing = Thing::Job(id);
            let ended = wait::until_over(session, &thing).await?;
            show(session, &ended)?;
            return wait::judge(&thing, &ended);
        }
        show(session, &started)
    }
}

/// Prints a job, and its metrics if it has some.
fn show(session: &Session, answer: &Value) -> Result<(), Failure> {
    if session.json {
        return session.print_json(answer);
    }
    let job: Job = read(answer.clone())?;
    let line = job.mark().begin("").plain(&job.id);
    session.print_line(&tail(line, &job))?;
    session.print_lines(&metrics(&job, session.style))
}

fn tail(line: Line, job: &Job) -> Line {
    let said = job.said();
    if said.is_empty() { line } else { line.plain("  ").plain(&said) }
}

/// The metrics of a completed job, with their standard errors where they have some.
fn metrics(job: &Job, style: Style) -> Vec<String> {
    let result = job.result.as_ref();
    let Some(metrics) = result.and_then(|result| result["metrics"].as_object()) else {
        return Vec::new();
    };
    let mut table = Table::new(["METRIC", "VALUE", "ERROR", "SAMPLES"]);
    for (name, value) in metrics {
        let behind = &result.map_or(&Value::Null, |result| &result["statistics"])[name.as_str()];
        let number = |part: &Value| part.as_f64().map(|number| format!("{number:.4}"));
        table.push([
            Cell::plain(name),
            Cell::plain(&number(value).unwrap_or_else(|| value.to_string())),
            Cell::plain(&number(&behind["stderr"]).map(|e| format!("± {e}")).unwrap_or_default()),
            Cell::plain(&behind["n"].as_u64().map(|n| n.to_string()).unwrap_or_default()),
        ]);
    }
    table.render(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_their_standard_errors() {
        let job: Job = serde_json::from_value(json!({
            "jobId": "job_x", "taskId": "t", "configId": "c", "status": "COMPLETED",
            "startedAt": "2026-11-21T19:00:00Z", "updatedAt": "2026-11-21T19:00:00Z",
            "result": {
                "metrics": { "accuracy": 0.5, "missing": 0.0 },
                "statistics": { "accuracy": { "n": 60, "stderr": 0.06454, "value": 0.5 } },
            },
        }))
        .unwrap();
        let lines = metrics(&job, Style::PLAIN);
        assert_eq!(lines[1], "accuracy  0.5000  ± 0.0645  60");
        assert_eq!(lines[2], "missing   0.0000");
    }
}
