//! Models and the gates they stand in.
//!
//! [`Models`] is the door. Whoever wants a gate moved asks here, a person by a tool or a canary; the
//! registry behind it keeps the gates.
//!
//! # Invariants
//!
//! 1. A move is written down before the registry is told of it, and is settled by what the registry
//!    then shows, however often the daemon is killed in between.
//! 2. One move at a time for each model name and gate.
//! 3. What somebody else put into a gate is never replaced by taking a move back.
//! 4. An answer that a gate was moved means that the registry was read and showed it.

mod error;
mod evidence;
mod gate_move;
mod history;
mod keeper;
mod local;
mod moves;
mod place;
mod protocol;
mod record;
mod story;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use actix::prelude::*;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

pub use self::error::ModelError;
pub use self::evidence::{
    EvidenceItem, EvidenceReport, EvidenceRule, InvalidRule, Verdict, check as check_rules,
};
pub use self::gate_move::{Cause, Confirmed, Entry, GateMove, Restore, Restored, Rollback};
pub use self::history::{HistoryQuery, StoodThere};
use self::keeper::{Do, GateKeeper, Left};
pub use self::local::LocalRegistry;
use crate::adapters::outbound::ServerState;
use crate::adapters::registry::ModelRegistry;
use crate::clock::{Clock, Timestamp};
use crate::ids::{CanaryId, GateId, ModelId};
use crate::store::beginning::{self, Beginning};
use crate::store::models::{self, ModelWithGates};
use crate::store::{Store, StoreError, jobs};
use crate::supervision::{Ended, Supervision, deliver};

/// How many moves that clients asked for may wait at once.
const PLACES: usize = 256;

/// What moves need from the rest of the daemon.
struct ModelDeps {
    store: Store,
    registry: Arc<dyn ModelRegistry>,
    clock: Arc<dyn Clock>,
}

/// What [`Models::start`] is told.
pub struct ModelSettings {
    /// The truth about what was asked and done.
    pub store: Store,
    /// Who keeps the gates.
    pub registry: Arc<dyn ModelRegistry>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who keeps the actor alive.
    pub supervision: Supervision,
    /// The thread on which it lives.
    pub arbiter: ArbiterHandle,
    /// Called when it cannot be kept alive.
    pub on_end: Box<dyn FnOnce(Ended) + Send>,
}

/// What a promotion would change, were it asked for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// What stands there.
    pub before: Option<ModelId>,
    /// Whether the gate would be moved.
    pub changed: bool,
    /// The registry.
    pub registry: &'static str,
}

/// The door to models and gates; cheap to clone.
#[derive(Clone)]
pub struct Models {
    deps: Arc<ModelDeps>,
    keeper: Addr<GateKeeper>,
    places: Arc<Semaphore>,
}

impl Models {
    /// Opens the door, and has what an earlier run of the daemon left open settled.
    pub fn start(settings: ModelSettings) -> Self {
        let ModelSettings { store, registry, clock, supervision, arbiter, on_end } = settings;
        let deps = Arc::new(ModelDeps { store, registry, clock });
        let keeper = GateKeeper::new(Arc::clone(&deps));
        let keeper = supervision.start_on(&arbiter, "gates", keeper, on_end);
        Self { deps, keeper, places: Arc::new(Semaphore::new(PLACES)) }
    }

