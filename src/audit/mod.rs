//! The facts that were recorded: the story they tell, and the proof that they are as they were.
//!
//! # Invariants
//!
//! 1. Rows are only ever added, and removed only up to a checkpoint that stays in their place.
//! 2. What is said outside of the database (a checkpoint, an evidence pack) can be checked without
//!    the database.

mod anchor;
mod cell;
mod export;
mod facts;
mod keeper;
mod narrative;
mod pack;
mod range;
mod refusals;
mod signature;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::clock::Timestamp;
use crate::store::audits::{self, AuditRow};
use crate::store::{Store, StoreError, checkpoints};

pub use self::anchor::{AnchorBranch, AnchorCounts, AnchorError, Anchorer};
pub use self::cell::push_cell;
pub use self::export::{ExportError, Exports, Pack, Seat};
pub use self::keeper::{CheckpointPolicy, Keeper};
pub use self::narrative::{line, prose};
pub use self::pack::{Faulty, Sound, verify as verify_pack};
pub use self::range::{EvidenceRange, RangeError};
pub use self::refusals::{Refusal, Refusals};
pub use self::signature::{BadSignature, SigningKey, signer};

/// How far the chain goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainState {
    /// The place of its last row; 0 if it has none.
    pub last_row: i64,
    /// The last row that a checkpoint covers.
    pub covered: i64,
}

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

    /// All facts about the thing with this id, oldest first; none if nothing was ever recorded. A
    /// file or a commit is meant only if nothing else has this id: a file can be given any name. A
    /// conversation is never meant, because not everybody may know of it.
    ///
    /// # Errors
    /// The store's.
    pub async fn about(&self, entity_id: &str) -> Result<Vec<AuditRow>, StoreError> {
        let mut rows = self.all_about(entity_id).await?;
        rows.retain(|row| !row.is_of_conversation());
        let (repository, others): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(AuditRow::is_of_repository);
        Ok(if others.is_empty() { repository } else { others })
    }

    /// All facts about the file or the commit with this path or hash, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn about_repository(&self, name: &str) -> Result<Vec<AuditRow>, StoreError> {
        let mut rows = self.all_about(name).await?;
        rows.retain(AuditRow::is_of_repository);
        Ok(rows)
    }

    /// All facts about the conversation with this id, oldest first. They say who was asked and who
    /// allowed what, and nothing that was said.
    ///
    /// # Errors
    /// The store's.
    pub async fn about_conversation(&self, id: &str) -> Result<Vec<AuditRow>, StoreError> {
        let mut rows = self.all_about(id).await?;
        rows.retain(AuditRow::is_of_conversation);
        Ok(rows)
    }

    async fn all_about(&self, entity_id: &str) -> Result<Vec<AuditRow>, StoreError> {
        let id = entity_id.to_owned();
        self.store.read(move |conn| audits::about(conn, &id)).await
    }

    /// Records that the daemon started, with the digest of its settings without secrets.
    ///
    /// # Errors
    /// The store's.
    pub async fn daemon_started(&self, settings_sha256: String) -> Result<(), StoreError> {
        let version = env!("CARGO_PKG_VERSION");
        let record = self.store.record(move |transaction| {
            facts::started(version, &settings_sha256).record(transaction)
        });
        record.await.map(drop)
    }

    /// Records that the daemon goes down, and the refusals that were not recorded yet.
    ///
    /// # Errors
    /// The store's.
    pub async fn daemon_stops(&self, refusals: &Refusals) -> Result<(), StoreError> {
        record_refusals(&self.store, refusals.take()).await?;
        let version = env!("CARGO_PKG_VERSION");
        self.store.record(move |tx| facts::stopped(version).record(tx)).await.map(drop)
    }

    /// How much of the chain there is and is covered.
    ///
    /// # Errors
    /// The store's.
    pub async fn chain_state(&self) -> Result<ChainState, StoreError> {
        let read = self.store.read(|conn| {
            let covered = checkpoints::newest(conn)?.map_or(0, |checkpoint| checkpoint.size);
            Ok(ChainState { last_row: audits::last(conn)?, covered })
        });
        read.await
    }

    /// Removes the segments of the chain that are over and older than `kept`, each in one
    /// transaction with the fact that it was removed, and says how many rows that were.
    ///
    /// # Errors
    /// The store's; what was removed before stays removed.
    pub async fn remove_old(&self, kept: Duration, now: Timestamp) -> Result<usize, StoreError> {
        let kept = time::Duration::try_from(kept).unwrap_or(time::Duration::MAX);
        let before = now.plus(-kept).to_string();
        let mut rows = 0;
        loop {
            let before = before.clone();
            let removed = self.store.record(move |transaction| {
                let removed = audits::remove_segment(transaction, &before)?;
                if let Some(removed) = &removed {
                    facts::removed(removed).record(transaction)?;
                }
                Ok(removed)
            });
            match removed.await? {
                Some(removed) => rows += removed.rows,
                None => return Ok(rows),
            }
        }
    }
}

/// Records requests that were refused: reasons and numbers.
async fn record_refusals(
    store: &Store,
    refusals: Vec<(&'static str, u64)>,
) -> Result<(), StoreError> {
    let record = store.record(move |transaction| {
        for (why, requests) in &refusals {
            facts::refused(why, *requests).record(transaction)?;
        }
        Ok(())
    });
    record.await
}
