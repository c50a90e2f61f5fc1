//! The `audits` table: facts in a hash chain.
//!
//! A row's hash is SHA-256 over a JSON array of the chain's name, the hash before it and the row's
//! columns, so that an exported chain can be checked without this program: `["lukhas-mcp audit 1",
//! prev_hash, id, about, ts, actor, action, entity_type, entity_id, payload_json, message]`.

use diesel::prelude::*;
use serde::Serialize;

use crate::ids::Entity;
use crate::store::error::StoreError;
use crate::store::numbers::{self, Numbered};
use crate::store::schema::audits;
use crate::store::transaction::sha256_hex;

/// Named in every hash, so that no hash of ours can stand for anything else.
const CHAIN: &str = "lukhas-mcp audit 1";

/// The hash before the first row.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A fact to be recorded.
#[derive(Debug, Clone)]
pub struct AuditEntry<'a> {
    /// Who: the name of a key, or `system`.
    pub actor: &'a str,
    /// What, in one word of the contract's list.
    pub action: &'static str,
    /// About what.
    pub entity: &'a Entity,
    /// How it is found again.
    pub numbered: Numbered,
    /// The details, as JSON.
    pub payload_json: String,
    /// The fact as a sentence.
    pub message: String,
}

/// A recorded fact.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = audits, check_for_backend(diesel::sqlite::Sqlite))]
pub struct AuditRow {
    /// Its place in the chain, from 1.
    pub id: i64,
    /// The number of what it is about, if that has one.
    pub about: Option<i64>,
    /// When.
    pub ts: String,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// The details, as JSON.
    pub payload_json: String,
    /// The kind of what it is about.
    pub entity_type: String,
    /// The id of what it is about.
    pub entity_id: String,
    /// The fact as a sentence.
    pub message: String,
    /// The hash of the row before.
    pub prev_hash: String,
    /// The hash of this row.
    pub hash: String,
}

impl AuditRow {
    /// What `hash` must be for the row to be as it was written.
    pub fn expected_hash(&self) -> String {
        let canonical = serde_json::to_vec(&(
            CHAIN,
            &self.prev_hash,
            self.id,
            self.about,
            &self.ts,
            &self.actor,
            &self.action,
            &self.entity_type,
            &self.entity_id,
            &self.payload_json,
            &self.message,
        ));
        sha256_hex(&canonical.expect("strings and numbers are JSON"))
    }
}

/// The last link of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainHead {
    /// The last row's place; 0 when there is none.
    pub id: i64,
    /// The last row's hash.
    pub hash: String,
}

pub(super) fn chain_head(conn: &mut SqliteConnection) -> Result<ChainHead, StoreError> {
    let last = audits::table
        .order(audits::id.desc())
        .select((audits::id, audits::hash))
        .first::<(i64, String)>(conn)
        .optional()?;
    let (id, hash) = last.unwrap_or_else(|| (0, GENESIS.to_owned()));
    Ok(ChainHead { id, hash })
}

pub(super) fn insert(conn: &mut SqliteConnection, row: &AuditRow) -> Result<(), StoreError> {
    diesel::insert_into(audits::table).values(row).execute(conn)?;
    Ok(())
}

/// The facts about the things with this id, oldest first.
pub fn about(conn: &mut SqliteConnection, entity_id: &str) -> Result<Vec<AuditRow>, StoreError> {
    let rows = audits::table.order(audits::id).select(AuditRow::as_select());
    let by_id = audits::about.is_null().and(audits::entity_id.eq(entity_id));
    // A model may be named like a job, so that an id can stand for two things.
    let numbers = numbers::of_id(conn, entity_id)?;
    Ok(if numbers.is_empty() {
        rows.filter(by_id).load(conn)?
    } else {
        rows.filter(audits::about.eq_any(numbers).or(by_id.nullable())).load(conn)?
    })
}

/// Where the chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the audit chain is broken at row {id}: {what}")]
pub struct BrokenChain {
    /// The row at which it shows.
    pub id: i64,
    /// What is wrong there.
    pub what: &'static str,
}

/// Walks the whole chain and returns its head, or the first place where it does not hold.
pub fn verify(conn: &mut SqliteConnection) -> Result<Result<ChainHead, BrokenChain>, StoreError> {
    const AT_ONCE: i64 = 1000;
    let mut head = ChainHead { id: 0, hash: GENESIS.to_owned() };
    loop {
        let rows: Vec<AuditRow> = audits::table
            .filter(audits::id.gt(head.id))
            .order(audits::id)
            .limit(AT_ONCE)
            .select(AuditRow::as_select())
            .load(conn)?;
        if rows.is_empty() {
            return Ok(Ok(head));
        }
        for row in rows {
            let broken = |what| BrokenChain { id: row.id, what };
            if row.id != head.id + 1 {
                return Ok(Err(broken("a row before it is missing")));
            }
            if row.prev_hash != head.hash {
                return Ok(Err(broken("it does not follow from the row before it")));
            }
            if row.hash != row.expected_hash() {
                return Ok(Err(broken("it is not as it was written")));
            }
            head = ChainHead { id: row.id, hash: row.hash };
        }
    }
}
