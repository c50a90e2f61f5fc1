//! The moves that can be asked for: what each needs to find, and what it then does.

use super::ModelDeps;
use super::error::ModelError;
use super::gate_move::{Cause, Confirmed, Entry, GateMove, Restore, Restored, Rollback};
use super::place::{Known, NewMove, PlaceKey};
use super::protocol::Asked;
use super::record::{self, SYSTEM};
use crate::adapters::registry::Standing;
use crate::ids::{CanaryId, GateId, ModelId};
use crate::store::gate_moves::{GateMoveRow, MoveKind, MoveState};

fn text(model: Option<&ModelId>) -> Option<String> {
    model.map(ModelId::to_string)
}

impl ModelDeps {
    /// Has a model enter a gate.
    pub(super) async fn enter(&self, entry: Entry) -> Result<GateMove, ModelError> {
        self.registry.check(&entry.model, &entry.gate)?;
        let key = self.place(&entry.model, &entry.gate);
        let canary = match &entry.cause {
            Cause::Canary(canary) => Some(canary),
            Cause::Asked => None,
        };
        match self.known(&key, canary).await?.entry {
            Some(open) if open.state == MoveState::Intended => {
                self.settle(open, Asked::Again).await?;
            }
            _ => self.settle_place(&key).await?,
        }
        let known = self.known(&key, canary).await?;
        if let Some(canary) = canary.filter(|_| known.restore.is_some()) {
            let model = &entry.model;
            return Err(ModelError::Refused(format!(
                "the move of {model} for {canary} was taken back, and is not made again"
            )));
        }
        if let Some(done) = known.entry {
            return Ok(GateMove::of(done));
        }
        let standing = self.registry.standing(&entry.model, &entry.gate).await?;
        self.note_foreign_move(&key, &known, &standing).await?;
        if standing.holder.as_ref() == Some(&entry.model) {
            return Ok(unchanged(&key, &entry.model, standing));
        }
        let new = NewMove {
            before: text(standing.holder.as_ref()),
            after: Some(entry.model.to_string()),
            canary_id: canary.map(ToString::to_string),
            actor: entry.actor,
            reason: entry.reason,
            evidence: entry.evidence.and_then(|report| serde_json::to_string(&report).ok()),
            ..NewMove::default()
        };
        let row = self.intend(new, &key, &entry.model, MoveKind::Enter).await?;
        Ok(GateMove::of(self.carry_out(row, standing).await?))
    }

    /// Takes a canary's move back, unless somebody else moved the gate since.
    pub(super) async fn restore(&self, wish: Restore) -> Result<Restored, ModelError> {
        let key = self.place(&wish.model, &wish.gate);
        self.settle_place(&key).await?;
        let known = self.known(&key, Some(&wish.canary)).await?;
        if let Some(done) = known.restore {
            return Ok(Restored::Done(GateMove::of(done)));
        }
        let Some(entry) = known.entry.clone() else { return Ok(Restored::NothingToDo) };
        let standing = self.registry.standing(&wish.model, &wish.gate).await?;
        let foreign = self.note_foreign_move(&key, &known, &standing).await?;
        let holder = text(standing.holder.as_ref());
        if holder == entry.before {
            return Ok(Restored::NothingToDo);
        }
        let is_ours = !foreign && known.top.as_ref().is_some_and(|top| top.id == entry.id);
        let mut new = NewMove {
            before: entry.after.clone(),
            after: entry.before.clone(),
            canary_id: Some(wish.canary.to_string()),
            undoes: Some(entry.id),
            actor: wish.actor,
            reason: Some(wish.reason),
            ..NewMove::default()
        };
        if !is_ours || holder != entry.after {
            new.found = holder;
            let state = (MoveKind::Restore, MoveState::Conflict);
            let row = new.row(key.as_place(), wish.model.as_str(), state, &self.stamp());
            self.store.record(move |tx| record::refuse_restore(tx, &row)).await?;
            return Ok(Restored::Conflict { found: standing.holder });
        }
        let row = self.intend(new, &key, &wish.model, MoveKind::Restore).await?;
        match self.carry_out(row, standing).await {
            Ok(row) => Ok(Restored::Done(GateMove::of(row))),
            Err(ModelError::Conflict { found, .. }) => Ok(Restored::Conflict { found }),
            Err(error) => Err(error),
        }
    }

