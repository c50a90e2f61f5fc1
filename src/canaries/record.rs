//! Writing a canary's changes down: row, measurement, decision, event and fact in one transaction,
//! and the board after its commit.

use std::sync::Arc;

use serde_json::Value;

use crate::board::Board;
use crate::canaries::decision::{self, Decided};
use crate::canaries::machine::Command;
use crate::canaries::rule::Evidence;
use crate::canaries::sample::{self, StoredSample};
use crate::canaries::standing::Standings;
use crate::canaries::statistics::Statistics;
use crate::canaries::story::{self, Fact};
use crate::canaries::view::CanaryView;
use crate::ids::Entity;
use crate::store::audits::AuditEntry;
use crate::store::canaries::{self, CanaryChange, CanaryStatus, NewMetric, Phase};
use crate::store::decisions;
use crate::store::{Numbered, StoreError, Transaction};

/// Who did what nobody asked for in particular.
pub(super) const SYSTEM: &str = "system";

type Recorded = Result<Arc<CanaryView>, StoreError>;

/// A board, and the view whose row a change was decided on.
pub(super) struct Ground<'a> {
    pub(super) board: &'a Arc<Board<CanaryView>>,
    pub(super) statistics: &'a Arc<Statistics>,
    pub(super) view: &'a CanaryView,
}

fn audit(
    transaction: &mut Transaction<'_>,
    (view, numbered): (&CanaryView, Numbered),
    actor: &str,
    fact: Fact,
) -> Result<i64, StoreError> {
    transaction.audit(AuditEntry {
        actor,
        action: fact.action,
        entity: &Entity::canary(&view.canary_id()),
        numbered,
        payload_json: fact.details.to_string(),
        message: fact.message,
    })
}

