//! Finding files of the repository by what they say and how they are called.
//!
//! [`Index`] is the door. An actor on a thread of its own reads all text files once and keeps in
//! step with what changes; a search asks the index which files may have what is sought, and reads
//! those to see. Until the index is ready, all files are read.
//!
//! # Invariants
//!
//! 1. A hit is shown only after its file was read as it is now.
//! 2. What a literal, a phrase or a pattern finds does not depend on whether the index is used.
//! 3. What the daemon itself wrote is found by the next search.
//! 4. The index is never needed: whatever becomes of it, searches are answered.

mod candidates;
mod definitions;
mod examine;
mod filter;
mod find;
mod indexer;
mod library;
mod listing;
mod matching;
mod merging;
mod plan;
mod postings;
mod prior;
mod query;
mod required;
mod scan;
mod segment;
mod shared;
mod shelf;
mod snapshot;
mod snippet;
mod state;
#[cfg(test)]
mod tests;
mod watch;
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::Semaphore;
use tracing::warn;

use self::find::{FoundIn, find};
use self::indexer::{Changed, Indexer};
use self::listing::overlay;
use self::scan::scan;
use self::shared::Shared;
use crate::clock::Clock;
use crate::events::Changes;
use crate::repo::RepoPath;
use crate::repo::glob;
use crate::repo::root::{FileError, Root};
use crate::supervision::{Ended, Supervision, deliver};

pub use self::query::{Query, QueryError};
pub use self::state::{IndexState, Phase};

/// The longest text whose words are found, in bytes; of longer ones only the path is.
const LONGEST_TEXT: u64 = 1 << 20;

/// The most files that are searched.
const MOST_FILES: usize = 200_000;

/// The most bytes of text whose words are in the index.
const MOST_BYTES: u64 = 1 << 30;

/// How many searches run at once.
const SEARCHES: usize = 4;

/// How long a search waits for its turn.
const TURN: Duration = Duration::from_secs(1);

/// What [`Index::start`] is told.
pub struct IndexSettings {
    /// The way to the files.
    pub root: Arc<Root>,
    /// Where the index is kept between runs; made if need be. Nobody else must use it.
    pub directory: PathBuf,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who waits for a file to change.
    pub followers: Arc<Changes>,
    /// Keeps the actor alive.
    pub supervision: Supervision,
    /// Called when it cannot be kept alive; searches go on without an index.
    pub on_end: Box<dyn FnOnce(Ended) + Send>,
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Where it is.
    pub path: RepoPath,
    /// The line that shows best why, from 1; none if only the path does.
    pub line: Option<u32>,
    /// That line and perhaps the next ones, at most 200 characters.
    pub snippet: String,
    /// How good it is; only to be compared with others of the same search.
    pub score: f32,
}

/// Who answered a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The index.
    Index,
    /// A look at all files, because there is no index yet.
    Scan,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The best first.
    pub hits: Vec<Hit>,
    /// Who answered.
    pub answered_by: AnsweredBy,
    /// Whether there was time to look at everything that may be a hit.
    pub is_complete: bool,
}

/// Why a search was not answered.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Too many others search.
    #[error("too many searches run at once; try again in a moment")]
    Overloaded,
    /// The directory of the repository cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is a fault of the daemon.
    #[error("the search failed; the log says why")]
    Failed,
}

/// The door to the search; cheap to clone.
#[derive(Clone, Debug)]
pub struct Index(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    indexer: Addr<Indexer>,
    arbiter: Arbiter,
    turns: Arc<Semaphore>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.close();
        self.arbiter.stop();
    }
}

impl Index {
    /// Opens the door, and begins to build the index or to bring it into step.
    pub fn start(settings: IndexSettings) -> Self {
        let IndexSettings { root, directory, clock, followers, supervision, on_end } = settings;
        let shared = Arc::new(Shared::new(root, directory, clock, followers));
        let arbiter = Arbiter::new();
        let given_up = Arc::clone(&shared);
        let on_end = move |ended| {
            if matches!(ended, Ended::GaveUp(_)) {
                given_up.give_up();
            }
            on_end(ended);
        };
        let indexer = Indexer::new(Arc::clone(&shared));
        let indexer = supervision.start_on(&arbiter.handle(), "search index", indexer, on_end);
        let turns = Arc::new(Semaphore::new(SEARCHES));
        Self(Arc::new(Inner { shared, indexer, arbiter, turns }))
    }

    /// Answers a query with at most `limit` hits.
    ///
    /// # Errors
    /// There is no place for another search, or the files cannot be read.
    pub async fn search(&self, query: Query, limit: usize) -> Result<Found, SearchError> {
        let turn = Arc::clone(&self.0.turns).acquire_owned();
        let turn = tokio::time::timeout(TURN, turn).await;
        let Ok(Ok(turn)) = turn else { return Err(SearchError::Overloaded) };
        let shared = Arc::clone(&self.0.shared);
        let run = tokio::task::spawn_blocking(move || {
            let found = answer(&shared, &query, limit);
            drop(turn);
            found
        });
        run.await.unwrap_or(Err(SearchError::Failed))
    }

    /// Has the next search find these files as they are now: they were written, moved or removed.
    pub fn changed(&self, paths: Vec<RepoPath>) {
        // Those that the index leaves out as well.
        let told = paths.iter().map(|path| path.as_str().to_owned());
        self.0.shared.followers.announce_files(told);
        self.0.shared.note_changed(paths);
        deliver(&self.0.indexer, Changed);
    }

    /// How far the index is.
    pub fn state(&self) -> IndexState {
        self.0.shared.state()
    }
}

fn answer(shared: &Shared, query: &Query, limit: usize) -> Result<Found, SearchError> {
    // A fault of the index costs its use and no answer.
    match catch_unwind(AssertUnwindSafe(|| by_index(shared, query, limit))) {
        Ok(Some(Ok(FoundIn { hits, is_complete }))) => {
            let is_complete = is_complete && !shared.state().is_cut;
            return Ok(Found { hits, answered_by: AnsweredBy::Index, is_complete });
        }
        Ok(Some(Err(error))) => warn!(%error, "the search index cannot be read"),
        Err(_panicked) => warn!("the search index failed at a query"),
        Ok(None) => {}
    }
    let FoundIn { hits, is_complete } = scan(&shared.root, query, limit)?;
    Ok(Found { hits, answered_by: AnsweredBy::Scan, is_complete })
}

fn by_index(shared: &Shared, query: &Query, limit: usize) -> Option<std::io::Result<FoundIn>> {
    // Without an index, what changed since matters to nobody.
    shared.current()?;
    // In this order: what is settled is in the snapshot that is taken afterwards.
    let changed = shared.changed_paths();
    let snapshot = shared.current()?;
    let newer = if changed.is_empty() { None } else { overlay(&shared.root, changed) };
    Some(match newer {
        Some(newer) => find(&(*snapshot).clone().with(newer), &shared.root, query, limit, None),
        None => find(&snapshot, &shared.root, query, limit, None),
    })
}
