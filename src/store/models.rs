//! The `models` and `model_gates` tables.

use diesel::prelude::*;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::{model_gates, models};

/// A model and whether it was ever promoted.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = models, check_for_backend(diesel::sqlite::Sqlite))]
pub struct ModelRow {
    /// Its id.
    pub model_id: String,
    /// Whether it stands in a gate.
    pub promoted: bool,
    /// When it was promoted last.
    pub promoted_at: Option<String>,
}

/// Adds a model with its gates, in their order, unless it is there already; says whether it was
/// added.
pub fn insert_if_absent(
    transaction: &mut Transaction<'_>,
    model: &ModelRow,
    gates: &[String],
) -> Result<bool, StoreError> {
    let conn = transaction.connection();
    let added = diesel::insert_or_ignore_into(models::table).values(model).execute(conn)?;
    if added == 0 {
        return Ok(false);
    }
    for gate in gates {
        let row = (model_gates::model_id.eq(&model.model_id), model_gates::gate.eq(gate));
        diesel::insert_or_ignore_into(model_gates::table).values(row).execute(conn)?;
    }
    Ok(true)
}
