//! What the model is told: made from events, and from nothing else.
//!
//! # Invariants
//!
//! 1. Every call in it has exactly one result, directly after the answer that asked for it.
//! 2. It begins with what a user said and ends with what the model has not answered.
//! 3. It has whole requests, the newest first to be taken.

use crate::adapters::llm::{Message, ToolCall};
use crate::chat::event::{Body, Event};
use crate::store::chat::excerpts::Excerpt;

/// What a model is told where nobody knows what became of a call.
pub const UNKNOWN: &str = "It is not known whether this call was carried out: it was interrupted. \
    Look at how things stand before doing it again.";

/// The fewest characters to which a text is cut: so many that what is left out can be named.
const FEWEST: usize = 400;

/// As many characters as naming what is left out takes.
const NOTICE: usize = 240;

/// How events become messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The most characters of a tool's output that are shown; the others can be read on demand.
    pub result_characters: usize,
    /// Whether the model sees what neither it nor the user said.
    pub shows_system_updates: bool,
}

/// Cuts events into requests, the oldest first. What stands before the first thing that a user said
/// belongs to none, and no model is told of it.
pub fn requests(events: &[Event]) -> Vec<&[Event]> {
    let starts: Vec<usize> = (0..events.len()).filter(|&n| begins_request(&events[n])).collect();
    let ends = starts.iter().skip(1).copied().chain([events.len()]);
    starts.iter().zip(ends).map(|(&start, end)| &events[start..end]).collect()
}

/// Whether an event is what a user said.
pub fn begins_request(event: &Event) -> bool {
    matches!(event.body, Body::UserMessage { .. })
}

/// The tokens of a request where a model reads it.
pub fn tokens(request: &[Event]) -> u64 {
    request.iter().map(|event| u64::from(event.tokens)).sum()
}

/// The newest requests of `history` that fit into `budget` tokens, as a slice of it. The first that
/// does not fit ends it: there are no holes.
pub fn newest_within(history: &[Event], budget: u64) -> &[Event] {
    let mut left = budget;
    let mut start = history.len();
    for request in requests(history).into_iter().rev() {
        let Some(rest) = left.checked_sub(tokens(request)) else { break };
        left = rest;
        start -= request.len();
    }
    &history[start..]
}

/// The messages of whole requests, the last of which may be under way.
pub fn messages(events: &[Event], shape: Shape) -> Vec<Message> {
    let mut messages = Vec::new();
    for request in requests(events) {
        add_request(request, shape, &mut messages);
    }
    messages
}

fn add_request(request: &[Event], shape: Shape, messages: &mut Vec<Message>) {
    for (n, event) in request.iter().enumerate() {
        match &event.body {
            Body::UserMessage { text, .. } => messages.push(Message::User(text.clone())),
            Body::AssistantMessage { text, calls, .. } => {
                if text.is_empty() && calls.is_empty() {
                    continue;
                }
                let answer = Message::Assistant { text: text.clone(), calls: calls.clone() };
                messages.push(answer);
                for call in calls {
                    messages.push(result_of(call, &request[n + 1..], shape));
                }
            }
            Body::SystemUpdate { text } if shape.shows_system_updates => {
                messages.push(Message::User(format!("[notice of the system] {text}")));
            }
            // Results stand with their calls; the rest is not for models.
            Body::SystemUpdate { .. }
            | Body::ToolCall { .. }
            | Body::ToolResult { .. }
            | Body::Note { .. } => {}
        }
    }
}

/// The result of a call, looked for up to the next answer, because ids may come again.
fn result_of(call: &ToolCall, later: &[Event], shape: Shape) -> Message {
    let until_next =
        later.iter().take_while(|event| !matches!(event.body, Body::AssistantMessage { .. }));
    let found = until_next.filter_map(|event| match &event.body {
        Body::ToolResult { call_id, text, outcome } if *call_id == call.id => {
            Some((text, *outcome))
        }
        _ => None,
    });
    match found.last() {
        Some((text, outcome)) => Message::Tool {
            call_id: call.id.clone(),
            text: capped(text, shape.result_characters, &call.id),
            is_error: outcome.is_error(),
        },
        None => {
            Message::Tool { call_id: call.id.clone(), text: UNKNOWN.to_owned(), is_error: true }
        }
    }
}

