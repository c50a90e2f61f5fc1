//! The `tool_pins` table: how the tools of other MCP servers were defined when that was agreed to.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::tool_pins as table;

/// The pins of a server's tools: their hashes by the tools' names.
pub type Pins = BTreeMap<String, String>;

/// Pins the tools that were never seen, as long as the server has no more than `most`, and answers
/// with all pins of the server.
///
/// # Errors
/// The store's.
pub fn see(
    transaction: &mut Transaction<'_>,
    server: &str,
    tools: &[(String, String)],
    most: usize,
) -> Result<Pins, StoreError> {
    let stamp = transaction.stamp();
    let conn = transaction.connection();
    let mut pins = of_server(conn, server)?;
    for (tool, hash) in tools {
        if pins.contains_key(tool) || most <= pins.len() {
            continue;
        }
        let row = (
            table::server.eq(server),
            table::tool.eq(tool),
            table::hash.eq(hash),
            table::pinned_at.eq(stamp),
        );
        diesel::insert_into(table::table).values(row).execute(conn)?;
        pins.insert(tool.clone(), hash.clone());
    }
    Ok(pins)
}

/// Pins a tool anew.
///
/// # Errors
/// The store's.
pub fn pin(
    transaction: &mut Transaction<'_>,
    (server, tool): (&str, &str),
    hash: &str,
) -> Result<(), StoreError> {
    let values = (table::hash.eq(hash), table::pinned_at.eq(transaction.stamp()));
    let row = (table::server.eq(server), table::tool.eq(tool), values);
    diesel::insert_into(table::table)
        .values(row)
        .on_conflict((table::server, table::tool))
        .do_update()
        .set(values)
        .execute(transaction.connection())?;
    Ok(())
}

/// The pins of a server's tools.
///
/// # Errors
/// The store's.
pub fn of_server(conn: &mut SqliteConnection, server: &str) -> Result<Pins, StoreError> {
    let rows = table::table.filter(table::server.eq(server)).select((table::tool, table::hash));
    Ok(rows.load::<(String, String)>(conn)?.into_iter().collect())
}