fn emit(
    transaction: &mut Transaction<'_>,
    view: &CanaryView,
    (name, fields): (&'static str, Value),
) -> Result<(), StoreError> {
    let entity = Entity::canary(&view.canary_id());
    transaction.emit((&entity, Some(view.row.number)), name, &fields)
}

fn put_up(
    transaction: &mut Transaction<'_>,
    board: &Arc<Board<CanaryView>>,
    view: CanaryView,
) -> Arc<CanaryView> {
    let view = Arc::new(view);
    let (board, shown) = (Arc::clone(board), Arc::clone(&view));
    transaction.after_commit(move || board.put(shown));
    view
}

/// Writes a new canary down.
pub(super) fn accept(
    transaction: &mut Transaction<'_>,
    board: &Arc<Board<CanaryView>>,
    view: &CanaryView,
    feasibility: &Value,
) -> Recorded {
    let fact = story::accepted(view, feasibility);
    let number = audit(transaction, (view, Numbered::First), &view.row.principal, fact)?;
    let row = canaries::insert(transaction, number, view.row.clone())?;
    let view = view.after(row);
    emit(transaction, &view, story::started(&view))?;
    Ok(put_up(transaction, board, view))
}

/// Writes down where the counters stand when the window's clock begins to run, or runs on.
pub(super) fn based(
    transaction: &mut Transaction<'_>,
    ground: &Ground<'_>,
    counters_json: &str,
) -> Recorded {
    let change = CanaryChange {
        counters_json: Some(Some(counters_json.to_owned())),
        seen_at: Some(transaction.stamp().to_owned()),
        ..CanaryChange::default()
    };
    let row = canaries::advance(transaction, &ground.view.row, &change)?;
    Ok(put_up(transaction, ground.board, ground.view.after(row)))
}

/// Writes down that the model stands in the gate.
pub(super) fn entered(
    transaction: &mut Transaction<'_>,
    ground: &Ground<'_>,
    moved: Option<&Value>,
) -> Recorded {
    let change = CanaryChange {
        phase: Some(Phase::Observing),
        seen_at: Some(transaction.stamp().to_owned()),
        ..CanaryChange::default()
    };
    let view = ground.view.after(canaries::advance(transaction, &ground.view.row, &change)?);
    let later = (&view, Numbered::Later(view.row.number));
    audit(transaction, later, SYSTEM, story::entered(&view, moved))?;
    emit(transaction, &view, story::updated(&view))?;
    Ok(put_up(transaction, ground.board, view))
}

/// A look at the metrics, and what follows from it.
#[derive(Clone)]
pub(super) struct Looked {
    /// The window's clock, in milliseconds.
    pub(super) elapsed_ms: i64,
    /// What was measured; nothing when the time since the last look went by unobserved.
    pub(super) measured: Option<Measured>,
    /// The decision that follows, if one does.
    pub(super) decided: Option<Decided>,
}

/// What was measured.
#[derive(Clone)]
pub(super) struct Measured {
    pub(super) sample: Arc<StoredSample>,
    /// The sample as it is stored.
    pub(super) raw: String,
    pub(super) counters_json: String,
    pub(super) evidence: Evidence,
    /// What that amounts to, for who follows it.
    pub(super) standings: Standings,
}

/// Writes down a look.
pub(super) fn looked(
    transaction: &mut Transaction<'_>,
    ground: &Ground<'_>,
    looked: &Looked,
) -> Recorded {
    let row = &ground.view.row;
    let mut change = CanaryChange {
        elapsed_ms: Some(looked.elapsed_ms),
        seen_at: Some(transaction.stamp().to_owned()),
        ..CanaryChange::default()
    };
    let mut view = ground.view.after(row.clone());
    if let Some(measured) = &looked.measured {
        insert_sample(transaction, ground, measured)?;
        change.polls = Some(measured.sample.poll);
        change.counters_json = Some(Some(measured.counters_json.clone()));
        change.sample_hash = Some(sample::chain(&row.sample_hash, &measured.raw));
        view.evidence = Some(measured.evidence.clone());
        view.newest = Some(Arc::clone(&measured.sample));
    }
    // The decision speaks of the canary as the look found it.
    view.row.elapsed_ms = looked.elapsed_ms;
    view.row.polls = change.polls.unwrap_or(row.polls);
    view.row.sample_hash = change.sample_hash.clone().unwrap_or_else(|| row.sample_hash.clone());
    if let Some(measured) = &looked.measured {
        emit(transaction, &view, story::metric(&view, measured))?;
    }
    finish(transaction, ground, &view, change, looked.decided.as_ref())
}

fn insert_sample(
    transaction: &mut Transaction<'_>,
    ground: &Ground<'_>,
    measured: &Measured,
) -> Result<(), StoreError> {
    let row = &ground.view.row;
    let metric = NewMetric {
        canary_id: row.canary_id.clone(),
        created_at: transaction.stamp().to_owned(),
        latency_p95_ms: measured.sample.shown_latency_ms(),
        error_rate: measured.sample.shown_error_rate(),
        gate: ground.view.watched_gate().to_string(),
        source: row.source.clone(),
        raw_data: Some(measured.raw.clone()),
    };
    canaries::insert_metric(transaction, &metric)
}

/// Writes down that somebody changed a canary.
pub(super) fn commanded(
    transaction: &mut Transaction<'_>,
    ground: &Ground<'_>,
    (command, to): (Command, Phase),
    (by, said): (&str, Option<&str>),
) -> Recorded {
    let view = ground.view.after(ground.view.row.clone());
    let decided = Decided::by_command(command, &view, by, said);
    if decided.is_some() {
        return finish(transaction, ground, &view, CanaryChange::default(), decided.as_ref());
    }
    let status = match (to, view.row.dry_run) {
        (Phase::Paused, _) => Some(CanaryStatus::Paused),
        (_, false) => Some(CanaryStatus::Running),
        (_, true) => None,
    };
    let change = CanaryChange {
        phase: Some(to),
        status,
        // What was counted while nobody looked is not counted.
        counters_json: (command == Command::Resume).then_some(None),
        ..CanaryChange::default()
    };
    let view = view.after(canaries::advance(transaction, &ground.view.row, &change)?);
    let later = (&view, Numbered::Later(view.row.number));
    audit(transaction, later, by, story::commanded(&view, command, by, said))?;
    emit(transaction, &view, story::updated(&view))?;
    Ok(put_up(transaction, ground.board, view))
}

/// Writes down what keeps a canary from going on.
pub(super) fn troubled(
    transaction: &mut Transaction<'_>,
    ground: &Ground<'_>,
    trouble: &str,
) -> Recorded {
    let change =
        CanaryChange { trouble: Some(Some(trouble.to_owned())), ..CanaryChange::default() };
    let view = ground.view.after(canaries::advance(transaction, &ground.view.row, &change)?);
    emit(transaction, &view, story::updated(&view))?;
    Ok(put_up(transaction, ground.board, view))
}

/// Writes down that something decided on a canary outside of a look.
pub(super) fn decided(
    transaction: &mut Transaction<'_>,
    ground: &Ground<'_>,
    decided: &Decided,
) -> Recorded {
    let view = ground.view.after(ground.view.row.clone());
    finish(transaction, ground, &view, CanaryChange::default(), Some(decided))
}

/// Makes the change, with the decision that goes with it.
fn finish(
    transaction: &mut Transaction<'_>,
    ground: &Ground<'_>,
    view: &CanaryView,
    mut change: CanaryChange,
    decided: Option<&Decided>,
) -> Recorded {
    let Some(decided) = decided else {
        let row = canaries::advance(transaction, &ground.view.row, &change)?;
        return Ok(put_up(transaction, ground.board, view.after(row)));
    };
    let record = decision::record(view, decided, transaction.stamp());
    decisions::insert(transaction, &record)?;
    change.phase = Some(decided.phase(view.row.dry_run));
    change.status = decided.status(view.row.dry_run);
    change.reason = Some(decided.reason.clone());
    change.decision_id = Some(record.decision_id.clone());
    change.decided_at = Some(transaction.stamp().to_owned());
    change.trouble = Some(None);
    let view = view.after(canaries::advance(transaction, &ground.view.row, &change)?);
    let later = (&view, Numbered::Later(view.row.number));
    audit(transaction, later, &decided.by, story::decided(&view, decided, &record))?;
    let is_aborted_dry_run = view.row.status == CanaryStatus::RolledBack;
    let told = if is_aborted_dry_run { story::over(&view) } else { story::updated(&view) };
    emit(transaction, &view, told)?;
    let (statistics, elapsed) = (Arc::clone(ground.statistics), view.elapsed());
    let (verdict, reason) = (decided.verdict, decided.reason.clone());
    transaction.after_commit(move || statistics.decided(verdict, reason, elapsed));
    Ok(put_up(transaction, ground.board, view))
}

/// How a canary ended.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    pub(super) status: CanaryStatus,
    /// What was done in the registry, for the record.
    pub(super) gate: Value,
}

/// Writes down that a canary is over.
pub(super) fn ended(
    transaction: &mut Transaction<'_>,
    ground: &Ground<'_>,
    ending: &Ending,
) -> Recorded {
    let change = CanaryChange {
        status: Some(ending.status),
        phase: Some(Phase::Over),
        trouble: Some(None),
        ..CanaryChange::default()
    };
    let view = ground.view.after(canaries::advance(transaction, &ground.view.row, &change)?);
    let later = (&view, Numbered::Later(view.row.number));
    audit(transaction, later, SYSTEM, story::ended(&view, ending))?;
    emit(transaction, &view, story::over(&view))?;
    if ending.status == CanaryStatus::Promoted {
        let (name, fields) = story::model_promoted(&view, ending);
        transaction.emit((&Entity::model(&view.model()), None), name, &fields)?;
    }
    Ok(put_up(transaction, ground.board, view))
}
