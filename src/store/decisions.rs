//! The `decisions` table: each decision with every number it was made of, for ever.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::decisions;
use crate::store::transaction::sha256_hex;

/// A recorded decision.
#[derive(
    Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize, Deserialize,
)]
#[diesel(table_name = decisions, check_for_backend(diesel::sqlite::Sqlite))]
pub struct DecisionRow {
    /// Its id: `decision_` and 21 random URL-safe characters.
    pub decision_id: String,
    /// The canary it is about.
    pub canary_id: String,
    /// When it was made.
    pub at: String,
    /// The record, as JSON.
    pub record_json: String,
    /// SHA-256 over the record's text.
    pub hash: String,
}

impl DecisionRow {
    /// A decision with the hash of its record.
    pub fn new(decision_id: String, canary_id: String, at: String, record_json: String) -> Self {
        let hash = sha256_hex(record_json.as_bytes());
        Self { decision_id, canary_id, at, record_json, hash }
    }

    /// Whether the record is as it was written.
    pub fn is_intact(&self) -> bool {
        self.hash == sha256_hex(self.record_json.as_bytes())
    }
}

/// Adds a decision.
pub fn insert(transaction: &mut Transaction<'_>, row: &DecisionRow) -> Result<(), StoreError> {
    diesel::insert_into(decisions::table).values(row).execute(transaction.connection())?;
    Ok(())
}

/// The decision with this id.
pub fn find(conn: &mut SqliteConnection, id: &str) -> Result<DecisionRow, StoreError> {
    Ok(decisions::table.find(id).select(DecisionRow::as_select()).first(conn)?)
}

/// The decisions with these ids, in no order.
pub fn all_of(conn: &mut SqliteConnection, ids: &[&str]) -> Result<Vec<DecisionRow>, StoreError> {
    let wanted = decisions::decision_id.eq_any(ids);
    Ok(decisions::table.filter(wanted).select(DecisionRow::as_select()).load(conn)?)
}

/// All decisions about a canary, oldest first.
pub fn about(conn: &mut SqliteConnection, canary: &str) -> Result<Vec<DecisionRow>, StoreError> {
    Ok(decisions::table
        .filter(decisions::canary_id.eq(canary))
        .order(diesel::dsl::sql::<diesel::sql_types::BigInt>("rowid"))
        .select(DecisionRow::as_select())
        .load(conn)?)
}
