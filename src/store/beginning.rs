//! Which ids are there that begin with a text, and which gates are known?

use std::collections::BTreeSet;

use diesel::prelude::*;

use crate::store::canaries::CanaryStatus;
use crate::store::error::StoreError;
use crate::store::schema::{canaries, gate_moves, jobs, model_gates, models};

/// How many of the newest canaries are looked at for the gates that they name.
const CANARIES: i64 = 1000;

/// Ids that begin with a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beginning {
    /// As many as were asked for, the newest first.
    pub ids: Vec<String>,
    /// How many there are.
    pub total: usize,
}

impl Beginning {
    fn of(ids: Vec<String>, total: i64) -> Self {
        Self { ids, total: usize::try_from(total).unwrap_or_default() }
    }
}

/// The end of the range of ids that begin with a text; all of ids are ASCII.
fn end(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

/// The jobs whose ids begin so, the newest first.
pub fn jobs(
    conn: &mut SqliteConnection,
    prefix: &str,
    limit: i64,
) -> Result<Beginning, StoreError> {
    let those = || jobs::table.filter(jobs::job_id.between(prefix.to_owned(), end(prefix)));
    let total = those().count().get_result(conn)?;
    let newest = those().order(jobs::number.desc()).limit(limit).select(jobs::job_id);
    Ok(Beginning::of(newest.load(conn)?, total))
}

/// The canaries with one of these statuses whose ids begin so, the newest first; with any when no
/// status is named.
pub fn canaries(
    conn: &mut SqliteConnection,
    prefix: &str,
    statuses: &[CanaryStatus],
    limit: i64,
) -> Result<Beginning, StoreError> {
    let those = || {
        let beginning = canaries::canary_id.between(prefix.to_owned(), end(prefix));
        let those = canaries::table.filter(beginning).into_boxed::<diesel::sqlite::Sqlite>();
        if statuses.is_empty() {
            those
        } else {
            those.filter(canaries::status.eq_any(statuses.to_vec()))
        }
    };
    let total = those().count().get_result(conn)?;
    let newest = those().order(canaries::number.desc()).limit(limit).select(canaries::canary_id);
    Ok(Beginning::of(newest.load(conn)?, total))
}

/// The models whose ids begin so, the last promoted first; without those that stand in `not_in`.
pub fn models(
    conn: &mut SqliteConnection,
    prefix: &str,
    not_in: Option<&str>,
    limit: i64,
) -> Result<Beginning, StoreError> {
    let those = || {
        let beginning = models::model_id.between(prefix.to_owned(), end(prefix));
        let those = models::table.filter(beginning).into_boxed::<diesel::sqlite::Sqlite>();
        let Some(gate) = not_in else { return those };
        let there = model_gates::table.filter(model_gates::gate.eq(gate.to_owned()));
        those.filter(models::model_id.ne_all(there.select(model_gates::model_id)))
    };
    let total = those().count().get_result(conn)?;
    let order = (models::promoted_at.desc(), models::model_id);
    let newest = those().order(order).limit(limit).select(models::model_id);
    Ok(Beginning::of(newest.load(conn)?, total))
}

/// The gates that models stand in, were moved into, or were watched for by the newest canaries; in
/// the order of their names.
pub fn gates(conn: &mut SqliteConnection) -> Result<BTreeSet<String>, StoreError> {
    let mut gates = BTreeSet::new();
    let standing = model_gates::table.select(model_gates::gate).distinct();
    gates.extend(standing.load::<String>(conn)?);
    let moved = gate_moves::table.select(gate_moves::gate).distinct();
    gates.extend(moved.load::<String>(conn)?);
    let watched = canaries::table
        .order(canaries::number.desc())
        .limit(CANARIES)
        .select((canaries::from_gate, canaries::to_gate));
    for (from, to) in watched.load::<(String, String)>(conn)? {
        gates.extend([from, to]);
    }
    Ok(gates)
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;
    use diesel_migrations::MigrationHarness as _;

    use super::*;
    use crate::store::migrations::MIGRATIONS;

    fn database() -> SqliteConnection {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        conn.run_pending_migrations(MIGRATIONS).unwrap();
        conn
    }

    fn shown(beginning: &Beginning) -> (Vec<&str>, usize) {
        (beginning.ids.iter().map(String::as_str).collect(), beginning.total)
    }

    #[test]
    fn the_newest_jobs_come_first_and_all_are_counted() {
        let mut conn = database();
        for (number, id) in ["job_ab", "job_aa", "job_b", "job_a%"].into_iter().enumerate() {
            let row = format!(
                "INSERT INTO jobs (job_id, number, task_id, config_id, status, started_at, \
                 updated_at, principal, runner) VALUES ('{id}', {number}, 't', 'c', 'COMPLETED', \
                 'x', 'x', 'p', 'r')"
            );
            conn.batch_execute(&row).unwrap();
        }
        let all = jobs(&mut conn, "", 10).unwrap();
        assert_eq!(shown(&all), (vec!["job_a%", "job_b", "job_aa", "job_ab"], 4));
        assert_eq!(shown(&jobs(&mut conn, "job_a", 2).unwrap()), (vec!["job_a%", "job_aa"], 3));
        assert_eq!(shown(&jobs(&mut conn, "job_aa", 2).unwrap()), (vec!["job_aa"], 1));
        for none in ["JOB_", "job_aaa", "%", "job_\u{e9}"] {
            assert_eq!(jobs(&mut conn, none, 9).unwrap(), Beginning::default(), "{none}");
        }
    }

    #[test]
    fn models_go_by_their_last_promotion_and_may_be_wanted_elsewhere() {
        let mut conn = database();
        let rows = "INSERT INTO models VALUES ('m:1', 1, '2026-01-01'), ('m:2', 1, '2026-01-02'), \
                    ('m:3', 0, NULL), ('n', 0, NULL); \
                    INSERT INTO model_gates VALUES ('m:2', 'production', 'm'), \
                    ('m:1', 'staging', 'm')";
        conn.batch_execute(rows).unwrap();
        let all = models(&mut conn, "m:", None, 9).unwrap();
        assert_eq!(shown(&all), (vec!["m:2", "m:1", "m:3"], 3));
        let others = models(&mut conn, "m:", Some("production"), 1).unwrap();
        assert_eq!(shown(&others), (vec!["m:1"], 2));
        assert_eq!(
            gates(&mut conn).unwrap().into_iter().collect::<Vec<_>>(),
            ["production", "staging"]
        );
    }
}
