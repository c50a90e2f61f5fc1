//! The facts that were recorded about a thing, and its story from them.

mod narrative;

use crate::store::audits::{self, AuditRow};
use crate::store::{Store, StoreError};

pub use self::narrative::{line, prose};

/// The door to recorded facts; cheap to clone.
#[derive(Clone)]
pub struct Audit {
    store: Store,
}

impl Audit {
    /// Opens the door.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// All facts about the thing with this id, oldest first; none if nothing was ever recorded.
    ///
    /// # Errors
    /// The store's.
    pub async fn about(&self, entity_id: &str) -> Result<Vec<AuditRow>, StoreError> {
        let id = entity_id.to_owned();
        self.store.read(move |conn| audits::about(conn, &id)).await
    }
}
