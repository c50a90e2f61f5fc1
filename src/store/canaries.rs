//! The `canaries` and `canary_metrics` tables.

use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::{canaries, canary_metrics};
use crate::store::text_enum::text_enum;

text_enum! {
    /// Where a canary stands.
    CanaryStatus("canary status") {
        /// It is a dry run, which changes nothing.
        Pending = "PENDING",
        /// It is being watched.
        Running = "RUNNING",
        /// Somebody stopped its clock.
        Paused = "PAUSED",
        /// The model stays in the gate.
        Promoted = "PROMOTED",
        /// The gate is as it was before.
        RolledBack = "ROLLED_BACK",
        /// It could not be carried out, and nothing was changed.
        Failed = "FAILED",
    }
}

text_enum! {
    /// What is being done with a canary.
    Phase("canary phase") {
        /// Somebody has to approve the start.
        AwaitingStart = "awaiting_start",
        /// The model is being put into the gate.
        Entering = "entering",
        /// Its metrics are being looked at.
        Observing = "observing",
        /// Its clock stands still.
        Paused = "paused",
        /// The window is over and somebody has to decide; it is still looked at.
        AwaitingApproval = "awaiting_approval",
        /// The promotion is being made sure of.
        Promoting = "promoting",
        /// The gate is being put back.
        RollingBack = "rolling_back",
        /// Nothing more happens.
        Over = "over",
    }
}

/// A canary as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
// Every column is always written: the statement is then the same each time, and prepared once.
#[diesel(table_name = canaries, check_for_backend(Sqlite), treat_none_as_default_value = false)]
pub struct CanaryRow {
    /// Its id.
    pub canary_id: String,
    /// The place of its first fact in the audit chain.
    pub number: i64,
    /// The model that is watched.
    pub model_id: String,
    /// The gate it comes from.
    pub from_gate: String,
    /// The gate it is watched in.
    pub to_gate: String,
    /// Where it stands.
    pub status: CanaryStatus,
    /// When it was accepted.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
    /// The whole policy, defaults included.
    pub policy_json: String,
    /// What is being done with it.
    pub phase: Phase,
    /// Rises with every change.
    pub version: i64,
    /// Whether it changes nothing.
    pub dry_run: bool,
    /// Who asked for it.
    pub principal: String,
    /// Where its metrics come from.
    pub source: String,
    /// The window's clock in milliseconds.
    pub elapsed_ms: i64,
    /// When that clock was read.
    pub seen_at: Option<String>,
    /// How many measurements there are.
    pub polls: i64,
    /// The counters as they were last read.
    pub counters_json: Option<String>,
    /// The hash over all measurements so far.
    pub sample_hash: String,
    /// Why it was decided as it was, in one word.
    pub reason: Option<String>,
    /// The newest decision about it.
    pub decision_id: Option<String>,
    /// When that was made.
    pub decided_at: Option<String>,
    /// What keeps it from going on, as a sentence.
    pub trouble: Option<String>,
}

/// What changes when a canary moves on; `None` leaves a column as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = canaries)]
pub struct CanaryChange {
    /// See [`CanaryRow::status`].
    pub status: Option<CanaryStatus>,
    /// See [`CanaryRow::phase`].
    pub phase: Option<Phase>,
    /// See [`CanaryRow::elapsed_ms`].
    pub elapsed_ms: Option<i64>,
    /// See [`CanaryRow::seen_at`].
    pub seen_at: Option<String>,
    /// See [`CanaryRow::polls`].
    pub polls: Option<i64>,
    /// See [`CanaryRow::counters_json`]; `Some(None)` has the next look begin anew.
    pub counters_json: Option<Option<String>>,
    /// See [`CanaryRow::sample_hash`].
    pub sample_hash: Option<String>,
    /// See [`CanaryRow::reason`].
    pub reason: Option<String>,
    /// See [`CanaryRow::decision_id`].
    pub decision_id: Option<String>,
    /// See [`CanaryRow::decided_at`].
    pub decided_at: Option<String>,
    /// See [`CanaryRow::trouble`]; `Some(None)` says that it is over.
    pub trouble: Option<Option<String>>,
}

