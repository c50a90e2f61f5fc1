//! Pages of a journal: how much of it is read at once?
//!
//! Events are as long as what was said, so a page has a most of bytes beside its most of rows. One
//! event is always in it, however long it is.

use diesel::connection::DefaultLoadingMode;
use diesel::dsl::{case_when, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::store::chat::events::{EventRow, EventType};
use crate::store::error::StoreError;
use crate::store::schema::{chat_events as table, chat_turns as turns};

/// The most that a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Rows.
    pub rows: usize,
    /// Bytes of what was said in them.
    pub bytes: usize,
}

/// A page of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its rows.
    pub rows: Vec<EventRow>,
    /// Whether there are more behind them.
    pub has_more: bool,
}

impl Page {
    fn of(
        rows: impl Iterator<Item = QueryResult<EventRow>>,
        most: Most,
    ) -> Result<Self, StoreError> {
        let (mut page, mut bytes) = (Vec::new(), 0);
        for row in rows {
            let row = row?;
            let length = bytes_of(&row);
            let is_full = most.rows <= page.len() || most.bytes < bytes + length;
            if is_full && !page.is_empty() {
                return Ok(Self { rows: page, has_more: true });
            }
            bytes += length;
            page.push(row);
        }
        Ok(Self { rows: page, has_more: false })
    }
}

fn bytes_of(row: &EventRow) -> usize {
    let texts = [&row.content, &row.tool_calls, &row.extra];
    texts.into_iter().flatten().map(String::len).sum()
}

/// One more than the rows of a page, so that it is known whether there are more.
fn limit(most: Most) -> i64 {
    i64::try_from(most.rows).unwrap_or(i64::MAX).saturating_add(1)
}

/// The events of a conversation after a place, the oldest first.
///
/// # Errors
/// The store's.
pub fn after(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    seq: i64,
    most: Most,
) -> Result<Page, StoreError> {
    let events = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::seq.gt(seq))
        .order(table::seq)
        .limit(limit(most))
        .select(EventRow::as_select());
    Page::of(events.load_iter::<EventRow, DefaultLoadingMode>(conn)?, most)
}

/// The events of a conversation before a place, the newest first.
///
/// # Errors
/// The store's.
pub fn before(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    seq: i64,
    most: Most,
) -> Result<Page, StoreError> {
    let events = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::seq.lt(seq))
        .order(table::seq.desc())
        .limit(limit(most))
        .select(EventRow::as_select());
    Page::of(events.load_iter::<EventRow, DefaultLoadingMode>(conn)?, most)
}

/// The events after a place as followers are told of them: without what tools gave.
///
/// # Errors
/// The store's.
pub fn told_after(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    seq: i64,
    most: Most,
) -> Result<Page, StoreError> {
    let is_told = table::event_type.ne(EventType::ToolResult);
    let events = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::seq.gt(seq))
        .order(table::seq)
        .limit(limit(most))
        .select((
            table::id,
            table::conversation_id,
            table::seq,
            table::timestamp,
            table::event_type,
            table::role,
            case_when(is_told, table::content),
            table::tool_calls,
            table::tool_call_id,
            table::model,
            table::usage,
            table::extra,
            table::token_count,
            table::request_id,
        ));
    Page::of(events.load_iter::<EventRow, DefaultLoadingMode>(conn)?, most)
}

/// What the model said between two places, both included.
///
/// # Errors
/// The store's.
pub fn said_between(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    (first, last): (i64, i64),
) -> Result<String, StoreError> {
    let said = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::seq.between(first, last))
        .filter(table::event_type.eq(EventType::AssistantMessage))
        .order(table::seq)
        .select(table::content);
    let mut whole = String::new();
    for content in said.load_iter::<Option<String>, DefaultLoadingMode>(conn)? {
        whole.push_str(&content?.unwrap_or_default());
    }
    Ok(whole)
}

/// Those of some requests whose answer was not to come in pieces, with the place where each began.
///
/// # Errors
/// The store's.
pub fn not_streamed(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    requests: &[&str],
) -> Result<Vec<(String, Option<i64>)>, StoreError> {
    if requests.is_empty() {
        return Ok(Vec::new());
    }
    let not_streamed = turns::table
        .filter(turns::conversation_id.eq(conversation_id))
        .filter(turns::request_id.eq_any(requests))
        .filter(sql::<Bool>("NOT json_extract(request_json, '$.streaming')"))
        .select((turns::request_id, turns::first_seq));
    Ok(not_streamed.load(conn)?)
}
