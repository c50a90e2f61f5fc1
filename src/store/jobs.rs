//! The `jobs` table.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};
use diesel::sqlite::Sqlite;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::numbers;
use crate::store::schema::{idempotency_keys, jobs, swept_jobs};
use crate::store::text_enum::text_enum;

text_enum! {
    /// Where a job stands.
    JobStatus("job status") {
        /// Accepted, and not yet with the runner.
        Queued = "QUEUED",
        /// The runner has it.
        Running = "RUNNING",
        /// It gave a result.
        Completed = "COMPLETED",
        /// It will give none.
        Failed = "FAILED",
        /// Somebody ended it.
        Cancelled = "CANCELLED",
        /// It was only asked whether it could be done.
        DryRun = "DRY_RUN",
    }
}

impl JobStatus {
    /// Whether the job will never change again.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
// Every column is always written: the statement is then the same each time, and prepared once.
#[diesel(table_name = jobs, check_for_backend(Sqlite), treat_none_as_default_value = false)]
pub struct JobRow {
    /// Its id.
    pub job_id: String,
    /// The place of its first fact in the audit chain; 0 until it is in the table.
    pub number: i64,
    /// What to evaluate.
    pub task_id: String,
    /// How.
    pub config_id: String,
    /// Where it stands.
    pub status: JobStatus,
    /// When it was accepted.
    pub started_at: String,
    /// When it last moved on.
    pub updated_at: String,
    /// The result, as JSON, once there is one.
    pub result_json: Option<String>,
    /// Who asked for it.
    pub principal: String,
    /// Which orchestrator runs it.
    pub runner: String,
    /// What the orchestrator calls the run, once it has it.
    pub run_ref: Option<String>,
    /// Why it failed, as a sentence.
    pub error: Option<String>,
    /// Why it failed, in one word.
    pub failure_reason: Option<String>,
    /// How far it has come, between 0 and 1.
    pub progress: Option<f64>,
    /// What it is at, in its own words.
    pub progress_text: Option<String>,
    /// A shorter limit on the run than the task's own, in seconds.
    pub timeout_seconds: Option<i64>,
    /// The moment by which it must be over, queue included.
    pub deadline_at: Option<String>,
    /// When the runner took it.
    pub running_at: Option<String>,
    /// Who asked for its end.
    pub cancel_requested_by: Option<String>,
    /// Why they did.
    pub cancel_reason: Option<String>,
}

impl JobRow {
    /// A job that was accepted at a moment, as far as its first row goes: nothing happened to it.
    pub fn accepted(
        status: JobStatus,
        (job_id, task_id, config_id): (String, String, String),
        at: &str,
        (principal, runner): (&str, &str),
    ) -> Self {
        Self {
            job_id,
            number: 0,
            task_id,
            config_id,
            status,
            started_at: at.to_owned(),
            updated_at: at.to_owned(),
            result_json: None,
            principal: principal.to_owned(),
            runner: runner.to_owned(),
            run_ref: None,
            error: None,
            failure_reason: None,
            progress: None,
            progress_text: None,
            timeout_seconds: None,
            deadline_at: None,
            running_at: None,
            cancel_requested_by: None,
            cancel_reason: None,
        }
    }
}

/// Of a job, what a list of many shows: everything but its result.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(Sqlite))]
pub struct JobHead {
    /// See [`JobRow::job_id`].
    pub job_id: String,
    /// See [`JobRow::number`].
    pub number: i64,
    /// See [`JobRow::task_id`].
    pub task_id: String,
    /// See [`JobRow::config_id`].
    pub config_id: String,
    /// See [`JobRow::status`].
    pub status: JobStatus,
    /// See [`JobRow::started_at`].
    pub started_at: String,
    /// See [`JobRow::running_at`].
    pub running_at: Option<String>,
    /// See [`JobRow::updated_at`].
    pub updated_at: String,
    /// See [`JobRow::progress`].
    pub progress: Option<f64>,
    /// See [`JobRow::progress_text`].
    pub progress_text: Option<String>,
    /// See [`JobRow::error`].
    pub error: Option<String>,
    /// See [`JobRow::failure_reason`].
    pub failure_reason: Option<String>,
    /// See [`JobRow::principal`].
    pub principal: String,
}

impl JobHead {
    /// The head of a row.
    pub fn of(row: &JobRow) -> Self {
        Self {
            job_id: row.job_id.clone(),
            number: row.number,
            task_id: row.task_id.clone(),
            config_id: row.config_id.clone(),
            status: row.status,
            started_at: row.started_at.clone(),
            running_at: row.running_at.clone(),
            updated_at: row.updated_at.clone(),
            progress: row.progress,
            progress_text: row.progress_text.clone(),
            error: row.error.clone(),
            failure_reason: row.failure_reason.clone(),
            principal: row.principal.clone(),
        }
    }
}

/// What changes when a job moves on; `None` leaves a column as it is.
#[derive(Debug, Clone, Default, PartialEq, AsChangeset)]
#[diesel(table_name = jobs)]
pub struct JobChange {
    /// See [`JobRow::status`].
    pub status: Option<JobStatus>,
    /// See [`JobRow::result_json`].
    pub result_json: Option<String>,
    /// See [`JobRow::run_ref`].
    pub run_ref: Option<String>,
    /// See [`JobRow::error`].
    pub error: Option<String>,
    /// See [`JobRow::failure_reason`].
    pub failure_reason: Option<String>,
    /// See [`JobRow::progress`].
    pub progress: Option<f64>,
    /// See [`JobRow::progress_text`].
    pub progress_text: Option<String>,
    /// See [`JobRow::running_at`].
    pub running_at: Option<String>,
    /// See [`JobRow::cancel_requested_by`].
    pub cancel_requested_by: Option<String>,
    /// See [`JobRow::cancel_reason`].
    pub cancel_reason: Option<String>,
}

/// Adds a job under the number of its first fact, and returns it as it then stands.
pub fn insert(
    transaction: &mut Transaction<'_>,
    number: i64,
    job: JobRow,
) -> Result<JobRow, StoreError> {
    let job = JobRow { number, ..job };
    diesel::insert_into(jobs::table).values(&job).execute(transaction.connection())?;
    Ok(job)
}

/// Finds a job.
pub fn find(conn: &mut SqliteConnection, id: &str) -> Result<JobRow, StoreError> {
    Ok(jobs::table.find(id).select(JobRow::as_select()).first(conn)?)
}

/// Whether there is such a job, or was one.
pub fn is_known(transaction: &mut Transaction<'_>, id: &str) -> Result<bool, StoreError> {
    Ok(numbers::of_job(transaction.connection(), id)?.is_some())
}

/// Finds a job inside a change.
pub fn find_for_change(transaction: &mut Transaction<'_>, id: &str) -> Result<JobRow, StoreError> {
    find(transaction.connection(), id)
}

/// The jobs that a started daemon must take up again, oldest first.
pub fn open(conn: &mut SqliteConnection) -> Result<Vec<JobRow>, StoreError> {
    // Spelled out, so that SQLite sees that the index on open jobs serves.
    let open = jobs::status.eq(JobStatus::Queued).or(jobs::status.eq(JobStatus::Running));
    let mut rows: Vec<JobRow> = jobs::table.filter(open).select(JobRow::as_select()).load(conn)?;
    rows.sort_by_key(|row| row.number);
    Ok(rows)
}

/// Moves a job on and returns it as it then stands, if it is in status `from` and nobody asked for
/// its end since `row` was read.
///
/// # Errors
/// [`StoreError::Stale`] if it is not: two actors for one job, or a cancellation that came in
/// between, must not overwrite each other.
pub fn advance(
    transaction: &mut Transaction<'_>,
    row: &JobRow,
    change: &JobChange,
) -> Result<JobRow, StoreError> {
    let now = transaction.stamp();
    // SQLite's IS also compares NULL with NULL.
    let same_wish = diesel::dsl::sql::<Bool>("cancel_requested_by IS ")
        .bind::<Nullable<Text>, _>(&row.cancel_requested_by);
    let target = jobs::table
        .filter(jobs::job_id.eq(&row.job_id).and(jobs::status.eq(row.status)).and(same_wish));
    let moved = diesel::update(target)
        .set((change, jobs::updated_at.eq(now)))
        .returning(JobRow::as_returning())
        .get_result(transaction.connection())
        .optional()?;
    moved.ok_or(StoreError::Stale)
}

/// Which jobs a list wants.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Only those with one of these statuses; all when empty.
    pub statuses: Vec<JobStatus>,
    /// Only those of this task.
    pub task_id: Option<String>,
    /// Only those older than the one with this number: the last of the page before.
    pub before: Option<i64>,
}

