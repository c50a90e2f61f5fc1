//! The `models` and `model_gates` tables: the models that are known, and where each stands as far
//! as is known. For the local registry these rows are the gates themselves.

use std::collections::HashMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

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

/// A model and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelWithGates {
    /// The model.
    pub model: ModelRow,
    /// Its gates, in the order in which it entered them.
    pub gates: Vec<String>,
}

/// Adds a model with its gates, in their order, unless it is there already; says whether it was
/// added. `name` is its id without the version.
pub fn insert_if_absent(
    transaction: &mut Transaction<'_>,
    (model, name): (&ModelRow, &str),
    gates: &[String],
) -> Result<bool, StoreError> {
    let conn = transaction.connection();
    let added = diesel::insert_or_ignore_into(models::table).values(model).execute(conn)?;
    if added == 0 {
        return Ok(false);
    }
    for gate in gates {
        enter(conn, (&model.model_id, name), gate)?;
    }
    Ok(true)
}

fn enter(
    conn: &mut SqliteConnection,
    (model_id, name): (&str, &str),
    gate: &str,
) -> Result<(), StoreError> {
    let row = (
        model_gates::model_id.eq(model_id),
        model_gates::gate.eq(gate),
        model_gates::model_name.eq(name),
    );
    diesel::insert_or_ignore_into(model_gates::table).values(row).execute(conn)?;
    Ok(())
}

/// The version of a model that stands in a gate: the one that entered last.
pub fn holder(
    conn: &mut SqliteConnection,
    name: &str,
    gate: &str,
) -> Result<Option<String>, StoreError> {
    let here = model_gates::model_name.eq(name).and(model_gates::gate.eq(gate));
    let newest = model_gates::table.filter(here).order(sql::<BigInt>("model_gates.rowid").desc());
    Ok(newest.select(model_gates::model_id).first(conn).optional()?)
}

/// The version of a model that stands in a gate, read inside a change.
pub fn holder_for_change(
    transaction: &mut Transaction<'_>,
    name: &str,
    gate: &str,
) -> Result<Option<String>, StoreError> {
    holder(transaction.connection(), name, gate)
}

/// Has one version of a model, or none, stand in a gate. A model that is new is added.
pub fn place(
    transaction: &mut Transaction<'_>,
    name: &str,
    gate: &str,
    model_id: Option<&str>,
) -> Result<(), StoreError> {
    let stamp = transaction.stamp();
    let conn = transaction.connection();
    if holder(conn, name, gate)?.as_deref() != model_id {
        let here = model_gates::model_name.eq(name).and(model_gates::gate.eq(gate));
        let left: Vec<String> = diesel::delete(model_gates::table.filter(here))
            .returning(model_gates::model_id)
            .get_results(conn)?;
        if let Some(model_id) = model_id {
            let new =
                ModelRow { model_id: model_id.to_owned(), promoted: false, promoted_at: None };
            diesel::insert_or_ignore_into(models::table).values(new).execute(conn)?;
            enter(conn, (model_id, name), gate)?;
            diesel::update(models::table.find(model_id))
                .set((models::promoted.eq(true), models::promoted_at.eq(stamp)))
                .execute(conn)?;
        }
        for model_id in left {
            let gates = model_gates::table.filter(model_gates::model_id.eq(&model_id));
            let stands = 0 < gates.count().get_result::<i64>(conn)?;
            diesel::update(models::table.find(&model_id))
                .set(models::promoted.eq(stands))
                .execute(conn)?;
        }
    }
    Ok(())
}

/// Finds a model and where it stands.
pub fn find(conn: &mut SqliteConnection, id: &str) -> Result<ModelWithGates, StoreError> {
    let model = models::table.find(id).select(ModelRow::as_select()).first(conn)?;
    let gates = model_gates::table
        .filter(model_gates::model_id.eq(id))
        .order(sql::<BigInt>("model_gates.rowid"))
        .select(model_gates::gate)
        .load(conn)?;
    Ok(ModelWithGates { model, gates })
}

/// Lists models by id, from the one after `after` on; only those in `gate` if one is named.
pub fn list(
    conn: &mut SqliteConnection,
    gate: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<ModelWithGates>, StoreError> {
    let mut query = models::table
        .order(models::model_id)
        .limit(limit)
        .select(ModelRow::as_select())
        .into_boxed();
    if let Some(gate) = gate {
        let there = model_gates::table.filter(model_gates::gate.eq(gate));
        query = query.filter(models::model_id.eq_any(there.select(model_gates::model_id)));
    }
    if let Some(after) = after {
        query = query.filter(models::model_id.gt(after));
    }
    let rows: Vec<ModelRow> = query.load(conn)?;
    let ids: Vec<&str> = rows.iter().map(|row| row.model_id.as_str()).collect();
    let pairs: Vec<(String, String)> = model_gates::table
        .filter(model_gates::model_id.eq_any(ids))
        .order(sql::<BigInt>("model_gates.rowid"))
        .select((model_gates::model_id, model_gates::gate))
        .load(conn)?;
    let mut gates: HashMap<String, Vec<String>> = HashMap::new();
    for (model_id, gate) in pairs {
        gates.entry(model_id).or_default().push(gate);
    }
    let with_gates = |model: ModelRow| {
        let gates = gates.remove(&model.model_id).unwrap_or_default();
        ModelWithGates { model, gates }
    };
    Ok(rows.into_iter().map(with_gates).collect())
}

#[cfg(test)]
mod tests {
    use diesel_migrations::MigrationHarness as _;

    use super::*;
    use crate::ids::ModelId;
    use crate::store::migrations::MIGRATIONS;

    /// What an older daemon left is divided into names and versions as ids are.
    #[test]
    fn gates_from_before_get_the_names_of_their_models() {
        let ids =
            ["ranker:12", "team:ranker:12", "lukhas-v4", "ranker:", ":12", ":", "a::b", "x:y:"];
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        let name_of = |id: &str| ModelId::parse(id).unwrap().name().to_owned();
        let first = conn.run_next_migration(MIGRATIONS).unwrap();
        assert_eq!(first.to_string(), "20261121000001");
        for id in ids {
            let add = format!(
                "INSERT INTO models VALUES ('{id}', 1, NULL); \
                 INSERT INTO model_gates VALUES ('{id}', 'production')"
            );
            diesel::connection::SimpleConnection::batch_execute(&mut conn, &add).unwrap();
        }
        conn.run_pending_migrations(MIGRATIONS).unwrap();
        for id in ids {
            let name: String = model_gates::table
                .filter(model_gates::model_id.eq(id))
                .select(model_gates::model_name)
                .first(&mut conn)
                .unwrap();
            assert_eq!(name, name_of(id), "{id}");
        }
        // Two versions of one name could stand in one gate then; the newer one counts.
        assert_eq!(holder(&mut conn, "ranker", "production").unwrap().unwrap(), "ranker:12");
        conn.revert_last_migration(MIGRATIONS).unwrap();
        conn.run_pending_migrations(MIGRATIONS).unwrap();
    }
}
