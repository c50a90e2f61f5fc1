//! Connections that only read: opened when first needed, kept for the next.

use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use tokio::sync::Semaphore;

use crate::store::connection::{Database, READER};
use crate::store::error::StoreError;

/// How many reads run at once; the others wait.
const READERS: usize = 4;

#[derive(Clone)]
pub(super) struct Readers {
    database: Database,
    places: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<SqliteConnection>>>,
}

impl Readers {
    pub(super) fn new(database: Database) -> Self {
        Self { database, places: Arc::new(Semaphore::new(READERS)), idle: Arc::default() }
    }

    /// How many reads run now, and how many may.
    pub(super) fn used(&self) -> (usize, usize) {
        (READERS - self.places.available_permits(), READERS)
    }

    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> Result<T, StoreError> + Send + 'static,
    {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_closed| StoreError::closed())?;
        let this = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let idle = this.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut conn = match idle {
                Some(conn) => conn,
                None => this.database.connect(READER)?,
            };
            let outcome = work(&mut conn);
            // A read that panicked took its connection with it; one in doubt goes the same way.
            if !AnsiTransactionManager::is_broken_transaction_manager(&mut conn) {
                this.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
            }
            drop(place);
            outcome
        });
        read.await.unwrap_or(Err(StoreError::Panicked))
    }
}
