//! The `audit_checkpoints` table: what was said of the chain, when.
//!
//! A checkpoint is a place in the chain and the hash there. As each hash covers the one before it,
//! that one hash stands for every row up to the place; a tree of hashes would prove single rows in
//! less space, and nobody asks for single rows: an evidence pack is a piece of the chain.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::store::Transaction;
use crate::store::audits;
use crate::store::chain::ChainHead;
use crate::store::error::StoreError;
use crate::store::schema::audit_checkpoints as table;

/// What a signature covers begins with this, so that it stands for nothing else.
const SIGNED: &str = "lukhas-mcp audit checkpoint 1";

/// What the chain was at one moment.
#[derive(
    Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize, Deserialize,
)]
#[diesel(table_name = table, check_for_backend(diesel::sqlite::Sqlite))]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The place of the last row that it covers.
    pub size: i64,
    /// That row's hash.
    pub head: String,
    /// When it was made.
    pub ts: String,
    /// The public half of the key that signed it, in hexadecimal.
    pub public_key: Option<String>,
    /// The Ed25519 signature of [`Checkpoint::signed_text`], in hexadecimal.
    pub signature: Option<String>,
    /// When it was written down outside of the database.
    pub anchored_at: Option<String>,
    /// The commit in which that was done.
    pub anchor: Option<String>,
}

impl Checkpoint {
    /// A checkpoint of this link, not signed.
    pub fn of(head: ChainHead, ts: &str) -> Self {
        Self {
            size: head.id,
            head: head.hash,
            ts: ts.to_owned(),
            public_key: None,
            signature: None,
            anchored_at: None,
            anchor: None,
        }
    }

    /// What a signature of it covers: four lines.
    pub fn signed_text(&self) -> String {
        format!("{SIGNED}\n{}\n{}\n{}\n", self.size, self.head, self.ts)
    }
}

/// The newest checkpoint, if there is one.
pub fn newest(conn: &mut SqliteConnection) -> Result<Option<Checkpoint>, StoreError> {
    let rows = table::table.order(table::size.desc()).select(Checkpoint::as_select());
    Ok(rows.first(conn).optional()?)
}

/// Every checkpoint, oldest first.
pub fn all(conn: &mut SqliteConnection) -> Result<Vec<Checkpoint>, StoreError> {
    Ok(table::table.order(table::size).select(Checkpoint::as_select()).load(conn)?)
}

/// The checkpoints from place `first` to place `last`, both included.
pub fn between(
    conn: &mut SqliteConnection,
    first: i64,
    last: i64,
) -> Result<Vec<Checkpoint>, StoreError> {
    let rows = table::table.filter(table::size.between(first, last)).order(table::size);
    Ok(rows.select(Checkpoint::as_select()).load(conn)?)
}

/// The first checkpoint that covers a row.
pub fn covering(conn: &mut SqliteConnection, row: i64) -> Result<Option<Checkpoint>, StoreError> {
    let rows = table::table.filter(table::size.ge(row)).order(table::size);
    Ok(rows.select(Checkpoint::as_select()).first(conn).optional()?)
}

/// Makes the checkpoints that are due and returns them: one every `rows` rows, and one of the last
/// row if `now` is true. `sign` may sign each before it is written.
pub fn make(
    transaction: &mut Transaction<'_>,
    rows: i64,
    now: bool,
    sign: impl Fn(&mut Checkpoint),
) -> Result<Vec<Checkpoint>, StoreError> {
    let head = transaction.chain_head()?;
    let stamp = transaction.stamp();
    let conn = transaction.connection();
    let mut last = newest(conn)?.map_or(0, |checkpoint| checkpoint.size);
    let mut made = Vec::new();
    while last < head.id {
        let place = last.saturating_add(rows.max(1)).min(head.id);
        if place == head.id && !now && head.id - last < rows {
            break;
        }
        let link = if place == head.id { Some(head.clone()) } else { audits::link(conn, place)? };
        let Some(link) = link else { break };
        let mut checkpoint = Checkpoint::of(link, stamp);
        sign(&mut checkpoint);
        diesel::insert_into(table::table).values(&checkpoint).execute(conn)?;
        last = checkpoint.size;
        made.push(checkpoint);
    }
    Ok(made)
}

/// The oldest checkpoints that were not written down outside yet.
pub fn not_anchored(
    conn: &mut SqliteConnection,
    limit: i64,
) -> Result<Vec<Checkpoint>, StoreError> {
    let rows = table::table.filter(table::anchored_at.is_null()).order(table::size).limit(limit);
    Ok(rows.select(Checkpoint::as_select()).load(conn)?)
}

/// Notes that checkpoints were written down outside, and in which commit.
pub fn note_anchored(
    transaction: &mut Transaction<'_>,
    sizes: &[i64],
    commit: &str,
) -> Result<(), StoreError> {
    let stamp = transaction.stamp();
    let rows = table::table.filter(table::size.eq_any(sizes).and(table::anchored_at.is_null()));
    let change = (table::anchored_at.eq(stamp), table::anchor.eq(commit));
    diesel::update(rows).set(change).execute(transaction.connection())?;
    Ok(())
}
