//! The `repository_changes` table: changes of files that are under way.

use diesel::prelude::*;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::repository_changes as table;

/// A change that may have been made or not.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = table, check_for_backend(diesel::sqlite::Sqlite))]
pub struct OpenChange {
    /// Its number.
    pub id: i64,
    /// Who asked for it.
    pub actor: String,
    /// What it is, as JSON.
    pub change_json: String,
}

/// Notes that a change is about to be made, and returns its number.
///
/// # Errors
/// The store's.
pub fn open(
    transaction: &mut Transaction<'_>,
    actor: &str,
    change_json: &str,
) -> Result<i64, StoreError> {
    let row = (
        table::actor.eq(actor),
        table::change_json.eq(change_json),
        table::created_at.eq(transaction.stamp()),
    );
    let insert = diesel::insert_into(table::table).values(row).returning(table::id);
    Ok(insert.get_result(transaction.connection())?)
}

/// Notes that it is known what became of a change.
///
/// # Errors
/// [`StoreError::Stale`] if that was known before; else the store's.
pub fn close(transaction: &mut Transaction<'_>, id: i64) -> Result<(), StoreError> {
    match diesel::delete(table::table.find(id)).execute(transaction.connection())? {
        0 => Err(StoreError::Stale),
        _ => Ok(()),
    }
}

/// The changes of which nothing more is known, oldest first.
///
/// # Errors
/// The store's.
pub fn all_open(conn: &mut SqliteConnection) -> Result<Vec<OpenChange>, StoreError> {
    Ok(table::table.order(table::id).select(OpenChange::as_select()).load(conn)?)
}
