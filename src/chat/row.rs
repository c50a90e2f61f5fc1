//! Events as rows of the journal, and as clients and files have them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::adapters::llm::ToolCall;
use crate::chat::event::{Body, Cost, Event, Finish, Outcome, ToolName};
use crate::store::chat::events::{EventRow, EventType};

/// What the journal has beside the columns of its own, for an answer.
#[derive(Serialize, Deserialize)]
struct AnswerExtra {
    finish: Finish,
    hop: u32,
    cost_micros: u64,
    is_estimate: bool,
}

/// The same, for a call.
#[derive(Serialize, Deserialize)]
struct CallExtra {
    #[serde(flatten)]
    name: ToolName,
    is_repeatable: bool,
}

/// The same, for a result.
#[derive(Serialize, Deserialize)]
struct ResultExtra {
    outcome: Outcome,
}

fn text_of(value: &impl Serialize) -> Option<String> {
    // These have string keys and finite numbers only, so they always serialise.
    serde_json::to_string(value).ok()
}

impl Event {
    /// The event as its row.
    pub fn to_row(&self, id: String, conversation_id: &str) -> EventRow {
        let mut row = EventRow {
            id,
            conversation_id: conversation_id.to_owned(),
            seq: self.seq,
            timestamp: self.at.clone(),
            event_type: self.body.event_type(),
            role: self.body.role().map(str::to_owned),
            content: None,
            tool_calls: None,
            tool_call_id: None,
            model: None,
            usage: None,
            extra: None,
            token_count: self.tokens.into(),
            request_id: None,
        };
        match &self.body {
            Body::UserMessage { request_id, text } => {
                row.content = Some(text.clone());
                row.request_id.clone_from(request_id);
            }
            Body::AssistantMessage { text, calls, finish, model, cost, hop } => {
                row.content = Some(text.clone());
                row.tool_calls = if calls.is_empty() { None } else { text_of(calls) };
                row.model.clone_from(model);
                row.usage = text_of(&cost.usage);
                row.extra = text_of(&AnswerExtra {
                    finish: *finish,
                    hop: *hop,
                    cost_micros: cost.cost_micros,
                    is_estimate: cost.is_estimate,
                });
            }
            Body::ToolCall { call, name, is_repeatable } => {
                row.tool_calls = text_of(&[call]);
                row.tool_call_id = Some(call.id.clone());
                row.extra =
                    text_of(&CallExtra { name: name.clone(), is_repeatable: *is_repeatable });
            }
            Body::ToolResult { call_id, text, outcome } => {
                row.content = Some(text.clone());
                row.tool_call_id = Some(call_id.clone());
                row.extra = text_of(&ResultExtra { outcome: *outcome });
            }
            Body::SystemUpdate { text } => row.content = Some(text.clone()),
            Body::Note { note, text } => {
                row.content.clone_from(text);
                row.extra = text_of(note);
            }
        }
        row
    }

    /// Reads a row. What is missing or cannot be read is taken for the least that it may mean, so
    /// that no row keeps a conversation from being read.
    pub fn from_row(row: EventRow) -> Self {
        let text = row.content.clone().unwrap_or_default();
        let body = match row.event_type {
            EventType::UserMessage => Body::UserMessage { request_id: row.request_id, text },
            EventType::AssistantMessage => {
                let extra: Option<AnswerExtra> = read(row.extra.as_deref());
                Body::AssistantMessage {
                    text,
                    calls: read(row.tool_calls.as_deref()).unwrap_or_default(),
                    finish: extra.as_ref().map_or(Finish::Stop, |extra| extra.finish),
                    model: row.model,
                    cost: Cost {
                        usage: read(row.usage.as_deref()).unwrap_or_default(),
                        cost_micros: extra.as_ref().map_or(0, |extra| extra.cost_micros),
                        is_estimate: extra.as_ref().is_some_and(|extra| extra.is_estimate),
                    },
                    hop: extra.map_or(0, |extra| extra.hop),
                }
            }
            EventType::ToolCall => {
                let calls: Vec<ToolCall> = read(row.tool_calls.as_deref()).unwrap_or_default();
                let extra: Option<CallExtra> = read(row.extra.as_deref());
                match (calls.into_iter().next(), extra) {
                    (Some(call), Some(extra)) => Body::ToolCall {
                        call,
                        name: extra.name,
                        is_repeatable: extra.is_repeatable,
                    },
                    _ => Body::SystemUpdate { text },
                }
            }
            EventType::ToolResult => {
                let extra: Option<ResultExtra> = read(row.extra.as_deref());
                Body::ToolResult {
                    call_id: row.tool_call_id.unwrap_or_default(),
                    text,
                    outcome: extra.map_or(Outcome::Unknown, |extra| extra.outcome),
                }
            }
            EventType::SystemUpdate => Body::SystemUpdate { text },
            EventType::Meta => match read(row.extra.as_deref()) {
                Some(note) => Body::Note { note, text: row.content },
                None => Body::SystemUpdate { text },
            },
        };
        Self {
            seq: row.seq,
            at: row.timestamp,
            tokens: u32::try_from(row.token_count).unwrap_or(0),
            body,
        }
    }

    /// The event as clients and files have it.
    pub fn to_json(&self, id: Option<&str>, conversation_id: &str) -> Value {
        let row = self.to_row(id.unwrap_or_default().to_owned(), conversation_id);
        let parsed = |text: &Option<String>| -> Value {
            text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
        };
        let mut members = Map::new();
        if let Some(id) = id {
            members.insert("id".to_owned(), json!(id));
        }
        for (name, value) in [
            ("conversation_id", json!(row.conversation_id)),
            ("seq", json!(row.seq)),
            ("timestamp", json!(row.timestamp)),
            ("type", json!(row.event_type.as_str())),
            ("role", json!(row.role)),
            ("content", json!(row.content)),
            ("tool_calls", parsed(&row.tool_calls)),
            ("tool_call_id", json!(row.tool_call_id)),
            ("model", json!(row.model)),
            ("usage", parsed(&row.usage)),
            ("extra", parsed(&row.extra)),
            ("token_count", json!(row.token_count)),
            ("request_id", json!(row.request_id)),
        ] {
            if !value.is_null() {
                members.insert(name.to_owned(), value);
            }
        }
        Value::Object(members)
    }
}

fn read<T: for<'de> Deserialize<'de>>(text: Option<&str>) -> Option<T> {
    serde_json::from_str(text?).ok()
}
