//! Writing a job's changes down: the row, the event and the fact in one transaction, and the board
//! after its commit.

use std::sync::Arc;

use crate::adapters::RunProgress;
use crate::board::Board;
use crate::clock::Timestamp;
use crate::ids::{Entity, EntityKind};
use crate::jobs::machine::Change;
use crate::jobs::statistics::Statistics;
use crate::jobs::story::{self, Fact, Told};
use crate::jobs::view::JobView;
use crate::store::audits::AuditEntry;
use crate::store::jobs::{self, JobChange, JobRow, JobStatus};
use crate::store::{Numbered, StoreError, Transaction};

/// Who did what nobody asked for in particular.
const SYSTEM: &str = "system";

fn entity(row: &JobRow) -> Entity {
    Entity { kind: EntityKind::Job, id: row.job_id.as_str().into() }
}

fn audit(
    transaction: &mut Transaction<'_>,
    (row, numbered): (&JobRow, Numbered),
    actor: &str,
    fact: Fact,
) -> Result<i64, StoreError> {
    transaction.audit(AuditEntry {
        actor,
        action: fact.action,
        entity: &entity(row),
        numbered,
        payload_json: fact.details,
        message: fact.message,
    })
}

fn emit(transaction: &mut Transaction<'_>, row: &JobRow, told: &Told) -> Result<(), StoreError> {
    transaction.emit((&entity(row), Some(row.number)), told.name, &told.fields)
}

fn put_up(
    transaction: &mut Transaction<'_>,
    board: &Arc<Board<JobView>>,
    row: JobRow,
) -> Arc<JobView> {
    let view = JobView::new(row);
    let (board, shown) = (Arc::clone(board), Arc::clone(&view));
    transaction.after_commit(move || board.put(shown));
    view
}

/// What shows how jobs stand, after the commit that says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) board: &'a Arc<Board<JobView>>,
    pub(super) statistics: &'a Arc<Statistics>,
}

impl Shown<'_> {
    fn put_up(self, transaction: &mut Transaction<'_>, row: JobRow) -> Arc<JobView> {
        let (statistics, status) = (Arc::clone(self.statistics), row.status);
        transaction.after_commit(move || statistics.ended(status));
        put_up(transaction, self.board, row)
    }
}

/// Writes a new job down.
pub(super) fn accept(
    transaction: &mut Transaction<'_>,
    board: &Arc<Board<JobView>>,
    row: JobRow,
) -> Result<Arc<JobView>, StoreError> {
    let first = (&row, Numbered::First);
    let number = audit(transaction, first, &row.principal, story::accepted(&row))?;
    let row = jobs::insert(transaction, number, row)?;
    if let Some(told) = story::told(&row) {
        emit(transaction, &row, &told)?;
    }
    Ok(put_up(transaction, board, row))
}

/// Writes down that somebody wants a job ended.
pub(super) fn wish_cancelled(
    transaction: &mut Transaction<'_>,
    board: &Arc<Board<JobView>>,
    row: &JobRow,
    by: &str,
    reason: Option<&str>,
) -> Result<Arc<JobView>, StoreError> {
    let change = JobChange {
        cancel_requested_by: Some(by.to_owned()),
        cancel_reason: reason.map(str::to_owned),
        ..JobChange::default()
    };
    let row = jobs::advance(transaction, row, &change)?;
    let later = (&row, Numbered::Later(row.number));
    audit(transaction, later, by, story::cancel_wished(&row, by, reason))?;
    Ok(put_up(transaction, board, row))
}

/// Writes down what became of a job, unless it has moved on since `row` was read.
pub(super) fn change(
    transaction: &mut Transaction<'_>,
    shown: Shown<'_>,
    row: &JobRow,
    change: &Change,
) -> Result<Arc<JobView>, StoreError> {
    if let Change::Progress(progress) = change {
        return note_progress(transaction, shown.board, row, progress);
    }
    let now = transaction.now();
    let status = |status| JobChange { status: Some(status), ..JobChange::default() };
    let columns = match change {
        Change::Running(run) => JobChange {
            run_ref: Some(run.0.clone()),
            running_at: Some(transaction.stamp().to_owned()),
            ..status(JobStatus::Running)
        },
        Change::Completed(result) => JobChange {
            result_json: Some(story::result_json(row, result).to_string()),
            progress: Some(1.0),
            ..status(JobStatus::Completed)
        },
        Change::Failed(failure) => JobChange {
            error: Some(failure.message.clone()),
            failure_reason: Some(failure.reason.as_str().to_owned()),
            ..status(JobStatus::Failed)
        },
        Change::Cancelled => status(JobStatus::Cancelled),
        Change::Progress(_) => JobChange::default(),
    };
    let row = jobs::advance(transaction, row, &columns)?;
    let (actor, fact) = match change {
        Change::Running(_) => {
            (SYSTEM, story::running(&row, seconds_since(&row.started_at, now).unwrap_or(0.0)))
        }
        Change::Completed(result) => {
            let ran = row.running_at.as_deref().and_then(|began| seconds_since(began, now));
            (SYSTEM, story::completed(&row, result, ran))
        }
        Change::Failed(failure) => (SYSTEM, story::failed(&row, failure)),
        Change::Cancelled => {
            (row.cancel_requested_by.as_deref().unwrap_or(SYSTEM), story::cancelled(&row))
        }
        Change::Progress(_) => return Ok(put_up(transaction, shown.board, row)),
    };
    audit(transaction, (&row, Numbered::Later(row.number)), actor, fact)?;
    if let Some(told) = story::told(&row) {
        emit(transaction, &row, &told)?;
    }
    Ok(shown.put_up(transaction, row))
}

/// Writes down that a job's actor could not be kept alive.
pub(super) fn give_up(
    transaction: &mut Transaction<'_>,
    shown: Shown<'_>,
    row: &JobRow,
    failure: &str,
) -> Result<(), StoreError> {
    let columns = JobChange {
        status: Some(JobStatus::Failed),
        error: Some(story::GIVEN_UP.to_owned()),
        failure_reason: Some(story::CRASH_LOOP.to_owned()),
        ..JobChange::default()
    };
    let row = jobs::advance(transaction, row, &columns)?;
    let later = (&row, Numbered::Later(row.number));
    audit(transaction, later, SYSTEM, story::given_up(&row, failure))?;
    if let Some(told) = story::told(&row) {
        emit(transaction, &row, &told)?;
    }
    shown.put_up(transaction, row);
    Ok(())
}

/// Progress is told and shown, and is no fact for the audit chain.
fn note_progress(
    transaction: &mut Transaction<'_>,
    board: &Arc<Board<JobView>>,
    row: &JobRow,
    progress: &RunProgress,
) -> Result<Arc<JobView>, StoreError> {
    let columns = JobChange {
        progress: progress.fraction,
        progress_text: progress.text.clone(),
        ..JobChange::default()
    };
    let row = jobs::advance(transaction, row, &columns)?;
    emit(transaction, &row, &story::progressed(&row, progress))?;
    Ok(put_up(transaction, board, row))
}

fn seconds_since(began: &str, now: Timestamp) -> Option<f64> {
    let began = Timestamp::parse(began).ok()?;
    Some(now.since(began).as_seconds_f64().max(0.0))
}
