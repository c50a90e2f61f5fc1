//! What stood in a gate, and when.

use super::Models;
use super::error::ModelError;
use crate::clock::Timestamp;
use crate::ids::{GateId, ModelId};
use crate::store::gate_moves::{self, GateMoveRow, HistoryFilter};

/// Which part of the history is wanted.
#[derive(Debug, Clone, Default)]
pub struct HistoryQuery {
    /// Only moves that this model took part in.
    pub model: Option<ModelId>,
    /// Only moves of this gate.
    pub gate: Option<GateId>,
    /// Only moves before this one: the last of the page before.
    pub before: Option<i64>,
}

/// What stood in a gate at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoodThere {
    /// The model, with its version.
    pub model_id: String,
    /// The move by which it came there.
    pub by: GateMoveRow,
}

impl Models {
    /// The moves that were asked for, made or seen, newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn history(
        &self,
        query: &HistoryQuery,
        limit: u16,
    ) -> Result<Vec<GateMoveRow>, ModelError> {
        let filter = HistoryFilter {
            registry: self.registry().to_owned(),
            model_id: query.model.as_ref().map(ToString::to_string),
            gate: query.gate.as_ref().map(ToString::to_string),
            before: query.before,
        };
        let read = move |conn: &mut _| gate_moves::history(conn, &filter, limit.into());
        Ok(self.deps.store.read(read).await?)
    }

    /// Which models stood in a gate at a moment, by the moves that were settled until then: one a
    /// name, oldest entry first. Of what others moved, the moment at which it was seen counts.
    ///
    /// # Errors
    /// The store's.
    pub async fn stood_at(
        &self,
        gate: &GateId,
        at: Timestamp,
    ) -> Result<Vec<StoodThere>, ModelError> {
        let (registry, gate, at) = (self.registry(), gate.to_string(), at.to_string());
        let read = move |conn: &mut _| gate_moves::last_by(conn, registry, &gate, &at);
        let rows = self.deps.store.read(read).await?;
        let stood = |by: GateMoveRow| Some(StoodThere { model_id: by.after.clone()?, by });
        Ok(rows.into_iter().filter_map(stood).collect())
    }
}