/// What one look gave.
#[derive(Debug, Clone, PartialEq, Insertable)]
#[diesel(table_name = canary_metrics, check_for_backend(Sqlite), treat_none_as_default_value = false)]
pub struct NewMetric {
    /// The canary.
    pub canary_id: String,
    /// When.
    pub created_at: String,
    /// The 95th percentile of latency, as the wire shows it.
    pub latency_p95_ms: Option<f64>,
    /// The share of failed requests, as the wire shows it.
    pub error_rate: Option<f64>,
    /// The gate that was looked at.
    pub gate: String,
    /// Where it comes from.
    pub source: String,
    /// What was measured, as JSON.
    pub raw_data: Option<String>,
}

/// A stored measurement.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = canary_metrics, check_for_backend(Sqlite))]
pub struct MetricRow {
    /// Its place among all measurements.
    pub id: i64,
    /// When.
    pub created_at: String,
    /// The 95th percentile of latency, as the wire shows it.
    pub latency_p95_ms: Option<f64>,
    /// The share of failed requests, as the wire shows it.
    pub error_rate: Option<f64>,
    /// What was measured, as JSON.
    pub raw_data: Option<String>,
}

/// Adds a canary under the number of its first fact, and returns it as it then stands.
pub fn insert(
    transaction: &mut Transaction<'_>,
    number: i64,
    canary: CanaryRow,
) -> Result<CanaryRow, StoreError> {
    let canary = CanaryRow { number, ..canary };
    diesel::insert_into(canaries::table).values(&canary).execute(transaction.connection())?;
    Ok(canary)
}

/// Adds a measurement.
pub fn insert_metric(
    transaction: &mut Transaction<'_>,
    metric: &NewMetric,
) -> Result<(), StoreError> {
    diesel::insert_into(canary_metrics::table).values(metric).execute(transaction.connection())?;
    Ok(())
}

/// Finds a canary.
pub fn find(conn: &mut SqliteConnection, id: &str) -> Result<CanaryRow, StoreError> {
    Ok(canaries::table.find(id).select(CanaryRow::as_select()).first(conn)?)
}

/// Finds a canary inside a change.
pub fn find_for_change(
    transaction: &mut Transaction<'_>,
    id: &str,
) -> Result<CanaryRow, StoreError> {
    find(transaction.connection(), id)
}

/// The canaries that a started daemon must take up again, oldest first.
pub fn open(conn: &mut SqliteConnection) -> Result<Vec<CanaryRow>, StoreError> {
    // Spelled as the index on open canaries is.
    let open = diesel::dsl::sql::<diesel::sql_types::Bool>("phase <> 'over'");
    let mut rows: Vec<CanaryRow> =
        canaries::table.filter(open).select(CanaryRow::as_select()).load(conn)?;
    rows.sort_by_key(|row| row.number);
    Ok(rows)
}

/// The canaries that are not over and that change what stands in a gate.
pub fn watching(
    transaction: &mut Transaction<'_>,
    gate: &str,
) -> Result<Vec<CanaryRow>, StoreError> {
    let open = diesel::dsl::sql::<diesel::sql_types::Bool>("phase <> 'over'");
    Ok(canaries::table
        .filter(open)
        .filter(canaries::to_gate.eq(gate).and(canaries::dry_run.eq(false)))
        .select(CanaryRow::as_select())
        .load(transaction.connection())?)
}

/// Moves a canary on and returns it as it then stands, if it is as `row` has it.
///
/// # Errors
/// [`StoreError::Stale`] if it has changed since: somebody aborted or paused it, or another actor
/// has it.
pub fn advance(
    transaction: &mut Transaction<'_>,
    row: &CanaryRow,
    change: &CanaryChange,
) -> Result<CanaryRow, StoreError> {
    let now = transaction.stamp();
    let target = canaries::table
        .filter(canaries::canary_id.eq(&row.canary_id).and(canaries::version.eq(row.version)));
    let moved = diesel::update(target)
        .set((change, canaries::updated_at.eq(now), canaries::version.eq(row.version + 1)))
        .returning(CanaryRow::as_returning())
        .get_result(transaction.connection())
        .optional()?;
    moved.ok_or(StoreError::Stale)
}

