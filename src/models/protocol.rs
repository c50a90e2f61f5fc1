//! How a gate is moved, the same for every registry: read who stands there, write the intent down,
//! tell the registry, read it back, and write down what it shows.
//!
//! The caller sees to it that nothing else happens to the same place meanwhile. A move that was
//! begun and not settled, because the daemon was killed or the registry did not answer, is settled
//! before anything else is done there, by what the registry shows:
//! the new model → it was made; something else → somebody moved the gate, and it stays as it is; the
//! old model → an entry is given up, since whoever wanted it has long been told, and a restore is
//! made, since what is not good enough must not stay.

use std::fmt::Display;

use tracing::warn;

use super::ModelDeps;
use super::error::ModelError;
use super::place::{Known, PlaceKey, Shows};
use super::record;
use crate::adapters::registry::{ChangeNote, PlaceChange, RegistryError, Standing};
use crate::clock::Timestamp;
use crate::ids::{CanaryId, GateId, ModelId};
use crate::store::StoreError;
use crate::store::gate_moves::{GateMoveRow, MoveKind};

/// How often a change is tried again because the registry's state has another name by now, which
/// happens when other gates move.
const ATTEMPTS: usize = 8;

/// Whether somebody still wants an entry that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Whoever asked has long been told that it is not known.
    Once,
    /// They ask again: the same move, by the same key.
    Again,
}

/// Says that it is not known what became of a move.
pub(super) fn unsettled(row: &GateMoveRow, why: &impl Display) -> ModelError {
    match GateId::parse(&row.gate) {
        Ok(gate) => ModelError::Unsettled { gate, why: why.to_string() },
        Err(invalid) => ModelError::Refused(invalid.to_string()),
    }
}

fn model(id: Option<&str>) -> Result<Option<ModelId>, ModelError> {
    let parsed = id.map(ModelId::parse).transpose();
    parsed.map_err(|invalid| ModelError::Refused(format!("a recorded id cannot be one: {invalid}")))
}

impl ModelDeps {
    pub(super) fn place(&self, model: &ModelId, gate: &GateId) -> PlaceKey {
        PlaceKey::new(self.registry.name(), model, gate)
    }

    /// What is known of a place, after what was open there has been settled.
    pub(super) async fn known(
        &self,
        key: &PlaceKey,
        canary: Option<&CanaryId>,
    ) -> Result<Known, ModelError> {
        let (key, canary) = (key.clone(), canary.map(CanaryId::to_string));
        let read = move |conn: &mut _| Known::read(conn, &key, canary.as_deref());
        Ok(self.store.read(read).await?)
    }

    /// Settles what is open at a place, if something is.
    pub(super) async fn settle_place(&self, key: &PlaceKey) -> Result<(), ModelError> {
        match self.known(key, None).await?.open {
            Some(row) => match self.settle(row, Asked::Once).await {
                Ok(()) | Err(ModelError::Conflict { .. }) => Ok(()),
                Err(error) => Err(error),
            },
            None => Ok(()),
        }
    }

    /// Settles a move that was begun.
    ///
    /// # Errors
    /// [`ModelError::Conflict`] if somebody else moved the gate, which is then written down; else it
    /// is not settled.
    pub(super) async fn settle(&self, row: GateMoveRow, asked: Asked) -> Result<(), ModelError> {
        let read = self.read_back(&row).await?;
        match Shows::of(&row, read.holder.as_ref()) {
            Shows::After => drop(self.write_done(&row, read.version).await?),
            Shows::Other => return self.write_conflict(&row, read.holder).await,
            Shows::Before if row.kind == MoveKind::Restore || asked == Asked::Again => {
                drop(self.carry_out(row, read).await?);
            }
            Shows::Before if self.may_still_arrive(&row) => {
                return Err(unsettled(&row, &"the registry may still be at it"));
            }
            Shows::Before => self.write_abandoned(&row, None).await?,
        }
        Ok(())
    }

    /// Whether the registry may yet make a move that it was told of.
    pub(super) fn may_still_arrive(&self, row: &GateMoveRow) -> bool {
        let Ok(begun) = Timestamp::parse(&row.created_at) else { return false };
        let age = self.clock.now().since(begun);
        // With a clock that was set back nobody would ever wait long enough.
        let delay = time::Duration::try_from(self.registry.longest_delay()).unwrap_or_default();
        (time::Duration::ZERO..delay).contains(&age)
    }