    /// Takes the last move into a gate back, if it was the model's and nobody moved the gate since.
    pub(super) async fn roll_back(&self, wish: Rollback) -> Result<GateMove, ModelError> {
        let Rollback { model, gate, actor, reason } = wish;
        self.registry.check(&model, &gate)?;
        let key = self.place(&model, &gate);
        self.settle_place(&key).await?;
        let known = self.known(&key, None).await?;
        let standing = self.registry.standing(&model, &gate).await?;
        self.note_foreign_move(&key, &known, &standing).await?;
        if standing.holder.as_ref() != Some(&model) {
            let found = standing.to_string();
            return Err(ModelError::Refused(format!(
                "{model} does not stand in gate {gate}: {found} does"
            )));
        }
        let is_its_entry = |top: &GateMoveRow| {
            top.kind == MoveKind::Enter && top.after.as_deref() == Some(model.as_str())
        };
        let Some(entry) = known.top.filter(is_its_entry) else {
            return Err(ModelError::Refused(format!(
                "{model} did not come into gate {gate} by this daemon, so that nothing is known \
                 that could be put back; promote what is to stand there"
            )));
        };
        let new = NewMove {
            before: entry.after,
            after: entry.before,
            undoes: Some(entry.id),
            actor,
            reason: Some(reason),
            ..NewMove::default()
        };
        let row = self.intend(new, &key, &model, MoveKind::Restore).await?;
        Ok(GateMove::of(self.carry_out(row, standing).await?))
    }

    /// Says whether a canary's model stands in its gate, still by the canary's own move.
    pub(super) async fn confirm(
        &self,
        canary: &CanaryId,
        model: &ModelId,
        gate: &GateId,
    ) -> Result<Confirmed, ModelError> {
        let key = self.place(model, gate);
        self.settle_place(&key).await?;
        let known = self.known(&key, Some(canary)).await?;
        let standing = self.registry.standing(model, gate).await?;
        let foreign = self.note_foreign_move(&key, &known, &standing).await?;
        // A canary that found its model there already has no move of its own.
        let by_its_move = match (&known.entry, &known.top) {
            (Some(entry), Some(top)) => top.id == entry.id,
            (Some(_), None) => false,
            (None, _) => true,
        };
        let is_there = standing.holder.as_ref() == Some(model);
        Ok(if is_there && by_its_move && !foreign {
            Confirmed::Ours { reference: standing.version }
        } else {
            Confirmed::Conflict { found: standing.holder }
        })
    }

    fn stamp(&self) -> String {
        self.clock.now().to_string()
    }

    async fn intend(
        &self,
        new: NewMove,
        key: &PlaceKey,
        model: &ModelId,
        kind: MoveKind,
    ) -> Result<GateMoveRow, ModelError> {
        let state = (kind, MoveState::Intended);
        let row = new.row(key.as_place(), model.as_str(), state, &self.stamp());
        Ok(self.store.record(move |tx| record::intend(tx, &row)).await?)
    }

    /// Writes down what somebody else did to a place since it was last looked at; says whether
    /// somebody did.
    async fn note_foreign_move(
        &self,
        key: &PlaceKey,
        known: &Known,
        standing: &Standing,
    ) -> Result<bool, ModelError> {
        let holder = text(standing.holder.as_ref());
        let (Some(about), true) =
            (holder.as_ref().or(known.holder.as_ref()), holder != known.holder)
        else {
            return Ok(false);
        };
        let new = NewMove {
            before: known.holder.clone(),
            after: holder.clone(),
            actor: SYSTEM.to_owned(),
            reference: standing.version.clone(),
            ..NewMove::default()
        };
        let state = (MoveKind::Observe, MoveState::Done);
        let row = new.row(key.as_place(), about, state, &self.stamp());
        self.store.record(move |tx| record::observe(tx, &row)).await?;
        Ok(true)
    }
}

fn unchanged(key: &PlaceKey, model: &ModelId, standing: Standing) -> GateMove {
    GateMove {
        model_id: model.to_string(),
        gate: key.gate.to_string(),
        before: Some(model.to_string()),
        after: Some(model.to_string()),
        changed: false,
        verified: true,
        registry: key.registry.to_owned(),
        reference: standing.version,
    }
}
