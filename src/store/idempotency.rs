//! The `idempotency_keys` table: which job a repeated request stands for.

use diesel::prelude::*;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::idempotency_keys as keys;

/// What was done for a key.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = keys, check_for_backend(diesel::sqlite::Sqlite))]
pub struct IdempotencyRow {
    /// Who sent it.
    pub principal: String,
    /// What they called it.
    pub key: String,
    /// SHA-256 of the arguments.
    pub request_hash: String,
    /// The job that was made.
    pub job_id: String,
    /// When.
    pub created_at: String,
}

/// Finds what was done for a principal's key.
pub fn find(
    transaction: &mut Transaction<'_>,
    principal: &str,
    key: &str,
) -> Result<Option<IdempotencyRow>, StoreError> {
    let row = keys::table.find((principal, key)).select(IdempotencyRow::as_select());
    Ok(row.first(transaction.connection()).optional()?)
}

/// Remembers what was done for a key.
pub fn insert(transaction: &mut Transaction<'_>, row: &IdempotencyRow) -> Result<(), StoreError> {
    diesel::insert_into(keys::table).values(row).execute(transaction.connection())?;
    Ok(())
}

/// Forgets the keys that are older than `before`, and says how many.
pub fn prune(transaction: &mut Transaction<'_>, before: &str) -> Result<usize, StoreError> {
    let old = keys::table.filter(keys::created_at.lt(before));
    Ok(diesel::delete(old).execute(transaction.connection())?)
}
