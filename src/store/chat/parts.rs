//! Events of the `chat_events` table in parts: how large they are, and copying some of them.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::store::Transaction;
use crate::store::chat::events::EventType;
use crate::store::error::StoreError;
use crate::store::schema::chat_events as table;

/// How large an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct EventSize {
    /// Its place.
    pub seq: i64,
    /// The bytes of what is said, which is not read for this.
    pub bytes: i64,
}

/// How large the events of a conversation are, the oldest first: at most `limit`.
///
/// # Errors
/// The store's.
pub fn sizes(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    limit: i64,
) -> Result<Vec<EventSize>, StoreError> {
    let all = table::table.filter(table::conversation_id.eq(conversation_id));
    let bytes = sql::<BigInt>("coalesce(octet_length(content), 0)");
    Ok(all.order(table::seq).limit(limit).select((table::seq, bytes)).load(conn)?)
}

/// How large the events are that a copy of a conversation up to a place has, the oldest first:
/// what is about the conversation itself is not copied.
///
/// # Errors
/// The store's.
pub fn copied(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    seq: i64,
) -> Result<Vec<EventSize>, StoreError> {
    let copied = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::seq.le(seq))
        .filter(table::event_type.ne(EventType::Meta));
    let bytes = sql::<BigInt>("coalesce(octet_length(content), 0)");
    Ok(copied.order(table::seq).select((table::seq, bytes)).load(conn)?)
}

/// Copies the events of a conversation between two places, both included, into another, of which
/// they are the next after `last`. Answers how many there were.
///
/// # Errors
/// The store's.
pub fn copy(
    transaction: &mut Transaction<'_>,
    (from, to): (&str, &str),
    (first_seq, last_seq): (i64, i64),
    last: i64,
) -> Result<usize, StoreError> {
    // Ids are of the row, and requests of the conversation in which they were made; what is left of
    // an earlier conversation may begin anywhere, and its copy begins at 1.
    let copy = diesel::sql_query(
        "INSERT INTO chat_events (id, conversation_id, seq, timestamp, type, role, content, \
         tool_calls, tool_call_id, model, usage, extra, token_count, request_id) \
         SELECT 'evt_' || lower(hex(randomblob(12))), ?, ? + row_number() OVER (ORDER BY seq), \
         timestamp, type, role, content, tool_calls, tool_call_id, model, usage, extra, \
         token_count, NULL FROM chat_events WHERE conversation_id = ? AND seq BETWEEN ? AND ? \
         AND type <> 'meta' ORDER BY seq",
    );
    let copy = copy.bind::<Text, _>(to).bind::<BigInt, _>(last).bind::<Text, _>(from);
    let copy = copy.bind::<BigInt, _>(first_seq).bind::<BigInt, _>(last_seq);
    Ok(copy.execute(transaction.connection())?)
}

/// The places of the summaries of a conversation, the newest first.
///
/// # Errors
/// The store's.
pub fn summaries(
    conn: &mut SqliteConnection,
    conversation_id: &str,
) -> Result<Vec<i64>, StoreError> {
    let summaries = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::event_type.eq(EventType::Meta))
        .filter(sql::<diesel::sql_types::Bool>(
            "json_valid(extra) AND json_extract(extra, '$.kind') = 'summary'",
        ))
        .order(table::seq.desc());
    Ok(summaries.select(table::seq).load(conn)?)
}