/// Lists jobs, newest first.
pub fn list(
    conn: &mut SqliteConnection,
    filter: &JobFilter,
    limit: i64,
) -> Result<Vec<JobRow>, StoreError> {
    let mut query = jobs::table
        .order(jobs::number.desc())
        .limit(limit)
        .select(JobRow::as_select())
        .into_boxed::<Sqlite>();
    if !filter.statuses.is_empty() {
        query = query.filter(jobs::status.eq_any(filter.statuses.clone()));
    }
    if let Some(task_id) = &filter.task_id {
        query = query.filter(jobs::task_id.eq(task_id));
    }
    if let Some(number) = filter.before {
        query = query.filter(jobs::number.lt(number));
    }
    Ok(query.load(conn)?)
}

/// The newest jobs that are over, newest first.
pub fn newest_over(conn: &mut SqliteConnection, limit: i64) -> Result<Vec<JobHead>, StoreError> {
    let open = [JobStatus::Queued, JobStatus::Running];
    Ok(jobs::table
        .filter(jobs::status.ne_all(open))
        .order(jobs::number.desc())
        .limit(limit)
        .select(JobHead::as_select())
        .load(conn)?)
}

/// The newest job of a task that completed, with one configuration or any.
pub fn newest_completed(
    conn: &mut SqliteConnection,
    task_id: &str,
    config_id: Option<&str>,
) -> Result<Option<JobRow>, StoreError> {
    let mut query = jobs::table
        .filter(jobs::task_id.eq(task_id).and(jobs::status.eq(JobStatus::Completed)))
        .order((jobs::updated_at.desc(), jobs::number.desc()))
        .select(JobRow::as_select())
        .into_boxed::<Sqlite>();
    if let Some(config_id) = config_id {
        query = query.filter(jobs::config_id.eq(config_id));
    }
    Ok(query.first(conn).optional()?)
}

