//! What do the lines of a file say that happened in a conversation? Pure.

use serde::Deserialize;
use serde_json::Value;

use crate::chat::call_ids::Renaming;
use crate::chat::event::{Body, Event};
use crate::chat::record;
use crate::chat::tokens::Tokenizer;
use crate::store::chat::events::{EventRow, EventType};

/// The most events that are carried in.
const MOST_EVENTS: usize = 100_000;

/// What a line of a file says.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default)]
    content: Option<Value>,
    #[serde(default)]
    tool_calls: Option<Value>,
    #[serde(default)]
    tool_call_id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    extra: Option<Value>,
}

/// Reads the lines of a conversation: its title, and the rows of its events.
pub(super) fn parse(lines: &str, tokenizer: Tokenizer) -> Result<(String, Vec<EventRow>), String> {
    let (mut title, mut rows) = (String::new(), Vec::new());
    let mut renaming = Renaming::default();
    for (n, text) in lines.lines().enumerate() {
        if text.trim().is_empty() {
            continue;
        }
        let number = n + 1;
        let line: Line = serde_json::from_str(text)
            .map_err(|error| format!("line {number} is no event of a conversation: {error}"))?;
        if line.kind == "conversation" {
            title = record::title(&line.title.unwrap_or_default());
            continue;
        }
        let Some(event_type) = EventType::parse(&line.kind) else {
            let kind: String = line.kind.chars().take(40).collect();
            return Err(format!("line {number} has the type {kind:?}, which no event has"));
        };
        if MOST_EVENTS <= rows.len() {
            return Err(format!("a conversation to be imported has at most {MOST_EVENTS} events"));
        }
        let seq = i64::try_from(rows.len() + 1).unwrap_or(i64::MAX);
        rows.push(row_of(line, (event_type, seq), &mut renaming, tokenizer));
    }
    if rows.is_empty() {
        return Err("there is no event in what is to be imported".to_owned());
    }
    Ok((title, rows))
}

fn row_of(
    line: Line,
    (event_type, seq): (EventType, i64),
    renaming: &mut Renaming,
    tokenizer: Tokenizer,
) -> EventRow {
    let content = line.content.and_then(|content| text_of(&content));
    let kept = |value: Option<Value>| {
        value.filter(|value| !value.is_null()).map(|value| value.to_string())
    };
    let row = EventRow {
        id: String::new(),
        conversation_id: String::new(),
        seq,
        // In the form of all others, by which they can be compared as texts.
        timestamp: line
            .timestamp
            .and_then(|at| crate::clock::Timestamp::parse(&at).ok())
            .map(|at| at.to_string())
            .unwrap_or_default(),
        event_type,
        role: None,
        content,
        tool_calls: kept(line.tool_calls),
        tool_call_id: line.tool_call_id,
        model: line.model,
        usage: kept(line.usage),
        extra: kept(line.extra),
        token_count: 0,
        request_id: None,
    };
    // By way of the event, so that a row is one that the daemon itself would have written.
    let mut event = Event::from_row(row);
    event.tokens = match &event.body {
        Body::UserMessage { text, .. }
        | Body::AssistantMessage { text, .. }
        | Body::ToolResult { text, .. } => tokenizer.count_message(text),
        _ => 0,
    };
    // A request that was made elsewhere is none that could be asked for here.
    if let Body::UserMessage { request_id, .. } = &mut event.body {
        *request_id = None;
    }
    renaming.rename(&mut event.body);
    event.to_row(String::new(), "")
}

/// The text of a content: a string, or parts of which some are texts.
pub(super) fn text_of(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            Some(texts.join("\n"))
        }
        _ => None,
    }
}
