//! What followers are told of the journal: the same, in the same order, as who listened when it
//! happened, but for the words of an answer, which come in one piece.

use std::collections::HashMap;
use std::sync::Arc;

use crate::chat::event::{Body, Event, Note};
use crate::store::chat::events;
use crate::store::chat::reading::{self, Most};
use crate::store::{Reader, StoreError};

/// How much of the journal is read at once.
const PAGE: Most = Most { rows: 200, bytes: 256 * 1024 };

/// A page of a journal.
#[derive(Debug)]
pub(super) struct Page {
    /// What happened.
    pub(super) events: Vec<Event>,
    /// Whether there is more behind it.
    pub(super) has_more: bool,
    /// The request to which what comes first belongs.
    pub(super) asked: Option<Arc<str>>,
    /// The requests whose answer was not to come in pieces: all that was said in those that end
    /// here, and nothing in others.
    whole: HashMap<String, Option<String>>,
}

impl Page {
    /// Whether the answer to a request comes whole, at its end.
    pub(super) fn is_whole(&self, request_id: Option<&str>) -> bool {
        request_id.is_some_and(|id| self.whole.contains_key(id))
    }

    /// All that was said in a request that ends here and was not to come in pieces.
    pub(super) fn whole(&self, request_id: &str) -> Option<&str> {
        self.whole.get(request_id)?.as_deref().filter(|text| !text.is_empty())
    }
}

/// Reads what comes after a place.
///
/// # Errors
/// The store's.
pub(super) fn read(conn: &mut Reader, id: &str, seq: i64) -> Result<Page, StoreError> {
    let page = reading::told_after(conn, id, seq, PAGE)?;
    let asked = events::request_at(conn, id, seq)?;
    let events: Vec<Event> = page.rows.into_iter().map(Event::from_row).collect();
    let mut requests: Vec<&str> = events.iter().filter_map(names).collect();
    requests.extend(asked.as_deref());
    requests.sort_unstable();
    requests.dedup();
    let mut whole = HashMap::new();
    for (request_id, first) in reading::not_streamed(conn, id, &requests)? {
        let end = events.iter().find(|event| is_end_of(event, &request_id));
        let text = match (end, first) {
            (Some(end), Some(first)) => Some(reading::said_between(conn, id, (first, end.seq))?),
            _ => None,
        };
        whole.insert(request_id, text);
    }
    let has_more = page.has_more;
    Ok(Page { events, has_more, asked: asked.map(Into::into), whole })
}

/// The request that an event names.
fn names(event: &Event) -> Option<&str> {
    match &event.body {
        Body::UserMessage { request_id, .. } => request_id.as_deref(),
        Body::Note { note: Note::TurnEnd { request_id, .. }, .. } => Some(request_id),
        _ => None,
    }
}

fn is_end_of(event: &Event, request_id: &str) -> bool {
    matches!(&event.body, Body::Note { note: Note::TurnEnd { request_id: of, .. }, .. } if of == request_id)
}