/// Takes every measurement of a canary, oldest first, a portion in memory at a time.
pub fn each_measurement(
    conn: &mut SqliteConnection,
    id: &str,
    mut take: impl FnMut(MetricRow),
) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let rows = next_measurements(conn, id, after)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.id;
        rows.into_iter().for_each(&mut take);
    }
}

/// The next portion of a canary's measurements, oldest first, after the one with this place among all
/// measurements; 0 for the first portion. Nothing if there are no more.
pub fn next_measurements(
    conn: &mut SqliteConnection,
    id: &str,
    after: i64,
) -> Result<Vec<MetricRow>, StoreError> {
    const AT_ONCE: i64 = 500;
    Ok(canary_metrics::table
        .filter(canary_metrics::canary_id.eq(id).and(canary_metrics::id.gt(after)))
        .order(canary_metrics::id)
        .limit(AT_ONCE)
        .select(MetricRow::as_select())
        .load(conn)?)
}

/// The newest measurements of a canary, oldest first.
pub fn newest_measurements(
    conn: &mut SqliteConnection,
    id: &str,
    limit: i64,
) -> Result<Vec<MetricRow>, StoreError> {
    let mut rows: Vec<MetricRow> = canary_metrics::table
        .filter(canary_metrics::canary_id.eq(id))
        .order(canary_metrics::id.desc())
        .limit(limit)
        .select(MetricRow::as_select())
        .load(conn)?;
    rows.reverse();
    Ok(rows)
}

/// The newest canaries that are over, newest first.
pub fn newest_over(conn: &mut SqliteConnection, limit: i64) -> Result<Vec<CanaryRow>, StoreError> {
    Ok(canaries::table
        .filter(canaries::phase.eq(Phase::Over))
        .order(canaries::number.desc())
        .limit(limit)
        .select(CanaryRow::as_select())
        .load(conn)?)
}

/// Which canaries a list wants.
#[derive(Debug, Clone, Default)]
pub struct CanaryFilter {
    /// Only those with one of these statuses; all when empty.
    pub statuses: Vec<CanaryStatus>,
    /// Only those of this model.
    pub model_id: Option<String>,
    /// Only those older than the one with this number: the last of the page before.
    pub before: Option<i64>,
}

/// Lists canaries, newest first.
pub fn list(
    conn: &mut SqliteConnection,
    filter: &CanaryFilter,
    limit: i64,
) -> Result<Vec<CanaryRow>, StoreError> {
    let mut query = canaries::table
        .order(canaries::number.desc())
        .limit(limit)
        .select(CanaryRow::as_select())
        .into_boxed::<Sqlite>();
    if !filter.statuses.is_empty() {
        query = query.filter(canaries::status.eq_any(filter.statuses.clone()));
    }
    if let Some(model_id) = &filter.model_id {
        query = query.filter(canaries::model_id.eq(model_id));
    }
    if let Some(number) = filter.before {
        query = query.filter(canaries::number.lt(number));
    }
    Ok(query.load(conn)?)
}

/// When a canary was rolled back last, if ever; a canary that is over never changes again.
pub fn last_rollback(conn: &mut SqliteConnection) -> Result<Option<String>, StoreError> {
    Ok(canaries::table
        .filter(canaries::status.eq(CanaryStatus::RolledBack))
        .select(diesel::dsl::max(canaries::updated_at))
        .first(conn)?)
}

/// How many canaries there are in each status.
pub fn count_by_status(
    conn: &mut SqliteConnection,
) -> Result<Vec<(CanaryStatus, i64)>, StoreError> {
    Ok(canaries::table
        .group_by(canaries::status)
        .select((canaries::status, diesel::dsl::count_star()))
        .load(conn)?)
}
