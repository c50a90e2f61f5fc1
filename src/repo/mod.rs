//! One repository: its files, its search and its git, and the story of each file.
//!
//! # Invariants
//!
//! 1. Every file is reached through [`Root`], which nothing leads out of.
//! 2. A path that came from outside is a [`RepoPath`] before anything is looked up.
//! 3. A file is changed under its lock, whole or not at all, and its story is told afterwards even
//!    if the daemon was killed in between.

mod asking_git;
mod build_tools;
mod change;
mod committing;
pub mod content;
mod digest;
mod directory;
mod error;
pub mod git;
mod glob;
mod journal;
mod listing;
mod locks;
mod mutation;
mod names;
pub mod patch;
mod path;
mod places;
pub mod root;
pub mod search;
mod settling;
mod story;
mod survey;
mod templates;
#[cfg(test)]
mod tests;
mod writing;

use std::path::PathBuf;
use std::sync::Arc;

use actix::prelude::*;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tracing::error;

use self::asking_git::KnownForge;
use self::git::GitSettings;
use self::journal::Journal;
use self::locks::PathLocks;
use self::places::{Places, Work};
use self::root::{File, Root};
use self::search::{Found, Index, IndexSettings, IndexState, Query};
use self::settling::Settler;
use crate::clock::Clock;
use crate::events::Changes;
use crate::store::Store;
use crate::supervision::{Ended, Supervision};

pub use self::build_tools::{BuildTool, Command};
pub use self::committing::{CommitOrder, Committed};
pub use self::digest::{ContentDigest, InvalidDigest};
pub use self::directory::{InDirectory, Names};
pub use self::error::{RepoError, RepoErrorKind};
pub use self::glob::{Glob, InvalidGlob};
pub use self::listing::{ListRequest, Listed, Listing};
pub use self::path::{PathError, RepoPath};
pub use self::survey::{Directory, Language, Survey};
pub use self::templates::Template;
pub use self::writing::{
    Appended, Existing, PatchRequest, Patched, RenameRequest, Renamed, WriteRequest, WriteTool,
    Written,
};

/// The largest file that is read or written as a whole, in bytes.
pub const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// How many changes may be under way or wait for one another; more are refused.
const CHANGES: usize = 64;

/// What blocking work on the repository needs.
pub(super) struct Deps {
    pub(super) root: Arc<Root>,
    pub(super) git: GitSettings,
}

/// What the repository needs from the rest of the daemon.
pub struct RepoSettings {
    /// The way to its files.
    pub root: Arc<Root>,
    /// The git repository at the root, if there is one.
    pub git: GitSettings,
    /// Where the search keeps its index; nobody else must use it.
    pub search_index: PathBuf,
    /// Who waits for a file to change.
    pub followers: Arc<Changes>,
    /// Tells commits their time.
    pub clock: Arc<dyn Clock>,
    /// Whether nothing may be changed.
    pub read_only: bool,
    /// Where changes are recorded.
    pub store: Store,
    /// Keeps the actors alive.
    pub supervision: Supervision,
    /// The thread on which they live.
    pub arbiter: ArbiterHandle,
    /// Called when one cannot be kept alive.
    pub on_end: Box<dyn FnOnce(Ended) + Send>,
}

/// The door to the repository; cheap to clone.
#[derive(Clone)]
pub struct Repo(Arc<Inner>);

struct Inner {
    deps: Arc<Deps>,
    index: Index,
    journal: Journal,
    locks: PathLocks,
    places: Places,
    changes: Arc<Semaphore>,
    /// Held by whoever commits.
    committing: Mutex<()>,
    forge: KnownForge,
    clock: Arc<dyn Clock>,
    read_only: bool,
}

impl Repo {
    /// Opens the door, and settles the changes that an earlier daemon was killed in.
    ///
    /// # Errors
    /// The database's.
    pub async fn start(settings: RepoSettings) -> Result<Self, RepoError> {
        let index = Index::start(IndexSettings {
            root: Arc::clone(&settings.root),
            directory: settings.search_index,
            followers: settings.followers,
            clock: Arc::clone(&settings.clock),
            supervision: settings.supervision.clone(),
            on_end: Box::new(|ended| {
                if let Ended::GaveUp(last) = ended {
                    error!(last, "searches go without an index until the daemon is restarted");
                }
            }),
        });
        let repo = Self(Arc::new(Inner {
            index,
            deps: Arc::new(Deps { root: settings.root, git: settings.git }),
            journal: Journal::new(settings.store),
            locks: PathLocks::default(),
            places: Places::default(),
            changes: Arc::new(Semaphore::new(CHANGES)),
            committing: Mutex::default(),
            forge: KnownForge::default(),
            clock: settings.clock,
            read_only: settings.read_only,
        }));
        repo.settle_what_was_left().await?;
        let settler = Settler::new(repo.clone());
        let (supervision, arbiter) = (settings.supervision, settings.arbiter);
        supervision.start_on(&arbiter, "repository", settler, settings.on_end);
        Ok(repo)
    }

    /// Reads a file, up to [`LARGEST_FILE`].
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub async fn read(&self, path: &RepoPath) -> Result<File, RepoError> {
        self.read_at_most(path, LARGEST_FILE).await
    }

    /// Reads a file of at most `limit` bytes, and never more than [`LARGEST_FILE`].
    ///
    /// # Errors
    /// It is not there, is larger, or cannot be read.
    pub async fn read_at_most(&self, path: &RepoPath, limit: u64) -> Result<File, RepoError> {
        let (path, limit) = (path.clone(), limit.min(LARGEST_FILE));
        self.blocking(Work::Read, move |deps| Ok(deps.root.read(&path, limit)?)).await
    }

    /// Whether the directory of the repository still is where it was.
    pub async fn is_there(&self) -> bool {
        let deps = Arc::clone(&self.0.deps);
        // Whoever asks whether the daemon is well does not wait behind those who keep it busy.
        tokio::task::spawn_blocking(move || deps.root.is_there()).await.unwrap_or(false)
    }

    /// Finds files.
    ///
    /// # Errors
    /// Too many others search, or the files cannot be read.
    pub async fn search(&self, query: Query, limit: usize) -> Result<Found, RepoError> {
        Ok(self.0.index.search(query, limit).await?)
    }

    /// How far the index of the search is.
    pub fn index_state(&self) -> IndexState {
        self.0.index.state()
    }

    fn index(&self) -> &Index {
        &self.0.index
    }

    fn journal(&self) -> &Journal {
        &self.0.journal
    }

    fn locks(&self) -> &PathLocks {
        &self.0.locks
    }

    /// A place among the changes that are under way.
    fn admit_change(&self) -> Result<OwnedSemaphorePermit, RepoError> {
        if self.0.read_only {
            return Err(RepoError::ReadOnly);
        }
        Arc::clone(&self.0.changes).try_acquire_owned().map_err(|_full| RepoError::Overloaded)
    }

    /// Runs what blocks on a thread for that, when there is room.
    async fn blocking<T, W>(&self, kind: Work, work: W) -> Result<T, RepoError>
    where
        T: Send + 'static,
        W: FnOnce(&Deps) -> Result<T, RepoError> + Send + 'static,
    {
        let place = self.0.places.take(kind).await.ok_or(RepoError::Overloaded)?;
        let deps = Arc::clone(&self.0.deps);
        let run = tokio::task::spawn_blocking(move || {
            let outcome = work(&deps);
            drop(place);
            outcome
        });
        run.await.unwrap_or(Err(RepoError::Panicked))
    }
}
