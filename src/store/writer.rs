//! The writer: one connection, and one transaction for all that waits.
//!
//! Operations that arrive while a commit is on its way to the disk gather in the mailbox. The next
//! transaction takes up to [`BATCH`] of them, so that the price of a sync is shared. Nobody waits
//! for a timer: an operation that comes alone is committed alone, at once.
//!
//! An operation that fails fails alone: the transaction is rolled back and run again without it,
//! and it is then tried by itself. That is rare. A savepoint for each operation would do the same
//! and cost more than all the inserts, because SQLite then copies every page that one touches.
//!
//! The actor has a thread of its own and works there, not on the blocking pool: that saves two
//! thread changes a commit, and nothing else lives on the thread that could be held up.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use actix::prelude::*;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tracing::{error, warn};

use crate::clock::Clock;
use crate::store::chain::ChainHead;
use crate::store::connection::{Database, WRITER};
use crate::store::error::StoreError;
use crate::store::events::CommittedEvent;
use crate::store::statistics::Statistics;
use crate::store::transaction::{Gathered, Transaction};

/// The most operations in one transaction: more gain nothing and make each wait longer.
const BATCH: usize = 64;

/// How many operations of a batch may fail before the rest is tried one by one: failing on purpose
/// must not make the others' work grow without end.
const CULPRITS: usize = 3;

/// Takes committed events, in the order of their commits.
pub type Publish = Arc<dyn Fn(Vec<CommittedEvent>) + Send + Sync>;

/// A change with its answer's type rubbed out.
pub(super) trait Operation: Send {
    /// Does the work, keeps its outcome, and says whether it succeeded.
    fn run(&mut self, transaction: &mut Transaction<'_>) -> bool;
    /// Keeps a failure as the outcome, in place of what there was.
    fn fail(&mut self, error: StoreError);
    /// Tells the caller.
    fn answer(self: Box<Self>);
}

pub(super) struct Write<T, F> {
    pub(super) work: F,
    pub(super) outcome: Option<Result<T, StoreError>>,
    pub(super) reply: oneshot::Sender<Result<T, StoreError>>,
    /// A place in the queue, given back when the caller is told.
    pub(super) _place: Option<OwnedSemaphorePermit>,
}

impl<T, F> Operation for Write<T, F>
where
    T: Send,
    F: Fn(&mut Transaction<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, transaction: &mut Transaction<'_>) -> bool {
        // Caught here, inside Diesel's transaction: one that unwinds through it stays open.
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.work)(transaction)));
        let outcome = outcome.unwrap_or(Err(StoreError::Panicked));
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    fn fail(&mut self, error: StoreError) {
        self.outcome = Some(Err(error));
    }

    fn answer(self: Box<Self>) {
        let outcome = self.outcome.unwrap_or_else(|| Err(StoreError::closed()));
        // A caller that went away does not want to know.
        drop(self.reply.send(outcome));
    }
}

#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Submit(pub(super) Box<dyn Operation>);

#[derive(Message)]
#[rtype(result = "()")]
struct Commit;

/// Answers when all that was submitted before it is done.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Ping;

/// Moves what the log holds into the database file.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Checkpoint;

/// Owns the only connection that writes.
pub(super) struct DbActor {
    database: Database,
    conn: Option<SqliteConnection>,
    chain: Option<ChainHead>,
    newest_event: Option<i64>,
    waiting: VecDeque<Box<dyn Operation>>,
    publish: Publish,
    clock: Arc<dyn Clock>,
    statistics: Arc<Statistics>,
}

impl DbActor {
    pub(super) fn new(
        database: Database,
        publish: Publish,
        clock: Arc<dyn Clock>,
        statistics: Arc<Statistics>,
    ) -> Self {
        let waiting = VecDeque::with_capacity(BATCH);
        Self {
            database,
            conn: None,
            chain: None,
            newest_event: None,
            waiting,
            publish,
            clock,
            statistics,
        }
    }

    fn commit_waiting(&mut self) {
        let size = self.waiting.len().min(BATCH);
        let batch: Vec<_> = self.waiting.drain(..size).collect();
        for operation in self.commit_together(batch) {
            self.commit_together(vec![operation]);
        }
    }

