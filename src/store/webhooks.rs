//! The `webhook_cursors` table: how far each webhook has been told.

use diesel::prelude::*;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::events;
use crate::store::schema::webhook_cursors as table;

/// The places from which these webhooks are to be told on, in their order. A new one begins after
/// the newest event; those that are not among them are forgotten.
pub fn open(
    transaction: &mut Transaction<'_>,
    webhooks: &[String],
) -> Result<Vec<i64>, StoreError> {
    let stamp = transaction.stamp();
    let conn = transaction.connection();
    diesel::delete(table::table.filter(table::webhook.ne_all(webhooks))).execute(conn)?;
    let newest = events::newest(conn)?;
    let open = |webhook: &String| {
        let row = (table::webhook.eq(webhook), table::seq.eq(newest), table::updated_at.eq(stamp));
        diesel::insert_or_ignore_into(table::table).values(row).execute(conn)?;
        Ok(table::table.find(webhook).select(table::seq).first(conn)?)
    };
    webhooks.iter().map(open).collect()
}

/// How far a webhook has been told.
pub fn find(conn: &mut SqliteConnection, webhook: &str) -> Result<i64, StoreError> {
    Ok(table::table.find(webhook).select(table::seq).first(conn)?)
}

/// Notes that a webhook was told of everything up to an event.
pub fn advance(
    transaction: &mut Transaction<'_>,
    webhook: &str,
    seq: i64,
) -> Result<(), StoreError> {
    let change = (table::seq.eq(seq), table::updated_at.eq(transaction.stamp()));
    let row = table::table.find(webhook);
    diesel::update(row).set(change).execute(transaction.connection())?;
    Ok(())
}

/// How far the one has been told that is furthest behind; none if there is no webhook.
pub(super) fn furthest_behind(conn: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    Ok(table::table.select(diesel::dsl::min(table::seq)).first(conn)?)
}
