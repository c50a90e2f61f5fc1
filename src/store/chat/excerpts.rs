//! Events of the `chat_events` table as a model is shown them: of what tools gave, the beginning and
//! the end.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::store::chat::events::EventRow;
use crate::store::error::StoreError;
use crate::store::schema::chat_events as table;

/// Which events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Those after a place, the oldest first.
    After(i64),
    /// Those before a place, the newest first.
    Before(i64),
}

/// An event, or what is read of it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Excerpt {
    /// The event; what a tool gave is cut off after so many characters.
    pub row: EventRow,
    /// As many characters of the end of what was cut off.
    pub end: Option<String>,
    /// How many characters it has, where it was cut off.
    pub length: Option<i64>,
}

/// At most `limit` events of a conversation, with `most` characters of what a tool gave. The others
/// are not read.
///
/// # Errors
/// The store's.
pub fn read(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    span: Span,
    (limit, most): (i64, i64),
) -> Result<Vec<Excerpt>, StoreError> {
    const IS_LONG: &str = "CASE WHEN type = 'tool_result' AND length(content) > ";
    let is_long = || sql::<Nullable<Text>>(IS_LONG).bind::<BigInt, _>(most);
    let begin = is_long()
        .sql(" THEN substr(content, 1, ")
        .bind::<BigInt, _>(most)
        .sql(") ELSE content END");
    let end = is_long().sql(" THEN substr(content, -").bind::<BigInt, _>(most).sql(") END");
    let length =
        sql::<Nullable<BigInt>>(IS_LONG).bind::<BigInt, _>(most).sql(" THEN length(content) END");
    let row = (
        table::id,
        table::conversation_id,
        table::seq,
        table::timestamp,
        table::event_type,
        table::role,
        begin,
        table::tool_calls,
        table::tool_call_id,
        table::model,
        table::usage,
        table::extra,
        table::token_count,
        table::request_id,
    );
    let of_conversation =
        table::table.filter(table::conversation_id.eq(conversation_id)).into_boxed();
    let events = match span {
        Span::After(seq) => of_conversation.filter(table::seq.gt(seq)).order(table::seq.asc()),
        Span::Before(seq) => of_conversation.filter(table::seq.lt(seq)).order(table::seq.desc()),
    };
    Ok(events.limit(limit).select((row, end, length)).load(conn)?)
}
