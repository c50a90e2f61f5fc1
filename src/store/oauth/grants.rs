//! The `oauth_grants` table: what was consented to and has not ended.

use diesel::prelude::*;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::{oauth_grants as table, oauth_secrets as secrets};

/// A consent.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = table, check_for_backend(diesel::sqlite::Sqlite))]
pub struct GrantRow {
    /// Its id.
    pub id: String,
    /// The client that may act.
    pub client_id: String,
    /// What that client called itself.
    pub client_name: String,
    /// The name of the key by which somebody consented.
    pub key_name: String,
    /// Whom its tokens name.
    pub principal: String,
    /// What it is for, as a list of scopes.
    pub scope: String,
    /// What its tokens are good for.
    pub resource: String,
    /// Where the client was sent back to.
    pub redirect_uri: String,
    /// The challenge whose answer redeems its code.
    pub challenge: String,
    /// When somebody consented.
    pub created_at: String,
    /// When it ends if nothing is done with it.
    pub expires_at: String,
}

/// Adds a grant.
///
/// # Errors
/// The store's.
pub fn add(transaction: &mut Transaction<'_>, grant: &GrantRow) -> Result<(), StoreError> {
    diesel::insert_into(table::table).values(grant).execute(transaction.connection())?;
    Ok(())
}

/// Has a grant last until another time.
///
/// # Errors
/// The store's.
pub fn extend(
    transaction: &mut Transaction<'_>,
    id: &str,
    expires_at: &str,
) -> Result<(), StoreError> {
    let change = table::expires_at.eq(expires_at);
    diesel::update(table::table.find(id)).set(change).execute(transaction.connection())?;
    Ok(())
}

/// Ends a grant with all that was given out for it, and returns it; `None` if it has ended before.
///
/// # Errors
/// The store's.
pub fn end(transaction: &mut Transaction<'_>, id: &str) -> Result<Option<GrantRow>, StoreError> {
    let conn = transaction.connection();
    let found = table::table.find(id).select(GrantRow::as_select()).first(conn).optional()?;
    diesel::delete(secrets::table.filter(secrets::grant_id.eq(id))).execute(conn)?;
    diesel::delete(table::table.find(id)).execute(conn)?;
    Ok(found)
}

/// Whether a principal is one of the daemon's own tokens, which stand on a consent.
pub fn is_consented(principal: &str) -> bool {
    principal.strip_prefix("oauth:").is_some_and(|rest| rest.contains('/'))
}

/// Whether a consent stands behind a principal by `now`.
///
/// # Errors
/// The store's.
pub fn stands(conn: &mut SqliteConnection, principal: &str, now: &str) -> Result<bool, StoreError> {
    let standing =
        table::table.filter(table::principal.eq(principal)).filter(table::expires_at.gt(now));
    Ok(diesel::select(diesel::dsl::exists(standing)).get_result(conn)?)
}

/// The grants whose time is over, at most `most`.
///
/// # Errors
/// The store's.
pub fn over(transaction: &mut Transaction<'_>, most: i64) -> Result<Vec<String>, StoreError> {
    let stamp = transaction.stamp();
    let over = table::table.filter(table::expires_at.le(stamp)).order(table::expires_at);
    Ok(over.select(table::id).limit(most).load(transaction.connection())?)
}

/// The one that will end first, if there are at least `most`.
///
/// # Errors
/// The store's.
pub fn next_to_end(
    transaction: &mut Transaction<'_>,
    most: i64,
) -> Result<Option<String>, StoreError> {
    let conn = transaction.connection();
    let count: i64 = table::table.count().get_result(conn)?;
    if count < most {
        return Ok(None);
    }
    Ok(table::table.order(table::expires_at).select(table::id).first(conn).optional()?)
}
