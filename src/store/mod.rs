//! The truth, in SQLite.
//!
//! Queries are plain functions, one file a table. [`Store`] runs them: changes one after the
//! other through the writer, which commits all that waits as one transaction; reads in parallel
//! on connections of their own, which never wait for the writer.
//!
//! # Invariants
//!
//! 1. A caller is answered after the commit, never before.
//! 2. Events are published after the commit, in the order of the commits, and all of them.
//! 3. Only this module knows SQL.

pub mod audits;
mod backup;
pub mod beginning;
pub mod canaries;
mod chain;
pub mod chat;
pub mod checkpoints;
mod connection;
pub mod decisions;
mod error;
pub mod events;
pub mod gate_moves;
pub mod idempotency;
pub mod jobs;
pub mod mcp_processes;
pub mod meta;
mod migrations;
pub mod models;
mod numbers;
pub mod oauth;
mod readers;
pub mod repository_changes;
pub(crate) mod schema;
mod statistics;
pub mod subscriptions;
mod text_enum;
pub mod tool_pins;
mod transaction;
pub mod webhooks;
mod writer;

use std::sync::Arc;

use actix::prelude::*;
use diesel::prelude::SqliteConnection;
use tokio::sync::{Semaphore, oneshot};

pub use self::audits::at_one_moment;
pub use self::backup::{BackupError, back_up};
pub use self::chain::{BrokenChain, ChainHead, ChainWalk, GENESIS};
pub use self::connection::{Database, OpenError};
pub use self::error::StoreError;
pub use self::migrations::{Migrated, pending_migrations};
pub use self::numbers::Numbered;
use self::readers::Readers;
pub use self::statistics::{CommitTimes, Statistics, StatisticsNow};
pub use self::transaction::{Subject, Transaction, sha256_hex};
pub use self::writer::Publish;
use self::writer::{Checkpoint, DbActor, Ping, Submit, Write};
use crate::clock::Clock;
use crate::supervision::{Ended, Supervision, deliver};

/// A connection that reads.
pub type Reader = SqliteConnection;

/// How many changes that clients asked for may wait at once.
const PLACES: usize = 1024;

/// A handle on the store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    writer: Addr<DbActor>,
    readers: Readers,
    places: Arc<Semaphore>,
    statistics: Arc<Statistics>,
}

/// What the store needs from the rest of the daemon.
pub struct StoreDeps {
    /// Gives every transaction its time.
    pub clock: Arc<dyn Clock>,
    /// Takes the events that were committed.
    pub publish: Publish,
    /// Keeps the writer alive.
    pub supervision: Supervision,
    /// The thread on which the writer works; nothing else may live there.
    pub arbiter: ArbiterHandle,
    /// Called when the writer cannot be kept alive.
    pub on_end: Box<dyn FnOnce(Ended) + Send>,
}

impl Store {
    /// Checks the file, brings its schema up to date and proves that it can be written.
    ///
    /// Blocks; meant for the start of the program.
    ///
    /// # Errors
    /// The file is damaged, somebody else's, or cannot be written; it is then left as it was.
    pub fn prepare(database: &Database) -> Result<Migrated, OpenError> {
        let mut conn = database.open()?;
        let migrated = migrations::run(database, &mut conn)?;
        meta::probe(&mut conn).map_err(OpenError::Unwritable)?;
        Ok(migrated)
    }

    /// Starts the writer of a database that was prepared.
    pub fn start(database: Database, deps: StoreDeps) -> Self {
        let statistics = Arc::<Statistics>::default();
        let readers = Readers::new(database.clone());
        let actor = DbActor::new(database, deps.publish, deps.clock, Arc::clone(&statistics));
        let writer = deps.supervision.start_on(&deps.arbiter, "database", actor, deps.on_end);
        Self { writer, readers, places: Arc::new(Semaphore::new(PLACES)), statistics }
    }

    /// Makes a change that a client asked for, alone or with others in one transaction.
    ///
    /// `work` may run more than once before its transaction is committed, so it must do nothing
    /// but read and write the database and tell the transaction what is to follow.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] at once when too many wait; else what `work` answers, or what
    /// kept the transaction from being committed. The change is then not made.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_none_left| StoreError::Overloaded)?;
        self.submit(work, Some(place)).await
    }

    /// Makes a change that an actor of ours asks for. It is never refused for want of a place: the
    /// number of actors bounds how many there are.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn record<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.submit(work, None).await
    }

    async fn submit<T, F>(
        &self,
        work: F,
        place: Option<tokio::sync::OwnedSemaphorePermit>,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let write = Write { work, outcome: None, reply, _place: place };
        if !deliver(&self.writer, Submit(Box::new(write))) {
            return Err(StoreError::closed());
        }
        answer.await.unwrap_or_else(|_dropped| Err(StoreError::closed()))
    }

    /// Runs `work` on a connection that only reads.
    ///
    /// # Errors
    /// What `work` answers, or why no connection could be had.
    pub async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Reader) -> Result<T, StoreError> + Send + 'static,
    {
        self.readers.run(work).await
    }

    /// Proves that the database can be written just now.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.record(|transaction| meta::probe(transaction.connection())).await
    }

    /// Waits until the writer has a moment, which proves that it lives.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.writer.send(Ping).await.map_err(|_gone| StoreError::closed())
    }

    /// Waits for all that was submitted, then moves the log into the database file.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        self.writer.send(Checkpoint).await.map_err(|_gone| StoreError::closed())
    }

    /// What the writer has done so far.
    pub fn statistics(&self) -> StatisticsNow {
        self.statistics.now()
    }

    /// How long the newest commits took.
    pub fn commit_times(&self) -> CommitTimes {
        self.statistics.commit_times()
    }

    /// How many changes wait for a commit or are in one.
    pub fn waiting(&self) -> usize {
        PLACES - self.places.available_permits()
    }

    /// How many such changes there may be; further ones are refused.
    pub fn most_waiting(&self) -> usize {
        PLACES
    }

    /// How many reads run now, and how many may run at once.
    pub fn reads(&self) -> (usize, usize) {
        self.readers.used()
    }
}

/// Walks the audit chain of a database, which may be in use, and changes nothing. The outer error is
/// the store's, the inner one the chain's.
///
/// # Errors
/// The database cannot be read, or its schema is older than this program.
pub fn audit_chain_of(
    database: &Database,
) -> Result<Result<audits::Verified, BrokenChain>, StoreError> {
    audits::verify(&mut database.connect(connection::READER)?)
}

#[cfg(test)]
mod tests;
