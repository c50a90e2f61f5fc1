//! `get_recent_events`: what happened of late, for clients that are woken without being told what by.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::events::Topics;
use crate::subscriptions::{EventsError, Recent, RecentEvent};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

const LIMIT: u16 = 20;
const LIMIT_MOST: u16 = 200;

pub(super) struct GetRecentEvents;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// What they are about: `*` (when absent), `job/*`, `canary/*`, `model/*`, or one thing as
    /// `job/<jobId>`, `canary/<canaryId>` or `model/<modelId>`.
    topic: Option<String>,
    /// How many events to give, 1 to 200; 20 when absent.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u16>,
    /// The `cursor` of an earlier answer, to get what came after it; absent for the newest events.
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Happened {
    event_id: String,
    name: &'static str,
    timestamp: String,
    data: Map<String, Value>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    /// Oldest first.
    events: Vec<Happened>,
    /// The position after the last of them.
    cursor: String,
    /// Whether events after the cursor that was sent are no longer kept.
    truncated: bool,
    /// Whether there are more after the cursor.
    has_more: bool,
}

#[async_trait]
impl Tool for GetRecentEvents {
    const NAME: &'static str = "get_recent_events";
    const TITLE: &'static str = "Get recent events";
    const DESCRIPTION: &'static str = "Gives the newest events about jobs, canaries and models with \
        their data, oldest first; call it when you were woken by an event of this server and cannot \
        see what happened, and go on later with the cursor.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(call: Call<'_>, arguments: Arguments) -> Result<Reply<Answer>, ToolError> {
        let limit = arguments.limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_MOST).contains(&limit) {
            return Err(invalid(&format!("limit must be between 1 and {LIMIT_MOST}")));
        }
        let topic = arguments.topic.as_deref().unwrap_or("*");
        let topics = Topics::parse(&[topic]).map_err(|error| invalid(&error.to_string()))?;
        let recent =
            call.doors.subscriptions.recent(&topics, arguments.cursor.as_deref(), limit).await;
        let Recent { events, cursor, truncated, has_more } = recent.map_err(refused)?;
        let happened = |event: RecentEvent| {
            let RecentEvent { event_id, name, timestamp, data } = event;
            Happened { event_id, name, timestamp, data }
        };
        let events = events.into_iter().map(happened).collect();
        Ok(Reply::Answer(Answer { events, cursor, truncated, has_more }))
    }
}

fn refused(error: EventsError) -> ToolError {
    match error {
        EventsError::Overloaded(what) => ToolError::Overloaded(what),
        EventsError::Failed { what, source } => ToolError::Failed { what, source },
        error => invalid(&error.to_string()),
    }
}

fn invalid(what: &str) -> ToolError {
    ToolError::InvalidArguments(format!("get_recent_events: {what}"))
}
