//! How much of a conversation is kept.
//!
//! Whole requests are kept or not, and always the last.

use time::Duration;

use crate::chat::room::Room;
use crate::clock::Timestamp;
use crate::config::chat::RetentionPolicy;
use crate::store::chat::events::{EventType, EventWeight};
use crate::store::chat::parts::EventSize;

/// Before which time nothing is kept, if time decides.
pub(super) fn cutoff(policy: RetentionPolicy, now: Timestamp) -> Option<Timestamp> {
    match policy {
        RetentionPolicy::TimeBased { days } => Some(now.plus(-Duration::days(days.into()))),
        _ => None,
    }
}

/// The last event that is not kept, if any is not. `events` are all of a conversation, the oldest
/// first.
pub(super) fn cut(policy: RetentionPolicy, events: &[EventWeight], now: Timestamp) -> Option<i64> {
    let is_beginning = |event: &EventWeight| event.event_type == EventType::UserMessage;
    let begins = events.iter().enumerate().filter(|(_, event)| is_beginning(event));
    let begins: Vec<usize> = begins.map(|(n, _)| n).collect();
    let (mut tokens, mut messages) = (0u64, 0u64);
    let mut kept_from = None;
    let mut end = events.len();
    for start in begins.into_iter().rev() {
        let request = &events[start..end];
        let weight = |event: &EventWeight| u64::try_from(event.token_count).unwrap_or(0);
        tokens += request.iter().map(weight).sum::<u64>();
        messages += request.iter().filter(|event| is_message(event)).count() as u64;
        let fits = match policy {
            RetentionPolicy::TokenLimit { max_tokens } => tokens <= max_tokens,
            RetentionPolicy::MessageCount { max_messages } => messages <= max_messages,
            RetentionPolicy::TimeBased { .. } => is_young(request, cutoff(policy, now)),
            RetentionPolicy::Unlimited => true,
        };
        // The last request stays whatever it is.
        if !fits && kept_from.is_some() {
            break;
        }
        kept_from = Some(start);
        end = start;
        if !fits {
            break;
        }
    }
    // Without a request there is nothing by which to judge.
    kept_from?.checked_sub(1).map(|last| events[last].seq)
}

/// Cuts what is not kept into parts that go at once: the last event of each. A request goes whole,
/// however long it is.
pub(super) fn parts(events: &[EventWeight], cut: i64) -> Vec<i64> {
    let old: Vec<&EventWeight> = events.iter().take_while(|event| event.seq <= cut).collect();
    let sizes: Vec<EventSize> =
        old.iter().map(|event| EventSize { seq: event.seq, bytes: event.bytes }).collect();
    let begins = (1..old.len()).filter(|&n| old[n].event_type == EventType::UserMessage);
    let begins: Vec<usize> = [0].into_iter().chain(begins).collect();
    let ends = begins.iter().skip(1).copied().chain([old.len()]);
    let mut parts = Vec::new();
    let mut room = Room::new();
    for (&start, end) in begins.iter().zip(ends) {
        if !room.take(&sizes[start..end]) {
            parts.push(old[start - 1].seq);
            room = Room::new();
            room.take(&sizes[start..end]);
        }
    }
    parts.extend(old.last().map(|event| event.seq));
    parts
}

/// Whether the last of a request happened after the cutoff.
fn is_young(request: &[EventWeight], cutoff: Option<Timestamp>) -> bool {
    let newest = request.last().and_then(|event| Timestamp::parse(&event.timestamp).ok());
    match (newest, cutoff) {
        (Some(newest), Some(cutoff)) => cutoff <= newest,
        _ => true,
    }
}

fn is_message(event: &EventWeight) -> bool {
    matches!(event.event_type, EventType::UserMessage | EventType::AssistantMessage)
}
