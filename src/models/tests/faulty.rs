//! A registry that is cut off, slow, late, raced and lying, as it is told.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use anyhow::anyhow;
use async_trait::async_trait;

use crate::adapters::registry::{ModelRegistry, PlaceChange, RegistryError, Standing};
use crate::ids::{GateId, ModelId};

/// What goes wrong with the next change.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// It is made, and no answer comes.
    CutAfterwards,
    /// It is not made, and no answer comes.
    CutBefore,
    /// It is not made, and said to be.
    Lie,
    /// Somebody else is faster.
    Raced(&'static str),
    /// The name of the state changes because of another gate.
    OtherGate,
    /// It can never be made.
    Refused,
    /// No answer comes, and it is made by [`FaultyRegistry::arrive`].
    Late,
}

#[derive(Default)]
struct Inside {
    holders: HashMap<(String, String), ModelId>,
    faults: VecDeque<Fault>,
    unreadable: usize,
    version: u64,
    late: Vec<PlaceChange>,
    keys: Vec<String>,
    writes: Vec<Write>,
}

/// A change that was made: by us, with its key, or by somebody else.
#[derive(Debug, Clone)]
pub(super) struct Write {
    pub(super) key: Option<String>,
    pub(super) before: Option<ModelId>,
    pub(super) after: Option<ModelId>,
}

#[derive(Default)]
pub(super) struct FaultyRegistry {
    inside: Mutex<Inside>,
    pub(super) delay: Mutex<Duration>,
    busy: Mutex<HashSet<String>>,
    pub(super) overlaps: AtomicUsize,
}

fn place(model: &ModelId, gate: &GateId) -> (String, String) {
    (model.name().to_owned(), gate.to_string())
}

fn cut() -> RegistryError {
    RegistryError::Unavailable { registry: "faulty", source: anyhow!("the line was cut") }
}

impl Inside {
    fn make(&mut self, change: &PlaceChange) {
        let place = place(&change.model, &change.gate);
        self.put(place, change.to.clone(), Some(change.key.clone()));
    }

    fn put(&mut self, place: (String, String), after: Option<ModelId>, key: Option<String>) {
        self.version += 1;
        let before = match &after {
            Some(model) => self.holders.insert(place, model.clone()),
            None => self.holders.remove(&place),
        };
        // Putting there what stands there is seen by nobody.
        if before != after {
            self.writes.push(Write { key, before, after });
        }
    }

    fn standing(&self, model: &ModelId, gate: &GateId) -> Standing {
        let holder = self.holders.get(&place(model, gate)).cloned();
        Standing { holder, version: Some(self.version.to_string()) }
    }
}

impl FaultyRegistry {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    /// What goes wrong with the changes to come, in this order.
    pub(super) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.inside().faults.extend(faults);
    }

    /// The next reads get no answer.
    pub(super) fn unreadable(&self, reads: usize) {
        self.inside().unreadable = reads;
    }

    /// Somebody else puts a model there.
    pub(super) fn move_elsewhere(&self, model: &ModelId, gate: &GateId) {
        self.inside().put(place(model, gate), Some(model.clone()), None);
    }

    /// All that was written, in order.
    pub(super) fn writes(&self) -> Vec<Write> {
        self.inside().writes.clone()
    }

    /// What was late is made now.
    pub(super) fn arrive(&self) {
        let mut inside = self.inside();
        for change in std::mem::take(&mut inside.late) {
            inside.make(&change);
        }
    }

    pub(super) fn holder(&self, model: &ModelId, gate: &GateId) -> Option<String> {
        self.inside().standing(model, gate).holder.map(|model| model.to_string())
    }

    /// The keys of the changes so far.
    pub(super) fn keys(&self) -> Vec<String> {
        self.inside().keys.clone()
    }

    fn change_now(&self, change: &PlaceChange) -> Result<Option<String>, RegistryError> {
        let mut inside = self.inside();
        inside.keys.push(change.key.clone());
        let fault = inside.faults.pop_front();
        match &fault {
            Some(Fault::CutBefore) => return Err(cut()),
            Some(Fault::Lie) => return Ok(Some("a lie".to_owned())),
            Some(Fault::Refused) => {
                return Err(RegistryError::Refused("there is no such version".to_owned()));
            }
            Some(Fault::Late) => {
                inside.late.push(change.clone());
                return Err(cut());
            }
            Some(Fault::OtherGate) => inside.version += 1,
            Some(Fault::Raced(other)) => {
                let other = ModelId::parse(other).unwrap();
                inside.put(place(&change.model, &change.gate), Some(other), None);
            }
            Some(Fault::CutAfterwards) | None => {}
        }
        if inside.standing(&change.model, &change.gate) != change.from {
            return Err(RegistryError::Moved);
        }
        inside.make(change);
        if matches!(fault, Some(Fault::CutAfterwards)) {
            return Err(cut());
        }
        Ok(Some(inside.version.to_string()))
    }
}

#[async_trait]
impl ModelRegistry for FaultyRegistry {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn longest_delay(&self) -> Duration {
        *self.delay.lock().unwrap()
    }

    fn check(&self, _: &ModelId, _: &GateId) -> Result<(), RegistryError> {
        Ok(())
    }

    async fn standing(&self, model: &ModelId, gate: &GateId) -> Result<Standing, RegistryError> {
        tokio::task::yield_now().await;
        let mut inside = self.inside();
        if 0 < inside.unreadable {
            inside.unreadable -= 1;
            return Err(cut());
        }
        Ok(inside.standing(model, gate))
    }

    async fn change(&self, change: &PlaceChange) -> Result<Option<String>, RegistryError> {
        let place = format!("{}/{}", change.model.name(), change.gate);
        if !self.busy.lock().unwrap().insert(place.clone()) {
            self.overlaps.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        let outcome = self.change_now(change);
        self.busy.lock().unwrap().remove(&place);
        outcome
    }
}