/// The beginning and the end of a text that is longer than `most` characters, with what is left out
/// named between them. All of that has at most `most` characters, or [`FEWEST`]: what was cut is
/// not cut again.
pub fn capped(text: &str, most: usize, call_id: &str) -> String {
    let length = text.chars().count();
    if length <= most.max(FEWEST) {
        return text.to_owned();
    }
    joined((text, text), length, most, call_id)
}

/// The beginning of one text and the end of another, as of one that has `length` characters.
pub fn joined((start, end): (&str, &str), length: usize, most: usize, call_id: &str) -> String {
    let room = most.max(FEWEST) - NOTICE;
    let (head, tail) = (room - room / 4, room / 4);
    let skipped = end.chars().count().saturating_sub(tail);
    let byte_of =
        |text: &str, n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
    format!(
        "{}\n[… {} of {length} characters are left out here; chat__read_tool_output with call_id \
         {call_id:?} and offset {head} gives them …]\n{}",
        &start[..byte_of(start, head)],
        length.saturating_sub(head + tail),
        &end[byte_of(end, skipped)..]
    )
}

/// An event with no more of what a tool gave than a model is shown.
pub fn shown(mut event: Event, most: usize) -> Event {
    if let Body::ToolResult { call_id, text, .. } = &mut event.body
        && most.max(FEWEST) < text.len()
    {
        *text = capped(text, most, call_id);
    }
    event
}

/// An event of which the middle of what a tool gave was not read.
pub fn of_excerpt(excerpt: Excerpt, most: usize) -> Event {
    let Excerpt { row, end, length } = excerpt;
    let mut event = Event::from_row(row);
    if let (Body::ToolResult { call_id, text, .. }, Some(end), Some(length)) =
        (&mut event.body, end, length)
    {
        *text = joined((text, &end), usize::try_from(length).unwrap_or(0), most, call_id);
    }
    shown(event, most)
}

/// How many characters of what a tool gave are read for a model that is shown `most`.
pub fn characters_read(most: usize) -> i64 {
    i64::try_from(most.max(FEWEST)).unwrap_or(i64::MAX)
}

/// Makes room in a request that is too long by itself: the oldest results of tools are replaced by
/// how they can be read, until `excess` tokens are gone. Answers whether that was enough.
pub fn shorten(messages: &mut [Message], mut excess: u64, count: impl Fn(&str) -> u32) -> bool {
    for message in messages {
        if excess == 0 {
            return true;
        }
        if let Message::Tool { call_id, text, .. } = message {
            let short = format!(
                "[its {} characters are left out; chat__read_tool_output with call_id {call_id:?} \
                 gives them]",
                text.chars().count()
            );
            let (was, is) = (count(text), count(&short));
            if is < was {
                excess = excess.saturating_sub(u64::from(was - is));
                *text = short;
            }
        }
    }
    excess == 0
}

/// What is wrong with messages that a provider would refuse; for tests of whatever makes them.
///
/// # Errors
/// One sentence.
#[cfg(test)]
pub fn check(messages: &[Message]) -> Result<(), String> {
    if !matches!(messages.first(), Some(Message::User(_))) {
        return Err("it does not begin with a user's message".to_owned());
    }
    let mut expected: Vec<&str> = Vec::new();
    for message in messages {
        match message {
            Message::Tool { call_id, .. } => {
                let Some(place) = expected.iter().position(|id| id == call_id) else {
                    return Err(format!("{call_id} is a result of nothing, or a second one"));
                };
                expected.remove(place);
            }
            _ if !expected.is_empty() => return Err(format!("{expected:?} have no result")),
            Message::User(_) => {}
            Message::Assistant { text, calls } => {
                if text.is_empty() && calls.is_empty() {
                    return Err("an answer is empty".to_owned());
                }
                expected = calls.iter().map(|call| call.id.as_str()).collect();
                let mut ids = expected.clone();
                ids.sort_unstable();
                ids.dedup();
                if ids.len() != expected.len() {
                    return Err("two calls of one answer have the same id".to_owned());
                }
            }
        }
    }
    match messages.last() {
        _ if !expected.is_empty() => Err(format!("{expected:?} have no result")),
        Some(Message::Assistant { .. }) => Err("it ends with an answer".to_owned()),
        _ => Ok(()),
    }
}
