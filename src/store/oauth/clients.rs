//! The `oauth_clients` table: who registered itself.

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::{oauth_clients as table, oauth_grants as grants};

/// A client that registered itself.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = table, check_for_backend(diesel::sqlite::Sqlite))]
pub struct ClientRow {
    /// Its id.
    pub id: String,
    /// What it calls itself.
    pub name: String,
    /// Where it may be sent back to, as a JSON list.
    pub redirect_uris_json: String,
    /// When it registered.
    pub created_at: String,
    /// When somebody consented to it last, if anybody did.
    pub used_at: Option<String>,
}

/// Adds a client. When there are `most` already, the oldest goes that nobody consented to.
///
/// # Errors
/// [`StoreError::Overloaded`] if somebody consented to each of them; else the store's.
pub fn add(
    transaction: &mut Transaction<'_>,
    client: &ClientRow,
    most: i64,
) -> Result<(), StoreError> {
    let conn = transaction.connection();
    let count: i64 = table::table.count().get_result(conn)?;
    if most <= count {
        let has_grant = exists(grants::table.filter(grants::client_id.eq(table::id)));
        let unused = table::table.filter(diesel::dsl::not(has_grant));
        let order = (table::used_at.asc(), table::created_at.asc());
        let oldest = unused.order(order).select(table::id).first::<String>(conn);
        let oldest = oldest.optional()?.ok_or(StoreError::Overloaded)?;
        diesel::delete(table::table.find(oldest)).execute(conn)?;
    }
    diesel::insert_into(table::table).values(client).execute(conn)?;
    Ok(())
}

/// The client with this id.
///
/// # Errors
/// The store's.
pub fn find(conn: &mut SqliteConnection, id: &str) -> Result<Option<ClientRow>, StoreError> {
    Ok(table::table.find(id).select(ClientRow::as_select()).first(conn).optional()?)
}

/// Notes that somebody consented to a client.
///
/// # Errors
/// The store's.
pub fn note_use(transaction: &mut Transaction<'_>, id: &str) -> Result<(), StoreError> {
    let change = table::used_at.eq(transaction.stamp());
    diesel::update(table::table.find(id)).set(change).execute(transaction.connection())?;
    Ok(())
}

/// Removes clients to which nobody consents: those that registered before one time and were never
/// used, and those that were used before another. Says how many.
///
/// # Errors
/// The store's.
pub fn remove_unused(
    transaction: &mut Transaction<'_>,
    registered_before: &str,
    used_before: &str,
) -> Result<usize, StoreError> {
    let conn = transaction.connection();
    let has_grant = exists(grants::table.filter(grants::client_id.eq(table::id)));
    let never_used = table::used_at.is_null().and(table::created_at.lt(registered_before));
    let long_unused = table::used_at.is_not_null().and(table::used_at.lt(used_before));
    let unused = table::table
        .filter(never_used.assume_not_null().or(long_unused.assume_not_null()))
        .filter(diesel::dsl::not(has_grant));
    let ids: Vec<String> = unused.select(table::id).load(conn)?;
    Ok(diesel::delete(table::table.filter(table::id.eq_any(&ids))).execute(conn)?)
}
