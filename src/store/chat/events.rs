//! The `chat_events` table: the journal of every conversation, and its search.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::chat_events as table;
use crate::store::text_enum::text_enum;

text_enum! {
    /// What happened.
    EventType("type of an event") {
        /// The user said something.
        UserMessage = "user_message",
        /// The model answered.
        AssistantMessage = "assistant_message",
        /// A tool is about to be called.
        ToolCall = "tool_call",
        /// It is known what became of a call.
        ToolResult = "tool_result",
        /// Something that is said by neither.
        SystemUpdate = "system_update",
        /// Something about the conversation itself.
        Meta = "meta",
    }
}

/// One event, with the columns that operators query.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = table, check_for_backend(diesel::sqlite::Sqlite))]
pub struct EventRow {
    /// Its id.
    pub id: String,
    /// Where it happened.
    pub conversation_id: String,
    /// Its place there, from 1.
    pub seq: i64,
    /// When.
    pub timestamp: String,
    /// What.
    pub event_type: EventType,
    /// Who speaks: `system`, `user`, `assistant` or `tool`.
    pub role: Option<String>,
    /// What is said, as it is: never an encoding of something else.
    pub content: Option<String>,
    /// The calls that are asked for or begin, as JSON.
    pub tool_calls: Option<String>,
    /// The call that this is about.
    pub tool_call_id: Option<String>,
    /// The model that spoke.
    pub model: Option<String>,
    /// What it took, as JSON.
    pub usage: Option<String>,
    /// Everything else, as JSON.
    pub extra: Option<String>,
    /// How many tokens it has where a model reads it.
    pub token_count: i64,
    /// The request that it begins; only on what users said.
    pub request_id: Option<String>,
}

/// Adds an event at its place.
///
/// # Errors
/// The store's; its place is taken if somebody else wrote to the conversation.
pub fn append(transaction: &mut Transaction<'_>, row: &EventRow) -> Result<(), StoreError> {
    diesel::insert_into(table::table).values(row).execute(transaction.connection())?;
    Ok(())
}

/// The events of a conversation after a place, the oldest first.
///
/// # Errors
/// The store's.
pub fn after(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    seq: i64,
    limit: i64,
) -> Result<Vec<EventRow>, StoreError> {
    let events = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::seq.gt(seq))
        .order(table::seq)
        .limit(limit);
    Ok(events.select(EventRow::as_select()).load(conn)?)
}

/// The events of a conversation before a place, the newest first.
///
/// # Errors
/// The store's.
pub fn before(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    seq: i64,
    limit: i64,
) -> Result<Vec<EventRow>, StoreError> {
    let events = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::seq.lt(seq))
        .order(table::seq.desc())
        .limit(limit);
    Ok(events.select(EventRow::as_select()).load(conn)?)
}

/// The request to which the event at a place belongs, as its client calls it.
///
/// # Errors
/// The store's.
pub fn request_at(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    seq: i64,
) -> Result<Option<String>, StoreError> {
    let said = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::seq.le(seq))
        .filter(table::event_type.eq(EventType::UserMessage))
        .order(table::seq.desc());
    Ok(said.select(table::request_id).first(conn).optional()?.flatten())
}

/// The event at a place.
///
/// # Errors
/// The store's.
pub fn at(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    seq: i64,
) -> Result<Option<EventRow>, StoreError> {
    let event =
        table::table.filter(table::conversation_id.eq(conversation_id)).filter(table::seq.eq(seq));
    Ok(event.select(EventRow::as_select()).first(conn).optional()?)
}

/// The result of a call in a conversation.
///
/// # Errors
/// The store's.
pub fn result_of(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    call_id: &str,
) -> Result<Option<EventRow>, StoreError> {
    let result = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::event_type.eq(EventType::ToolResult))
        .filter(table::tool_call_id.eq(call_id))
        .order(table::seq.desc());
    Ok(result.select(EventRow::as_select()).first(conn).optional()?)
}

/// What retention has to know of an event.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct EventWeight {
    /// Its place.
    pub seq: i64,
    /// What it is.
    pub event_type: EventType,
    /// When it happened.
    pub timestamp: String,
    /// Its tokens.
    pub token_count: i64,
    /// The bytes of what is said.
    pub bytes: i64,
}

/// When the first thing was said by a user that there is of a conversation.
///
/// # Errors
/// The store's.
pub fn first_said(
    conn: &mut SqliteConnection,
    conversation_id: &str,
) -> Result<Option<String>, StoreError> {
    let said = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::event_type.eq(EventType::UserMessage))
        .order(table::seq);
    Ok(said.select(table::timestamp).first(conn).optional()?)
}

/// What retention has to know of all events of a conversation, the oldest first.
///
/// # Errors
/// The store's.
pub fn weights(
    conn: &mut SqliteConnection,
    conversation_id: &str,
) -> Result<Vec<EventWeight>, StoreError> {
    let events = table::table.filter(table::conversation_id.eq(conversation_id)).order(table::seq);
    let bytes = sql::<BigInt>("coalesce(octet_length(content), 0)");
    let weights = (table::seq, table::event_type, table::timestamp, table::token_count, bytes);
    Ok(events.select(weights).load(conn)?)
}