/// How many jobs there are in each status.
pub fn count_by_status(conn: &mut SqliteConnection) -> Result<Vec<(JobStatus, i64)>, StoreError> {
    Ok(jobs::table
        .group_by(jobs::status)
        .select((jobs::status, diesel::dsl::count_star()))
        .load(conn)?)
}

/// The ids of at most `limit` jobs that are over and have not changed since `before`.
pub fn expired(
    conn: &mut SqliteConnection,
    before: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let open = [JobStatus::Queued, JobStatus::Running];
    let old = jobs::table
        .filter(jobs::updated_at.lt(before).and(jobs::status.ne_all(open)))
        .limit(limit)
        .select(jobs::job_id);
    Ok(old.load(conn)?)
}

/// Removes jobs that are over, and the idempotency keys that stand for them, but for their numbers;
/// says how many.
pub fn delete(transaction: &mut Transaction<'_>, ids: &[String]) -> Result<usize, StoreError> {
    let open = [JobStatus::Queued, JobStatus::Running];
    let over = || jobs::table.filter(jobs::job_id.eq_any(ids).and(jobs::status.ne_all(open)));
    diesel::insert_into(swept_jobs::table)
        .values(over().select((jobs::job_id, jobs::number)))
        .into_columns((swept_jobs::job_id, swept_jobs::number))
        .execute(transaction.connection())?;
    let keys = idempotency_keys::table.filter(idempotency_keys::job_id.eq_any(ids));
    diesel::delete(keys).execute(transaction.connection())?;
    Ok(diesel::delete(over()).execute(transaction.connection())?)
}