    /// Commits a batch and answers its callers. Returns the operations that are to be tried by
    /// themselves: those that failed among others, and all if too many did.
    fn commit_together(&mut self, mut batch: Vec<Box<dyn Operation>>) -> Vec<Box<dyn Operation>> {
        let began = Instant::now();
        let mut apart = Vec::new();
        let committed = loop {
            match self.commit(&mut batch) {
                Err(NotCommitted::Culprit(n)) if 1 < batch.len() => apart.push(batch.remove(n)),
                other => break other,
            }
            if CULPRITS < apart.len() {
                apart.append(&mut batch);
                return apart;
            }
        };
        match committed {
            Ok(gathered) => {
                self.chain = gathered.chain;
                self.newest_event = gathered.newest_event;
                self.statistics.committed(batch.len(), began.elapsed());
                for work in gathered.after_commit {
                    work();
                }
                if !gathered.events.is_empty() {
                    (self.publish)(gathered.events);
                }
                for work in gathered.after_publish {
                    work();
                }
            }
            // It was alone, so its own error says it all; most often, that it came too late.
            Err(NotCommitted::Culprit(_)) => {}
            Err(NotCommitted::Failed(error)) => {
                self.statistics.failed(batch.len());
                let mut error = Some(error);
                for operation in &mut batch {
                    operation.fail(again(&mut error));
                }
            }
        }
        for operation in batch {
            operation.answer();
        }
        apart
    }

    /// Runs the batch in one transaction.
    fn commit(&mut self, batch: &mut [Box<dyn Operation>]) -> Result<Gathered, NotCommitted> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.database.connect(WRITER).map_err(NotCommitted::Failed)?,
        };
        let now = self.clock.now();
        let stamp = now.to_string();
        let mut gathered = Gathered {
            chain: self.chain.take(),
            newest_event: self.newest_event.take(),
            ..Gathered::default()
        };
        let mut culprit = None;
        let committed = conn.immediate_transaction(|conn| {
            for (n, operation) in batch.iter_mut().enumerate() {
                if !operation.run(&mut Transaction::new(conn, (now, &stamp), &mut gathered)) {
                    culprit = Some(n);
                    return Err(diesel::result::Error::RollbackTransaction);
                }
            }
            fail::fail_point!("store-before-commit");
            Ok(())
        });
        // A connection in doubt is thrown away: what it holds open would block every other.
        if AnsiTransactionManager::is_broken_transaction_manager(&mut conn) {
            warn!("the writer's connection was left inside a transaction and is replaced");
        } else {
            self.conn = Some(conn);
        }
        match (committed, culprit) {
            (Ok(()), _) => Ok(gathered),
            (Err(_), Some(n)) => Err(NotCommitted::Culprit(n)),
            (Err(error), None) => Err(NotCommitted::Failed(error.into())),
        }
    }
}

/// Why a batch was rolled back.
enum NotCommitted {
    /// This operation failed.
    Culprit(usize),
    /// The transaction itself failed.
    Failed(StoreError),
}

/// One error for many callers: the first gets it whole, the others its words.
fn again(error: &mut Option<StoreError>) -> StoreError {
    match error.take() {
        Some(first @ StoreError::Unavailable { why, .. }) => {
            error!(error = format!("{first:?}"), "a commit failed");
            *error = Some(StoreError::Unavailable { why, source: None });
            first
        }
        Some(other) => {
            error!(error = format!("{other:?}"), "a commit failed");
            *error = Some(StoreError::Unavailable { why: "a commit failed", source: None });
            other
        }
        None => StoreError::closed(),
    }
}

impl Actor for DbActor {
    type Context = Context<Self>;
}

impl Supervised for DbActor {
    fn restarting(&mut self, ctx: &mut Self::Context) {
        self.conn = None;
        self.chain = None;
        self.newest_event = None;
        // Those that waited for the failed commit were dropped with it and told so; these go on.
        if !self.waiting.is_empty() {
            ctx.notify(Commit);
        }
    }
}

impl Handler<Submit> for DbActor {
    type Result = ();

    fn handle(&mut self, Submit(operation): Submit, ctx: &mut Self::Context) {
        // The message to self is handled after all mail that is there already, which is the batch.
        if self.waiting.is_empty() {
            ctx.notify(Commit);
        }
        self.waiting.push_back(operation);
    }
}

impl Handler<Commit> for DbActor {
    type Result = ();

    fn handle(&mut self, Commit: Commit, ctx: &mut Self::Context) {
        fail::fail_point!("store-commit");
        self.commit_waiting();
        if !self.waiting.is_empty() {
            ctx.notify(Commit);
        }
    }
}

impl Handler<Ping> for DbActor {
    type Result = ();

    fn handle(&mut self, Ping: Ping, _: &mut Self::Context) {}
}

impl Handler<Checkpoint> for DbActor {
    type Result = ();

    fn handle(&mut self, Checkpoint: Checkpoint, _: &mut Self::Context) {
        use diesel::connection::SimpleConnection as _;
        if let Some(conn) = &mut self.conn
            && let Err(error) = conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")
        {
            warn!(%error, "the log was not moved into the database; the next start does it");
        }
    }
}
