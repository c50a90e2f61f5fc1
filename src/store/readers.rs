//! Connections that only read: opened when first needed, kept for the next.

use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

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

    /// Waits for a place in a task of its own: a caller may have several reads and look at one of
    /// them only, and a place that is given to another of them would never be used nor given back.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> Result<T, StoreError> + Send + 'static,
    {
        let mut read = JoinSet::new();
        read.spawn(self.clone().read(work));
        match read.join_next().await {
            Some(Ok(outcome)) => outcome,
            _ => Err(StoreError::Panicked),
        }
    }

    async fn read<T, F>(self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> Result<T, StoreError> + Send + 'static,
    {
        let this = self;
        let place = Arc::clone(&this.places).acquire_owned().await;
        let place = place.map_err(|_closed| StoreError::closed())?;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::*;

    #[actix::test]
    async fn reads_that_nobody_looks_at_keep_no_others_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::at(&directory.path().join("state.db")).unwrap();
        crate::store::Store::prepare(&database).unwrap();
        let readers = Readers::new(database);
        #[expect(clippy::disallowed_methods, reason = "it is on the blocking pool")]
        let slow = |_: &mut SqliteConnection| {
            std::thread::sleep(Duration::from_millis(5));
            Ok(())
        };
        let read = || readers.run(slow).boxed();
        let mut others: Vec<_> = (0..3 * READERS).map(|_| read()).collect();
        for other in &mut others {
            // Once, as among many futures of which another is waited for then.
            assert!(other.now_or_never().is_none());
        }
        let last = tokio::time::timeout(Duration::from_secs(20), read()).await;
        assert!(last.is_ok(), "a read waits for those that nobody looks at");
    }
}
