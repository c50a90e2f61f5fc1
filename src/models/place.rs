//! One model's place in one gate: what is known of it, and the rows that begin there.

use crate::ids::{GateId, ModelId};
use crate::store::gate_moves::{self, GateMoveRow, MoveKind, MoveState, Place};
use crate::store::{Reader, StoreError, models};

/// A place, by its names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PlaceKey {
    pub(super) registry: &'static str,
    pub(super) model_name: Box<str>,
    pub(super) gate: GateId,
}

impl PlaceKey {
    pub(super) fn new(registry: &'static str, model: &ModelId, gate: &GateId) -> Self {
        Self { registry, model_name: model.name().into(), gate: gate.clone() }
    }

    pub(super) fn as_place(&self) -> Place<'_> {
        Place { registry: self.registry, model_name: &self.model_name, gate: self.gate.as_str() }
    }
}

/// What the database says about a place.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Who holds it, as far as was seen.
    pub(super) holder: Option<String>,
    /// The move by which it came there, if it was one that is recorded.
    pub(super) top: Option<GateMoveRow>,
    /// What the canary that asks did here.
    pub(super) entry: Option<GateMoveRow>,
    /// What was done to take that back.
    pub(super) restore: Option<GateMoveRow>,
    /// The move that is not settled.
    pub(super) open: Option<GateMoveRow>,
}

impl Known {
    /// Reads it, with the moves of one canary.
    pub(super) fn read(
        conn: &mut Reader,
        key: &PlaceKey,
        canary: Option<&str>,
    ) -> Result<Self, StoreError> {
        let place = key.as_place();
        let holder = match gate_moves::last_done(conn, place)? {
            Some(last) => last.after,
            None => models::holder(conn, place.model_name, place.gate)?,
        };
        let mut of_canary = |kind| match canary {
            Some(canary) => gate_moves::of_canary(conn, canary, place, kind),
            None => Ok(None),
        };
        let entry = of_canary(MoveKind::Enter)?;
        let restore = of_canary(MoveKind::Restore)?;
        let top = gate_moves::top(conn, place)?;
        let open = gate_moves::open_at(conn, place)?;
        Ok(Self { holder, top, entry, restore, open })
    }
}

/// What a new row is made of, besides its place.
#[derive(Debug, Default)]
pub(super) struct NewMove {
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) canary_id: Option<String>,
    pub(super) undoes: Option<i64>,
    pub(super) actor: String,
    pub(super) reason: Option<String>,
    pub(super) evidence: Option<String>,
    pub(super) found: Option<String>,
    pub(super) reference: Option<String>,
}

impl NewMove {
    /// The row of a move that begins now. One that is not merely intended is settled at once.
    pub(super) fn row(
        self,
        place: Place<'_>,
        model_id: &str,
        (kind, state): (MoveKind, MoveState),
        at: &str,
    ) -> GateMoveRow {
        let at = at.to_owned();
        GateMoveRow {
            id: 0,
            key: format!("move_{}", nanoid::nanoid!()),
            registry: place.registry.to_owned(),
            model_name: place.model_name.to_owned(),
            gate: place.gate.to_owned(),
            model_id: model_id.to_owned(),
            kind,
            before: self.before,
            after: self.after,
            state,
            canary_id: self.canary_id,
            undoes: self.undoes,
            actor: self.actor,
            reason: self.reason,
            evidence: self.evidence,
            audit_hash: String::new(),
            found: self.found,
            trouble: None,
            reference: self.reference,
            settled_at: (state != MoveState::Intended).then(|| at.clone()),
            created_at: at,
        }
    }
}

/// What a registry shows of a move that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    /// It was made.
    After,
    /// It was not made, or not yet.
    Before,
    /// Neither: somebody else moved the gate.
    Other,
}

impl Shows {
    /// Compares what stands there with what a move was to change. The two ends of a move differ.
    pub(super) fn of(row: &GateMoveRow, holder: Option<&ModelId>) -> Self {
        let holder = holder.map(ModelId::as_str);
        if holder == row.after.as_deref() {
            Self::After
        } else if holder == row.before.as_deref() {
            Self::Before
        } else {
            Self::Other
        }
    }
}
