//! What is asked of the gates, and what came of it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ids::{CanaryId, GateId, ModelId};
use crate::models::evidence::EvidenceReport;
use crate::store::gate_moves::{GateMoveRow, MoveKind};

/// Why a model is to enter a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Somebody asked for it.
    Asked,
    /// A canary watches it there. A canary enters a gate once, however often it asks.
    Canary(CanaryId),
}

/// A model is to enter a gate.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The model. It takes the place of another version of the same name, if one stands there.
    pub model: ModelId,
    /// The gate.
    pub gate: GateId,
    /// Who asks: the name of a key, or `system`.
    pub actor: String,
    /// What for.
    pub cause: Cause,
    /// Why, in words.
    pub reason: Option<String>,
    /// The evidence that was asked for, and held.
    pub evidence: Option<EvidenceReport>,
}

/// A canary's move is to be undone.
#[derive(Debug, Clone)]
pub struct Restore {
    /// Whose move.
    pub canary: CanaryId,
    /// The model that entered.
    pub model: ModelId,
    /// The gate that it entered.
    pub gate: GateId,
    /// Who asks: the name of a key, or `system`.
    pub actor: String,
    /// Why, in words.
    pub reason: String,
}

/// The last move of a model into a gate is to be undone.
#[derive(Debug, Clone)]
pub struct Rollback {
    /// The model that is to leave.
    pub model: ModelId,
    /// The gate.
    pub gate: GateId,
    /// Who asks: the name of a key.
    pub actor: String,
    /// Why, in words.
    pub reason: String,
}

/// A move that was made and read back, or was not needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateMove {
    /// The model that entered, or that left again.
    pub model_id: String,
    /// The gate.
    pub gate: String,
    /// What stood there before; nothing where it is `None`.
    pub before: Option<String>,
    /// What stands there now.
    pub after: Option<String>,
    /// Whether the registry was changed.
    pub changed: bool,
    /// Whether the registry was read afterwards and shows it. A move is reported only then, so that
    /// this says how it is known and not whether.
    pub verified: bool,
    /// The registry.
    pub registry: String,
    /// What the registry calls the state after it: a commit, an etag.
    pub reference: Option<String>,
}

impl GateMove {
    /// A move that was recorded as done.
    pub(super) fn of(row: GateMoveRow) -> Self {
        Self {
            model_id: row.model_id,
            gate: row.gate,
            before: row.before,
            after: row.after,
            changed: row.kind != MoveKind::Observe,
            verified: true,
            registry: row.registry,
            reference: row.reference,
        }
    }
}

/// What became of a canary's wish to have its move undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// What stood there before stands there again.
    Done(GateMove),
    /// The canary moved nothing, or what stood there before its move stands there already.
    NothingToDo,
    /// Somebody else moved the gate since; it was left as it is.
    Conflict {
        /// What stands there.
        found: Option<ModelId>,
    },
}

/// Whether a canary's model stands in its gate, still by the canary's own move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmed {
    /// It does, as read from the registry just now.
    Ours {
        /// What the registry calls the state.
        reference: Option<String>,
    },
    /// Somebody else moved the gate since.
    Conflict {
        /// What stands there.
        found: Option<ModelId>,
    },
}
