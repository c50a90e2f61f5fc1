//! The `meta` table: facts about the database itself.

use diesel::prelude::*;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::meta;

/// Reads a fact.
pub fn find(conn: &mut SqliteConnection, name: &str) -> Result<Option<String>, StoreError> {
    Ok(meta::table.find(name).select(meta::value).first(conn).optional()?)
}

/// Writes a fact over an older one.
pub fn set(transaction: &mut Transaction<'_>, name: &str, value: &str) -> Result<(), StoreError> {
    put(transaction.connection(), name, value)
}

fn put(conn: &mut SqliteConnection, name: &str, value: &str) -> Result<(), StoreError> {
    let row = (meta::name.eq(name), meta::value.eq(value));
    diesel::replace_into(meta::table).values(row).execute(conn)?;
    Ok(())
}

/// How large the database is, in bytes, without its log.
pub fn database_bytes(conn: &mut SqliteConnection) -> Result<u64, StoreError> {
    let size = diesel::sql_query(
        "SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()",
    );
    let Size { bytes } = size.get_result(conn)?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

#[derive(QueryableByName)]
struct Size {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    bytes: i64,
}

/// How much a probe writes, in bytes: about as many pages as a change does. Less would still find
/// room on a full disk, where nothing else does.
const PROBE: usize = 32 * 1024;

/// Writes something, to see whether that can be done.
pub(super) fn probe(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    // SQLite writes no page whose content stays the same, so it must not.
    let last = find(conn, "probe")?;
    let tick = if last.is_some_and(|last| last.starts_with('a')) { "b" } else { "a" };
    put(conn, "probe", &tick.repeat(PROBE))
}