    /// The registry's name.
    pub fn registry(&self) -> &'static str {
        self.deps.registry.name()
    }

    /// How the registry's server has been of late, where it is one.
    pub fn registry_server(&self) -> Option<ServerState> {
        self.deps.registry.server()
    }

    /// Says whether the registry can have such a model in such a gate, by their names alone.
    ///
    /// # Errors
    /// The registry refuses the names.
    pub fn check(&self, model: &ModelId, gate: &GateId) -> Result<(), ModelError> {
        Ok(self.deps.registry.check(model, gate)?)
    }

    /// Which version of a model's name stands in a gate, as the registry says just now.
    ///
    /// # Errors
    /// The registry refuses the names or cannot be asked.
    pub async fn holder(
        &self,
        model: &ModelId,
        gate: &GateId,
    ) -> Result<Option<ModelId>, ModelError> {
        self.deps.registry.check(model, gate)?;
        Ok(self.deps.registry.standing(model, gate).await?.holder)
    }

    /// What a promotion would change; changes nothing.
    ///
    /// # Errors
    /// As [`Models::holder`].
    pub async fn preview(&self, model: &ModelId, gate: &GateId) -> Result<Preview, ModelError> {
        let before = self.holder(model, gate).await?;
        let changed = before.as_ref() != Some(model);
        Ok(Preview { before, changed, registry: self.registry() })
    }

    /// Has a model enter a gate, for a client.
    ///
    /// # Errors
    /// [`ModelError::Overloaded`] at once when too many moves wait; else as [`Models::enter`].
    pub async fn promote(&self, entry: Entry) -> Result<GateMove, ModelError> {
        let place = self.admit()?;
        let (model, gate) = (entry.model.clone(), entry.gate.clone());
        self.queue(&model, &gate, Some(place), async move |deps| deps.enter(entry).await).await
    }

    /// Has a model enter a gate. Asking again for the same canary is the same move.
    ///
    /// # Errors
    /// [`ModelError::Unsettled`] when it is not known whether the registry moved it; that is settled
    /// in the background, and [`Models::restore`] sees to it as well. After every other error
    /// nothing was moved.
    pub async fn enter(&self, entry: Entry) -> Result<GateMove, ModelError> {
        let (model, gate) = (entry.model.clone(), entry.gate.clone());
        self.queue(&model, &gate, None, async move |deps| deps.enter(entry).await).await
    }

    /// Takes a canary's move back, unless somebody else moved the gate since. Asking again is
    /// harmless.
    ///
    /// # Errors
    /// [`ModelError::Unsettled`] while the registry cannot be asked: a restore that was begun is
    /// carried on in the background, one that could not be begun has to be asked for again.
    pub async fn restore(&self, wish: Restore) -> Result<Restored, ModelError> {
        let (model, gate) = (wish.model.clone(), wish.gate.clone());
        self.queue(&model, &gate, None, async move |deps| deps.restore(wish).await).await
    }

    /// Takes the last move of a model into a gate back, for a client.
    ///
    /// # Errors
    /// [`ModelError::Refused`] if the model does not stand there by the last move; else as
    /// [`Models::promote`].
    pub async fn roll_back(&self, wish: Rollback) -> Result<GateMove, ModelError> {
        let place = self.admit()?;
        let (model, gate) = (wish.model.clone(), wish.gate.clone());
        self.queue(&model, &gate, Some(place), async move |deps| deps.roll_back(wish).await).await
    }

    /// Says whether a canary's model stands in its gate, still by the canary's own move.
    ///
    /// # Errors
    /// The registry or the store cannot be asked just now.
    pub async fn confirm(
        &self,
        canary: &CanaryId,
        model: &ModelId,
        gate: &GateId,
    ) -> Result<Confirmed, ModelError> {
        let (canary, asked, there) = (canary.clone(), model.clone(), gate.clone());
        let work = async move |deps: Arc<ModelDeps>| deps.confirm(&canary, &asked, &there).await;
        self.queue(model, gate, None, work).await
    }

    /// Judges evidence at a moment: each rule by the newest completed job of its task.
    ///
    /// # Errors
    /// The store's.
    pub async fn check_evidence(
        &self,
        rules: &[EvidenceRule],
        now: Timestamp,
    ) -> Result<EvidenceReport, ModelError> {
        let rules = rules.to_vec();
        let read = self.deps.store.read(move |conn| {
            let mut items = Vec::new();
            for rule in &rules {
                let config = rule.config_id.as_ref().map(crate::ids::ConfigId::as_str);
                let job = jobs::newest_completed(conn, rule.task_id.as_str(), config)?;
                items.push(evidence::judge(rule, job.as_ref(), now));
            }
            Ok(EvidenceReport::new(items))
        });
        Ok(read.await?)
    }

    /// Judges evidence now, and refuses what it does not do for. `refused` is who wanted which model
    /// in which gate, for the fact that tells of the refusal; without it nothing is written down.
    ///
    /// # Errors
    /// [`ModelError::Evidence`] with the whole report, or the store's.
    pub async fn require(
        &self,
        rules: &[EvidenceRule],
        refused: Option<(&str, &ModelId, &GateId)>,
    ) -> Result<EvidenceReport, ModelError> {
        let report = self.check_evidence(rules, self.deps.clock.now()).await?;
        if report.holds {
            return Ok(report);
        }
        if let Some((actor, model, gate)) = refused {
            let (actor, model, gate) = (actor.to_owned(), model.to_string(), gate.to_string());
            let found = report.clone();
            let write = self.deps.store.write(move |transaction| {
                record::refuse(transaction, (&actor, &model, &gate), &found)
            });
            write.await?;
        }
        Err(ModelError::Evidence(Box::new(report)))
    }

    /// A model and the gates it stands in, in the order in which it entered them, as far as is
    /// known; `None` if nothing is known of it.
    ///
    /// # Errors
    /// The store's.
    pub async fn find(&self, model: &ModelId) -> Result<Option<ModelWithGates>, ModelError> {
        let id = model.to_string();
        match self.deps.store.read(move |conn| models::find(conn, &id)).await {
            Ok(found) => Ok(Some(found)),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Lists models by id, from the one after `after` on; only those in `gate` if one is named.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(
        &self,
        gate: Option<&GateId>,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Vec<ModelWithGates>, ModelError> {
        let (gate, after) = (gate.map(GateId::to_string), after.map(str::to_owned));
        let read = self
            .deps
            .store
            .read(move |conn| models::list(conn, gate.as_deref(), after.as_deref(), limit.into()));
        Ok(read.await?)
    }

    /// The models whose ids begin with a text, the last promoted first; without those that stand in
    /// `not_in`.
    ///
    /// # Errors
    /// The store's.
    pub async fn beginning(
        &self,
        prefix: &str,
        not_in: Option<&GateId>,
        limit: u16,
    ) -> Result<Beginning, ModelError> {
        let (prefix, not_in) = (prefix.to_owned(), not_in.map(GateId::to_string));
        let read =
            move |conn: &mut _| beginning::models(conn, &prefix, not_in.as_deref(), limit.into());
        Ok(self.deps.store.read(read).await?)
    }

    /// The gates that are known, in the order of their names.
    ///
    /// # Errors
    /// The store's.
    pub async fn gates(&self) -> Result<BTreeSet<String>, ModelError> {
        Ok(self.deps.store.read(beginning::gates).await?)
    }

    fn admit(&self) -> Result<OwnedSemaphorePermit, ModelError> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_none_left| ModelError::Overloaded)
    }

    /// Has work done when its place is free. It goes on if the caller hangs up.
    async fn queue<T: Send + 'static>(
        &self,
        model: &ModelId,
        gate: &GateId,
        place: Option<OwnedSemaphorePermit>,
        work: impl AsyncFnOnce(Arc<ModelDeps>) -> Result<T, ModelError> + Send + 'static,
    ) -> Result<T, ModelError> {
        let (reply, answer) = oneshot::channel();
        let work: keeper::Work = Box::new(move |deps| {
            Box::pin(async move {
                let outcome = work(deps).await;
                let left = if outcome.is_ok() { Left::Nothing } else { Left::Perhaps };
                // A caller that hung up is owed nothing.
                drop(reply.send(outcome));
                drop(place);
                left
            })
        });
        let place = self.deps.place(model, gate);
        if !deliver(&self.keeper, Do { place, work }) {
            return Err(ModelError::Interrupted);
        }
        answer.await.unwrap_or(Err(ModelError::Interrupted))
    }
}
