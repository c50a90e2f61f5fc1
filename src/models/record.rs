//! Writing moves down: the row, what is known of the gate, the events and the facts, in one
//! transaction each.

use crate::adapters::registry::PlaceChange;
use crate::ids::{Entity, EntityKind};
use crate::models::evidence::EvidenceReport;
use crate::models::place::NewMove;
use crate::models::story::{self, Fact};
use crate::store::audits::AuditEntry;
use crate::store::gate_moves::{self, GateMoveRow, MoveKind, MoveState, Settlement};
use crate::store::{Numbered, StoreError, Transaction, models};

/// Who did what nobody asked for in particular.
pub(super) const SYSTEM: &str = "system";

fn entity(model_id: &str) -> Entity {
    Entity { kind: EntityKind::Model, id: model_id.into() }
}

fn audit(
    transaction: &mut Transaction<'_>,
    (actor, model_id): (&str, &str),
    fact: Fact,
) -> Result<(), StoreError> {
    transaction.audit(AuditEntry {
        actor,
        action: fact.action,
        entity: &entity(model_id),
        numbered: Numbered::Never,
        payload_json: fact.details,
        message: fact.message,
    })?;
    Ok(())
}

fn emit(transaction: &mut Transaction<'_>, row: &GateMoveRow) -> Result<(), StoreError> {
    let (name, fields) = story::told(row);
    transaction.emit((&entity(&row.model_id), None), name, &fields)
}

/// The other models that a move is about: who left for it, or came back.
fn others(row: &GateMoveRow) -> impl Iterator<Item = &str> {
    let both = [row.before.as_deref(), row.after.as_deref()].into_iter().flatten();
    both.filter(|model| *model != row.model_id)
}

/// Writes an intent down, before the registry is told.
pub(super) fn intend(
    transaction: &mut Transaction<'_>,
    new: &GateMoveRow,
) -> Result<GateMoveRow, StoreError> {
    let mut row = gate_moves::insert(transaction, new)?;
    audit(transaction, (&row.actor, &row.model_id), story::intended(&row))?;
    // The registry is told this hash, so that what it keeps leads back into the chain.
    row.audit_hash = transaction.chain_head()?.hash;
    gate_moves::keep_hash(transaction, &row)?;
    Ok(row)
}

/// Writes down that the local registry makes a move, in the transaction that makes it.
pub(super) fn set(
    transaction: &mut Transaction<'_>,
    change: &PlaceChange,
) -> Result<(), StoreError> {
    let about = change.to.as_ref().unwrap_or(&change.model);
    audit(transaction, (&change.note.actor, about.as_str()), story::set(change))
}

/// Writes down that a move was made and read back.
pub(super) fn done(
    transaction: &mut Transaction<'_>,
    id: i64,
    reference: Option<String>,
) -> Result<GateMoveRow, StoreError> {
    let settlement =
        Settlement { state: Some(MoveState::Done), reference, ..Settlement::default() };
    let row = gate_moves::settle(transaction, id, &settlement)?;
    models::place(transaction, &row.model_name, &row.gate, row.after.as_deref())?;
    if row.canary_id.is_none() {
        let asked_for = match row.kind {
            MoveKind::Restore => story::rolled_back(&row),
            MoveKind::Enter | MoveKind::Observe => story::promoted(&row),
        };
        audit(transaction, (&row.actor, &row.model_id), asked_for)?;
    }
    audit(transaction, (&row.actor, &row.model_id), story::changed(&row))?;
    for other in others(&row) {
        audit(transaction, (&row.actor, other), story::changed(&row))?;
    }
    emit(transaction, &row)?;
    Ok(row)
}

/// Writes down that a move was not made and never will be.
pub(super) fn abandon(
    transaction: &mut Transaction<'_>,
    id: i64,
    trouble: Option<String>,
) -> Result<GateMoveRow, StoreError> {
    let settlement =
        Settlement { state: Some(MoveState::Abandoned), trouble, ..Settlement::default() };
    let row = gate_moves::settle(transaction, id, &settlement)?;
    audit(transaction, (SYSTEM, &row.model_id), story::abandoned(&row))?;
    Ok(row)
}

/// Writes down that somebody else moved the gate while a move was under way.
pub(super) fn conflict(
    transaction: &mut Transaction<'_>,
    id: i64,
    found: Option<&str>,
) -> Result<GateMoveRow, StoreError> {
    let settlement = Settlement {
        state: Some(MoveState::Conflict),
        found: found.map(str::to_owned),
        ..Settlement::default()
    };
    let row = gate_moves::settle(transaction, id, &settlement)?;
    tell_conflict(transaction, &row)?;
    let Some(about) = found.or(row.before.as_deref()) else { return Ok(row) };
    let seen = NewMove {
        before: row.before.clone(),
        after: found.map(str::to_owned),
        actor: SYSTEM.to_owned(),
        ..NewMove::default()
    };
    let state = (MoveKind::Observe, MoveState::Done);
    observe(transaction, &seen.row(row.place(), about, state, transaction.stamp()))?;
    Ok(row)
}

/// Writes down that a canary's move is not undone, because somebody else moved the gate since.
/// What is known already is not told again.
pub(super) fn refuse_restore(
    transaction: &mut Transaction<'_>,
    new: &GateMoveRow,
) -> Result<(), StoreError> {
    if gate_moves::insert_conflict_once(transaction, new)? {
        tell_conflict(transaction, new)?;
    }
    Ok(())
}

fn tell_conflict(transaction: &mut Transaction<'_>, row: &GateMoveRow) -> Result<(), StoreError> {
    audit(transaction, (SYSTEM, &row.model_id), story::conflicted(row))?;
    emit(transaction, row)
}

/// Writes down what somebody else did to a gate. `new` says what was known and what was found.
pub(super) fn observe(
    transaction: &mut Transaction<'_>,
    new: &GateMoveRow,
) -> Result<(), StoreError> {
    let row = gate_moves::insert(transaction, new)?;
    models::place(transaction, &row.model_name, &row.gate, row.after.as_deref())?;
    audit(transaction, (SYSTEM, &row.model_id), story::observed(&row))?;
    for other in others(&row) {
        audit(transaction, (SYSTEM, other), story::observed(&row))?;
    }
    emit(transaction, &row)
}

/// Writes down that a promotion was refused for want of evidence.
pub(super) fn refuse(
    transaction: &mut Transaction<'_>,
    (actor, model_id, gate): (&str, &str, &str),
    report: &EvidenceReport,
) -> Result<(), StoreError> {
    audit(transaction, (actor, model_id), story::refused(actor, model_id, gate, report))
}
