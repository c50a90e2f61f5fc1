//! `list_jobs`: the newest jobs, page by page.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::TaskId;
use crate::store::jobs::{JobFilter, JobStatus};
use crate::tools::status::Shown;
use crate::tools::{Call, Effect, Reply, Tool, ToolError, failed_to_write};

const LIMIT: u16 = 50;
const LIMIT_MOST: u16 = 200;

pub(super) struct ListJobs;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
    DryRun,
}

impl From<Status> for JobStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Queued => Self::Queued,
            Status::Running => Self::Running,
            Status::Completed => Self::Completed,
            Status::Failed => Self::Failed,
            Status::Cancelled => Self::Cancelled,
            Status::DryRun => Self::DryRun,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// Only jobs with one of these statuses; all when absent or empty.
    #[serde(default)]
    status: Vec<Status>,
    /// Only jobs of this task.
    #[schemars(with = "Option<String>")]
    task_id: Option<TaskId>,
    /// How many jobs to list, 1 to 200; 50 when absent.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u16>,
    /// The `nextCursor` of the page before; absent for the first page.
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    #[schemars(with = "Vec<Shown<'static>>")]
    jobs: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[async_trait]
impl Tool for ListJobs {
    const NAME: &'static str = "list_jobs";
    const TITLE: &'static str = "List jobs";
    const DESCRIPTION: &'static str = "Lists jobs, newest first, with their status and results; \
        filter by status or task, and go on with nextCursor.";
    const EFFECT: Effect = Effect::Reads;
    const OPENS_APP: bool = true;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let limit = arguments.limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_MOST).contains(&limit) {
            return Err(invalid(&format!("limit must be between 1 and {LIMIT_MOST}")));
        }
        let filter = JobFilter {
            statuses: arguments.status.into_iter().map(Into::into).collect(),
            task_id: arguments.task_id.map(|id| id.to_string()),
            before: arguments.cursor.as_deref().map(read_cursor).transpose()?,
        };
        // One more than asked for tells whether there is another page.
        let mut rows = doors.jobs.list(filter, limit + 1).await?;
        let more = usize::from(limit) < rows.len();
        rows.truncate(limit.into());
        let last = rows.last().filter(|_| more);
        let next_cursor = last.map(|row| row.number.to_string());
        let shown = |row| serde_json::to_value(Shown::of(row)?).map_err(failed_to_write);
        let jobs = rows.iter().map(shown).collect::<Result<_, _>>()?;
        Ok(Reply::Answer(Answer { jobs, next_cursor }))
    }
}

fn read_cursor(cursor: &str) -> Result<i64, ToolError> {
    cursor.parse().map_err(|_| invalid("cursor must be the nextCursor of the page before"))
}

fn invalid(what: &str) -> ToolError {
    ToolError::InvalidArguments(format!("list_jobs: {what}"))
}
