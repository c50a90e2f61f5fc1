//! Which conversations have more than is to be kept, or are not to be kept at all?

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::store::error::StoreError;

/// What a conversation has too much of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Excess {
    /// Events from before this time.
    Before(String),
    /// More tokens than this.
    Tokens(i64),
    /// More messages than this.
    Messages(i64),
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    id: String,
}

/// The conversations that have too much, by their ids: at most `limit` of those that come after
/// `after`.
///
/// # Errors
/// The store's.
pub fn conversations(
    conn: &mut SqliteConnection,
    excess: &Excess,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let found: Vec<Found> = match excess {
        Excess::Before(time) => diesel::sql_query(
            "SELECT DISTINCT conversation_id AS id FROM chat_events \
             WHERE conversation_id > ? AND timestamp < ? ORDER BY conversation_id LIMIT ?",
        )
        .bind::<Text, _>(after)
        .bind::<Text, _>(time)
        .bind::<BigInt, _>(limit)
        .load(conn)?,
        Excess::Tokens(most) => diesel::sql_query(
            "SELECT conversation_id AS id FROM chat_events WHERE conversation_id > ? \
             GROUP BY conversation_id HAVING ? < SUM(token_count) \
             ORDER BY conversation_id LIMIT ?",
        )
        .bind::<Text, _>(after)
        .bind::<BigInt, _>(most)
        .bind::<BigInt, _>(limit)
        .load(conn)?,
        Excess::Messages(most) => diesel::sql_query(
            "SELECT conversation_id AS id FROM chat_events WHERE conversation_id > ? \
             AND type IN ('user_message', 'assistant_message') \
             GROUP BY conversation_id HAVING ? < COUNT(*) ORDER BY conversation_id LIMIT ?",
        )
        .bind::<Text, _>(after)
        .bind::<BigInt, _>(most)
        .bind::<BigInt, _>(limit)
        .load(conn)?,
    };
    Ok(found.into_iter().map(|found| found.id).collect())
}

/// The conversations in which nothing has happened since `before` and nothing is to be done: at most
/// `limit`, those that have been so for longest.
///
/// # Errors
/// The store's.
pub fn idle_since(
    conn: &mut SqliteConnection,
    before: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let found: Vec<Found> = diesel::sql_query(
        "SELECT id FROM conversations WHERE updated_at < ? AND owner <> '' AND NOT EXISTS (\
         SELECT 1 FROM chat_turns WHERE conversation_id = conversations.id \
         AND status IN ('queued', 'running')) ORDER BY updated_at LIMIT ?",
    )
    .bind::<Text, _>(before)
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    Ok(found.into_iter().map(|found| found.id).collect())
}
