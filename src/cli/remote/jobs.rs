//! `jobs`: the newest jobs as a table.

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::answers::{Job, Jobs};
use crate::cli::remote::session::{Session, say};
use crate::cli::terminal::bar::percent;
use crate::cli::terminal::style::Style;
use crate::cli::terminal::table::{Cell, Table};
use crate::cli::terminal::time::ago;
use crate::clock::{Clock as _, SystemClock, Timestamp};

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Status {
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
    DryRun,
}

impl Status {
    fn wire(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::DryRun => "DRY_RUN",
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Only jobs with one of these statuses
    #[arg(long, value_enum, ignore_case = true, value_delimiter = ',', value_name = "STATUS")]
    status: Vec<Status>,
    /// Only jobs of this task
    #[arg(long)]
    task: Option<String>,
    /// How many, at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
    limit: u16,
    /// Go on where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

impl Ask for Arguments {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        let statuses: Vec<_> = self.status.iter().map(|status| status.wire()).collect();
        let call = json!({
            "status": statuses, "taskId": self.task, "limit": self.limit, "cursor": self.cursor,
        });
        let Some(answer) = session.answer_to_show::<Jobs>("list_jobs", &call).await? else {
            return Ok(());
        };
        session.print_lines(&render(&answer.jobs, session.style, SystemClock.now()))?;
        if answer.jobs.is_empty() {
            say("there are no such jobs; `lukhas-mcp run-eval TASK CONFIG` starts one");
        }
        if let Some(cursor) = &answer.next_cursor {
            say(&format!("there are more: add --cursor {cursor}"));
        }
        Ok(())
    }
}

fn render(jobs: &[Job], style: Style, now: Timestamp) -> Vec<String> {
    let mut table = Table::new(["STATE", "JOB", "TASK", "CONFIG", "DONE", "CHANGED", "WHY"]);
    for job in jobs {
        let mark = job.mark();
        let fraction = job.progress.as_ref().and_then(|progress| progress.fraction);
        table.push([
            Cell::new(mark.tone, &mark.text()),
            Cell::plain(&job.id),
            Cell::plain(&job.task_id),
            Cell::plain(&job.config_id),
            Cell::plain(&fraction.map(percent).unwrap_or_default()),
            Cell::quiet(&ago(&job.updated_at, now)),
            Cell::plain(&job.said()),
        ]);
    }
    table.render(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_a_row() {
        let job: Job = serde_json::from_value(json!({
            "jobId": "job_x", "taskId": "quick", "configId": "default", "status": "FAILED",
            "startedAt": "2026-11-21T19:00:00.000Z", "updatedAt": "2026-11-21T19:00:01.000Z",
            "progress": { "fraction": 0.4, "text": "half" }, "error": "timeout: \u{1b}[2J",
        }))
        .unwrap();
        let now = Timestamp::parse("2026-11-21T20:00:01Z").unwrap();
        let lines = render(&[job], Style::PLAIN, now);
        assert!(lines[0].starts_with("STATE"), "{lines:?}");
        let row = "✕ failed  job_x  quick  default  40 %  1 h ago  timeout: \\u{1b}[2J";
        assert_eq!(lines[1], row);
    }
}
