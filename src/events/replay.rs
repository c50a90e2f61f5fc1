//! Reading the log for a reader that lacks more than the rings have.
//!
//! A page at a time, and few at once: a client that asks for a million events gets them in pieces,
//! in turn with everybody else.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::sync::Semaphore;

use crate::events::frame::{self, CHUNK};
use crate::events::topic::Topic;
use crate::store::events::{self, CommittedEvent, EventFilter};
use crate::store::{Reader, Store, StoreError};

/// The most events in a page.
const PAGE: u64 = 200;

/// The most events read by one query, which is more memory than a page only if they are long.
const STEP: i64 = 50;

/// How much of the log one page looks at in search of events that match.
const WINDOW: i64 = 20_000;

/// A piece of the log, as one reader is told it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// The oldest event that is kept, when some that the reader lacks are not.
    pub(super) gap: Option<i64>,
    pub(super) chunk: Bytes,
    pub(super) count: u64,
    /// The reader now has everything up to this event.
    pub(super) reached: i64,
}

/// Waits for a turn, then reads what comes next after `after`, of what came up to `up_to`.
pub(super) async fn next_page(
    store: Store,
    gate: Arc<Semaphore>,
    topics: Vec<Topic>,
    after: i64,
    up_to: i64,
) -> Result<Page, StoreError> {
    fail::fail_point!("events-replay", |_| Err(StoreError::Panicked));
    // The gate is never closed; if it were, reading without a turn would do no harm.
    let _turn = gate.acquire().await;
    store.read(move |conn| read_page(conn, &topics, after, up_to)).await
}

fn read_page(
    conn: &mut Reader,
    topics: &[Topic],
    after: i64,
    up_to: i64,
) -> Result<Page, StoreError> {
    let mut filters: Vec<EventFilter> = topics.iter().map(Topic::filter).collect();
    filters.dedup();
    // One thing's events are found by an index, whatever lies between them.
    let end = match filters.as_slice() {
        [EventFilter::Entity(_)] => up_to,
        _ => up_to.min(after.saturating_add(WINDOW)),
    };
    let mut page = Writing { topics, chunk: BytesMut::new(), count: 0, reached: after };
    while page.reached < end && page.has_room() {
        let from = page.reached;
        let rows = events::replay(conn, &filters, from, end, STEP)?;
        let is_short = (rows.len() as u64) < STEP.unsigned_abs();
        if !rows.iter().all(|row| page.add(row)) {
            break;
        }
        // A query for everything is short as well when rows are of a kind that a later version
        // introduced, so it proves only that as many rows as it may answer were looked at.
        let looked_at =
            if is_short && !filters.contains(&EventFilter::All) { end } else { from + STEP };
        page.reached = page.reached.max(looked_at.min(end));
    }
    // Asked after the events were read, so that what was removed meanwhile is noticed.
    let oldest = events::kept(conn)?.oldest;
    let is_behind = after.saturating_add(1) < oldest;
    let gap = (is_behind && !are_whole(conn, topics)?).then_some(oldest);
    let reached = if is_behind { page.reached.max(up_to.min(oldest - 1)) } else { page.reached };
    Ok(Page { gap, chunk: page.chunk.freeze(), count: page.count, reached })
}

/// Whether all topics are of single things whose first event is still kept.
fn are_whole(conn: &mut Reader, topics: &[Topic]) -> Result<bool, StoreError> {
    for topic in topics {
        let Topic::Entity(entity) = topic else { return Ok(false) };
        let first = events::first_about(conn, entity)?;
        if !first.is_some_and(|(_, name)| matches!(&*name, "queued" | "started")) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A page that is being written.
struct Writing<'a> {
    topics: &'a [Topic],
    chunk: BytesMut,
    count: u64,
    reached: i64,
}

impl Writing<'_> {
    fn has_room(&self) -> bool {
        self.count < PAGE && self.chunk.len() < CHUNK
    }

    /// Adds an event, or says that it does not fit.
    fn add(&mut self, row: &CommittedEvent) -> bool {
        if !self.has_room() {
            return false;
        }
        // As the first of the topics tells it; a row that none covers was not asked for.
        if let Some(topic) = self.topics.iter().find(|topic| topic.covers(&row.entity)) {
            let before = self.chunk.len();
            let name = topic.event_name(&row.entity, &row.event_type);
            frame::put_event(&mut self.chunk, row.seq, name, &row.payload);
            if 0 < before && CHUNK < self.chunk.len() {
                self.chunk.truncate(before);
                return false;
            }
            self.count += 1;
        }
        self.reached = row.seq;
        true
    }
}
