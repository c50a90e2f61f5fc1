//! `list_canaries`: the newest canaries, page by page.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::ModelId;
use crate::store::canaries::{CanaryFilter, CanaryStatus};
use crate::tools::canary_status::Shown;
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

const LIMIT: u16 = 50;
const LIMIT_MOST: u16 = 200;

pub(super) struct ListCanaries;

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Pending,
    Running,
    Paused,
    Promoted,
    RolledBack,
    Failed,
}

impl From<Status> for CanaryStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Running => Self::Running,
            Status::Paused => Self::Paused,
            Status::Promoted => Self::Promoted,
            Status::RolledBack => Self::RolledBack,
            Status::Failed => Self::Failed,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// Only canaries with one of these statuses; all when absent or empty.
    #[serde(default)]
    status: Vec<Status>,
    /// Only canaries of this model.
    #[schemars(with = "Option<String>")]
    model_id: Option<ModelId>,
    /// How many canaries to list, 1 to 200; 50 when absent.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u16>,
    /// The `nextCursor` of the page before; absent for the first page.
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    canaries: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[async_trait]
impl Tool for ListCanaries {
    const NAME: &'static str = "list_canaries";
    const TITLE: &'static str = "List canaries";
    const DESCRIPTION: &'static str = "Lists canaries, newest first, with their status and why they \
        ended; filter by status or model, and go on with nextCursor.";
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
        let cursor = arguments.cursor.as_deref().map(str::parse).transpose();
        let before =
            cursor.map_err(|_| invalid("cursor must be the nextCursor of the page before"))?;
        let filter = CanaryFilter {
            statuses: arguments.status.into_iter().map(Into::into).collect(),
            model_id: arguments.model_id.map(|id| id.to_string()),
            before,
        };
        // One more than asked for tells whether there is another page.
        let mut rows = doors.canaries.list(filter, limit + 1).await?;
        let more = usize::from(limit) < rows.len();
        rows.truncate(limit.into());
        let next_cursor = rows.last().filter(|_| more).map(|row| row.number.to_string());
        let canaries = rows.into_iter().map(Shown::of).collect();
        Ok(Reply::Answer(Answer { canaries, next_cursor }))
    }
}

fn invalid(what: &str) -> ToolError {
    ToolError::InvalidArguments(format!("list_canaries: {what}"))
}
