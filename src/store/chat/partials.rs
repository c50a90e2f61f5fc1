//! The `chat_partials` table: answers that are not complete, in parts.

use diesel::prelude::*;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::chat_partials as table;

/// Adds the next part of the answer that will stand at `seq`.
///
/// # Errors
/// The store's.
pub fn append(
    transaction: &mut Transaction<'_>,
    (conversation_id, seq): (&str, i64),
    part: i32,
    text: &str,
) -> Result<(), StoreError> {
    let row = (
        table::conversation_id.eq(conversation_id),
        table::seq.eq(seq),
        table::part.eq(part),
        table::text.eq(text),
    );
    diesel::insert_into(table::table).values(row).execute(transaction.connection())?;
    Ok(())
}

/// What there is of the answer that will stand at `seq`.
///
/// # Errors
/// The store's.
pub fn text(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    seq: i64,
) -> Result<String, StoreError> {
    let parts = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::seq.eq(seq))
        .order(table::part);
    let parts: Vec<String> = parts.select(table::text).load(conn)?;
    Ok(parts.concat())
}

/// Removes what there is of answers of a conversation, because it stands elsewhere now or is not
/// wanted.
///
/// # Errors
/// The store's.
pub fn clear(transaction: &mut Transaction<'_>, conversation_id: &str) -> Result<(), StoreError> {
    let parts = table::table.filter(table::conversation_id.eq(conversation_id));
    diesel::delete(parts).execute(transaction.connection())?;
    Ok(())
}
