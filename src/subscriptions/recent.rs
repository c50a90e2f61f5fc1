//! The newest events, for who is woken without being told what happened.

use serde_json::{Map, Value};

use crate::events::Topics;
use crate::store::events::{CommittedEvent, Kept, kept, newest_of, replay};
use crate::subscriptions::Subscriptions;
use crate::subscriptions::catalogue::{Condition, EventKind, KINDS};
use crate::subscriptions::error::EventsError;
use crate::subscriptions::filter::Filter;
use crate::subscriptions::occurrence::Occurrence;

/// How far back the newest events are looked for.
const WINDOW: i64 = 100_000;

/// How long the events may be together, in bytes.
const LONGEST: usize = 512 * 1024;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct RecentEvent {
    /// What it is known by, however it is told.
    pub event_id: String,
    /// The kind of events that it is of.
    pub name: &'static str,
    /// When it happened.
    pub timestamp: String,
    /// What happened.
    pub data: Map<String, Value>,
}

/// Some events, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Recent {
    /// The events.
    pub events: Vec<RecentEvent>,
    /// The position after the last of them.
    pub cursor: String,
    /// Whether more was asked for than is kept.
    pub truncated: bool,
    /// Whether there are more after the cursor.
    pub has_more: bool,
}

impl Subscriptions {
    /// The newest events about some topics, or the first after a cursor; at most `limit`.
    ///
    /// # Errors
    /// The cursor is not one that was given out, or the log cannot be read.
    pub async fn recent(
        &self,
        topics: &Topics,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<Recent, EventsError> {
        let asked = cursor.map(|cursor| self.opened(cursor)).transpose()?;
        let filters = topics.filters();
        let read = self.0.store.read(move |conn| {
            let Kept { oldest, newest } = kept(conn)?;
            let most = i64::from(limit);
            let Some(asked) = asked else {
                let window = (newest.saturating_sub(WINDOW), newest);
                let found = newest_of(conn, &filters, window, most)?;
                return Ok(Found { rows: found, reached: newest, newest, truncated: false });
            };
            let after = asked.clamp(oldest - 1, newest);
            let up_to = newest.min(after.saturating_add(WINDOW));
            let rows = replay(conn, &filters, after, up_to, most)?;
            let last = rows.last().map_or(after, |last| last.seq);
            let reached = if rows.len() < usize::from(limit) { up_to } else { last };
            Ok(Found { rows, reached, newest, truncated: after != asked })
        });
        let Found { rows, mut reached, newest, truncated } = read.await?;
        let mut told: Vec<Occurrence> = rows.iter().filter_map(occurrence).collect();
        let mut length: usize = told.iter().map(|one| one.length).sum();
        // Of the newest, the oldest go; of the next, the last.
        while LONGEST < length && 1 < told.len() {
            let gone = told.remove(if asked.is_none() { 0 } else { told.len() - 1 });
            length -= gone.length;
            if asked.is_some() {
                reached = gone.seq - 1;
            }
        }
        let event = |one: Occurrence| {
            let Occurrence { event_id, name, timestamp, data, .. } = one;
            RecentEvent { event_id, name, timestamp, data }
        };
        let events = told.into_iter().map(event).collect();
        let cursor = self.0.cursors.seal(reached);
        Ok(Recent { events, cursor, truncated, has_more: reached < newest })
    }
}

/// Rows of the log, and how far they reach.
struct Found {
    rows: Vec<CommittedEvent>,
    reached: i64,
    newest: i64,
    truncated: bool,
}

/// The event under the name that it has whatever it says.
fn occurrence(event: &CommittedEvent) -> Option<Occurrence> {
    let is_of = |kind: &&EventKind| {
        kind.condition == Condition::Always
            && kind.entity == event.entity.kind
            && *kind.event_type == *event.event_type
    };
    let kind = KINDS.iter().find(is_of)?;
    let everything = Filter::read(kind, &Map::new()).ok()?;
    Occurrence::of(kind, &everything, event)
}
