//! The `mcp_processes` table: programs of MCP servers that may run.

use diesel::prelude::*;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::mcp_processes as table;

/// A program that may run.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = table, check_for_backend(diesel::sqlite::Sqlite))]
pub struct OpenProcess {
    /// Its mark.
    pub token: String,
    /// The server that it is.
    pub server: String,
    /// Who its first process is, if it was started for certain.
    pub identity_json: Option<String>,
}

/// Notes that a program is about to be started.
///
/// # Errors
/// The store's.
pub fn open(
    transaction: &mut Transaction<'_>,
    token: &str,
    server: &str,
) -> Result<(), StoreError> {
    let row = (
        table::token.eq(token),
        table::server.eq(server),
        table::created_at.eq(transaction.stamp()),
    );
    diesel::insert_into(table::table).values(row).execute(transaction.connection())?;
    Ok(())
}

/// Notes that it was started.
///
/// # Errors
/// The store's.
pub fn started(
    transaction: &mut Transaction<'_>,
    token: &str,
    identity_json: &str,
) -> Result<(), StoreError> {
    let row = table::table.find(token);
    let change = table::identity_json.eq(identity_json);
    diesel::update(row).set(change).execute(transaction.connection())?;
    Ok(())
}

/// Notes that nothing of it is left.
///
/// # Errors
/// The store's.
pub fn close(transaction: &mut Transaction<'_>, token: &str) -> Result<(), StoreError> {
    diesel::delete(table::table.find(token)).execute(transaction.connection())?;
    Ok(())
}

/// The programs of which something may be left.
///
/// # Errors
/// The store's.
pub fn all_open(conn: &mut SqliteConnection) -> Result<Vec<OpenProcess>, StoreError> {
    Ok(table::table.order(table::token).select(OpenProcess::as_select()).load(conn)?)
}