/// Removes the events of a conversation up to a place, but one that stays, and returns how many.
///
/// # Errors
/// The store's.
pub fn remove_up_to(
    transaction: &mut Transaction<'_>,
    conversation_id: &str,
    seq: i64,
    kept: Option<i64>,
) -> Result<usize, StoreError> {
    let old = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::seq.le(seq))
        .filter(table::seq.ne(kept.unwrap_or(0)));
    Ok(diesel::delete(old).execute(transaction.connection())?)
}

/// A place where something was said.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Hit {
    /// The conversation.
    #[diesel(sql_type = Text)]
    pub conversation_id: String,
    /// Its title.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// The event.
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    /// When.
    #[diesel(sql_type = Text)]
    pub timestamp: String,
    /// Who said it.
    #[diesel(sql_type = Nullable<Text>)]
    pub role: Option<String>,
    /// The words around what was found, which stand between `⟦` and `⟧`.
    #[diesel(sql_type = Text)]
    pub snippet: String,
}

/// What may be searched.
#[derive(Debug, Clone)]
pub struct SearchScope {
    /// Whose conversations.
    pub owner: String,
    /// Only this conversation.
    pub conversation_id: Option<String>,
    /// Only those that are forgotten after this start of the daemon, or only those that are kept.
    pub session: Option<String>,
}

/// Finds where words were said, the newest place first. Each word of `words` must be there, the
/// last one as a beginning.
///
/// The index has of each text whose it is and where it was said, so that nothing is read of what
/// others said, and the order depends on nothing that they said either.
///
/// # Errors
/// The store's.
pub fn search(
    conn: &mut SqliteConnection,
    scope: &SearchScope,
    words: &[String],
    limit: i64,
) -> Result<Vec<Hit>, StoreError> {
    let hits = diesel::sql_query(SEARCH)
        .bind::<Text, _>(match_of(scope, words))
        .bind::<Text, _>(&scope.owner)
        .bind::<Nullable<Text>, _>(&scope.session)
        .bind::<Nullable<Text>, _>(&scope.conversation_id)
        .bind::<Nullable<Text>, _>(&scope.conversation_id)
        .bind::<BigInt, _>(limit);
    if words.is_empty() { Ok(Vec::new()) } else { Ok(hits.load(conn)?) }
}

/// The index is read first, from its newest entry on, and no further than there are hits wanted.
pub(in crate::store) const SEARCH: &str = "SELECT e.conversation_id, c.title, e.seq, e.timestamp, e.role, \
    snippet(chat_events_fts, 0, '⟦', '⟧', '…', 24) AS snippet \
    FROM chat_events_fts \
    CROSS JOIN chat_events e ON e.number = chat_events_fts.rowid \
    CROSS JOIN conversations c ON c.id = e.conversation_id \
    WHERE chat_events_fts MATCH ? AND c.owner = ? AND c.session IS ? \
    AND (? IS NULL OR c.id = ?) \
    ORDER BY chat_events_fts.rowid DESC LIMIT ?";

/// What the index is asked.
fn match_of(scope: &SearchScope, words: &[String]) -> String {
    use std::fmt::Write as _;

    let mut query = "place : \"".to_owned();
    let name = |query: &mut String, kind: char, name: &str| {
        query.push(kind);
        for byte in name.bytes() {
            // Writing to a string cannot fail.
            let _ = write!(query, "{byte:02x}");
        }
    };
    name(&mut query, 'o', &scope.owner);
    if let Some(id) = &scope.conversation_id {
        query.push(' ');
        name(&mut query, 'c', id);
    }
    query.push_str("\" AND content : (");
    for (n, word) in words.iter().enumerate() {
        // Each word is a string of the query language, in which only a quote means anything.
        let and = if n == 0 { "" } else { " AND " };
        let _ = write!(query, "{and}\"{}\"", word.replace('"', "\"\""));
    }
    // Next to everything begins with a given letter.
    let is_beginning = words.last().is_some_and(|last| !last.is_ascii() || 1 < last.len());
    query.push_str(if is_beginning { " *)" } else { ")" });
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_asked_for_one_owner_and_never_for_all_that_begins_with_a_letter() {
        let of = |owner: &str, conversation: Option<&str>, words: &[&str]| {
            let scope = SearchScope {
                owner: owner.to_owned(),
                conversation_id: conversation.map(str::to_owned),
                session: None,
            };
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            match_of(&scope, &words)
        };
        assert_eq!(of("ab", None, &["x"]), r#"place : "o6162" AND content : ("x")"#);
        assert_eq!(
            of("a", Some("b"), &["x\"y", "ne"]),
            r#"place : "o61 c62" AND content : ("x""y" AND "ne" *)"#
        );
        assert_eq!(of("a", None, &["é"]), "place : \"o61\" AND content : (\"é\" *)");
    }
}