    /// Tells the registry of a move that is written down, reads it back and writes down what it
    /// shows.
    pub(super) async fn carry_out(
        &self,
        row: GateMoveRow,
        mut from: Standing,
    ) -> Result<GateMoveRow, ModelError> {
        fail::fail_point!("gate-intended");
        for _ in 0..ATTEMPTS {
            let said = self.registry.change(&self.change(&row, from)?).await;
            fail::fail_point!("gate-called");
            if let Err(RegistryError::Unavailable { registry, source }) = &said {
                warn!(registry, gate = row.gate, error = format!("{source:#}"), "no answer");
            }
            let read = self.read_back(&row).await?;
            match (Shows::of(&row, read.holder.as_ref()), said) {
                // Whatever it answered: this is what stands there.
                (Shows::After, said) => {
                    let reference = said.ok().flatten().or(read.version);
                    return self.write_done(&row, reference).await;
                }
                (Shows::Other, _) => {
                    return self.write_conflict(&row, read.holder).await;
                }
                (Shows::Before, Err(RegistryError::Moved)) => from = read,
                (Shows::Before, Err(RegistryError::Refused(why))) => {
                    self.write_abandoned(&row, Some(why.clone())).await?;
                    return Err(RegistryError::Refused(why).into());
                }
                (Shows::Before, Err(unavailable)) => return Err(unsettled(&row, &unavailable)),
                (Shows::Before, Ok(_)) => {
                    let why = "the registry says that it moved it and shows that it did not";
                    return Err(unsettled(&row, &why));
                }
            }
        }
        Err(unsettled(&row, &"other gates of the registry move all the time"))
    }

    fn change(&self, row: &GateMoveRow, from: Standing) -> Result<PlaceChange, ModelError> {
        let invalid = |error: crate::ids::InvalidId| ModelError::Refused(error.to_string());
        Ok(PlaceChange {
            model: ModelId::parse(&row.model_id).map_err(invalid)?,
            gate: gate_of(row)?,
            from,
            to: model(row.after.as_deref())?,
            key: row.key.clone(),
            note: ChangeNote {
                actor: row.actor.clone(),
                canary: row
                    .canary_id
                    .as_deref()
                    .map(CanaryId::parse)
                    .transpose()
                    .map_err(invalid)?,
                reason: row.reason.clone(),
                audit_hash: row.audit_hash.clone(),
                at: self.clock.now(),
            },
        })
    }

    /// Asks the registry what stands in the place of a move that was begun.
    async fn read_back(&self, row: &GateMoveRow) -> Result<Standing, ModelError> {
        let invalid = |error: crate::ids::InvalidId| ModelError::Refused(error.to_string());
        let model = ModelId::parse(&row.model_id).map_err(invalid)?;
        let read = self.registry.standing(&model, &gate_of(row)?).await;
        read.map_err(|error| unsettled(row, &error))
    }

    async fn write_done(
        &self,
        row: &GateMoveRow,
        reference: Option<String>,
    ) -> Result<GateMoveRow, ModelError> {
        let id = row.id;
        let write = self.store.record(move |tx| record::done(tx, id, reference.clone()));
        write.await.map_err(|error| unsettled_by_store(row, error))
    }

    async fn write_abandoned(
        &self,
        row: &GateMoveRow,
        trouble: Option<String>,
    ) -> Result<(), ModelError> {
        let id = row.id;
        let write = self.store.record(move |tx| record::abandon(tx, id, trouble.clone()));
        write.await.map_err(|error| unsettled_by_store(row, error))?;
        Ok(())
    }

    /// Writes a conflict down, and answers with it.
    async fn write_conflict<T>(
        &self,
        row: &GateMoveRow,
        found: Option<ModelId>,
    ) -> Result<T, ModelError> {
        let (id, named) = (row.id, found.as_ref().map(ToString::to_string));
        let write = self.store.record(move |tx| record::conflict(tx, id, named.as_deref()));
        write.await.map_err(|error| unsettled_by_store(row, error))?;
        Err(ModelError::Conflict { gate: gate_of(row)?, found })
    }
}

fn gate_of(row: &GateMoveRow) -> Result<GateId, ModelError> {
    GateId::parse(&row.gate).map_err(|invalid| ModelError::Refused(invalid.to_string()))
}

fn unsettled_by_store(row: &GateMoveRow, error: StoreError) -> ModelError {
    if error.is_transient() { unsettled(row, &error) } else { error.into() }
}
