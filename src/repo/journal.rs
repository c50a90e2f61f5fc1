//! What is under way, written down before a file is touched and settled afterwards.
//!
//! A file and a row of the database cannot change in one transaction. So the intent is committed
//! first, then the file is changed, then the fact is committed in the transaction that removes the
//! intent. Whoever is killed in between leaves an intent, and the file itself tells whether it was
//! carried out: nothing is changed without its fact, and no fact tells of what was not done.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::error;

use super::change::{Change, Fate};
use super::story;
use crate::store::repository_changes::{self, OpenChange};
use crate::store::{Store, StoreError};

/// A change that is under way.
#[derive(Debug, Clone)]
pub(super) struct Intent {
    id: i64,
    pub(super) actor: String,
    pub(super) change: Change,
}

/// The door to what is under way.
#[derive(Clone)]
pub(super) struct Journal {
    store: Store,
    /// What is known and could not be recorded yet.
    owed: Arc<Mutex<Vec<(Intent, Fate)>>>,
}

impl Journal {
    pub(super) fn new(store: Store) -> Self {
        Self { store, owed: Arc::default() }
    }

    /// Commits the intent of a change.
    pub(super) async fn open(&self, actor: &str, change: Change) -> Result<Intent, StoreError> {
        let text = serde_json::to_string(&change).expect("names and digests are JSON");
        let actor = actor.to_owned();
        let asked_by = actor.clone();
        let open = self.store.write(move |tx| repository_changes::open(tx, &asked_by, &text));
        Ok(Intent { id: open.await?, actor, change })
    }

    /// Commits what became of a change.
    pub(super) async fn close(&self, intent: &Intent, fate: Fate) -> Result<(), StoreError> {
        let intent = intent.clone();
        let record = self.store.record(move |tx| {
            repository_changes::close(tx, intent.id)?;
            let facts = match fate {
                Fate::Made => story::made(&intent.change, &intent.actor),
                Fate::Unknown => story::uncertain(&intent.change, &intent.actor),
                Fate::NotMade => Vec::new(),
            };
            for story::Fact { action, subject, details, message } in facts {
                tx.audit_subject((&intent.actor, action), subject, &details, message)?;
            }
            Ok(())
        });
        record.await
    }

    /// Keeps what became of a change, to be recorded later.
    pub(super) fn owe(&self, intent: Intent, fate: Fate) {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner).push((intent, fate));
    }

    /// What is owed; whoever takes it records it or owes it again.
    pub(super) fn take_owed(&self) -> Vec<(Intent, Fate)> {
        std::mem::take(&mut self.owed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What an earlier daemon left, oldest first.
    pub(super) async fn left_open(&self) -> Result<Vec<Intent>, StoreError> {
        let rows = self.store.read(repository_changes::all_open).await?;
        let read = |OpenChange { id, actor, change_json }| match serde_json::from_str(&change_json)
        {
            Ok(change) => Some(Intent { id, actor, change }),
            Err(error) => {
                error!(change = id, %error, "a change of the repository cannot be read; it is left");
                None
            }
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }
}
