//! The registry that is built in: the gates are the rows of the database.

use anyhow::anyhow;
use async_trait::async_trait;

use crate::adapters::registry::{ModelRegistry, PlaceChange, RegistryError, Standing};
use crate::ids::{GateId, ModelId};
use crate::models::record;
use crate::store::{Store, StoreError, models};

/// The registry's name.
const NAME: &str = "local";

/// Keeps the gates in the daemon's own database.
pub struct LocalRegistry {
    store: Store,
}

impl LocalRegistry {
    /// The gates of a database.
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[async_trait]
impl ModelRegistry for LocalRegistry {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self, _: &ModelId, _: &GateId) -> Result<(), RegistryError> {
        Ok(())
    }

    async fn standing(&self, model: &ModelId, gate: &GateId) -> Result<Standing, RegistryError> {
        let (name, place) = (model.name().to_owned(), gate.to_string());
        let read = self.store.read(move |conn| models::holder(conn, &name, &place));
        let holder = read.await.map_err(unavailable)?;
        let holder = holder.map(|id| ModelId::parse(&id)).transpose().map_err(|invalid| {
            RegistryError::Refused(format!(
                "what stands in gate {gate} has an id that cannot be one: {invalid}"
            ))
        })?;
        Ok(Standing { holder, version: None })
    }

    async fn change(&self, change: &PlaceChange) -> Result<Option<String>, RegistryError> {
        let change = change.clone();
        let write = self.store.record(move |transaction| {
            let (name, gate) = (change.model.name(), change.gate.as_str());
            let holder = models::holder_for_change(transaction, name, gate)?;
            if holder.as_deref() != change.from.holder.as_ref().map(ModelId::as_str) {
                return Err(StoreError::Stale);
            }
            // For this registry the row is the gate, so the change has its fact here.
            record::set(transaction, &change)?;
            models::place(transaction, name, gate, change.to.as_ref().map(ModelId::as_str))
        });
        match write.await {
            Ok(()) => Ok(None),
            Err(StoreError::Stale) => Err(RegistryError::Moved),
            Err(error) => Err(unavailable(error)),
        }
    }
}

fn unavailable(error: StoreError) -> RegistryError {
    RegistryError::Unavailable { registry: NAME, source: anyhow!(error) }
}
