//! What git knows: how the working tree stands, what differs, what was committed, and where others
//! can read it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::git::{Diff, DiffRequest, Forge, GitError, GitTree, Log, LogRequest, Status};
use super::{Deps, Repo, RepoError, RepoPath, Work};

/// How long it is believed where the forge is: a branch may be switched, a remote renamed.
const FORGE_BELIEVED: Duration = Duration::from_secs(10);

/// Where the files are on a forge, as it was last seen.
#[derive(Debug, Default)]
pub(super) struct KnownForge(Mutex<Option<SeenForge>>);

#[derive(Debug, Clone)]
struct SeenForge {
    at: Instant,
    forge: Option<Forge>,
}

impl KnownForge {
    fn get(&self) -> Option<SeenForge> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|seen| seen.at.elapsed() < FORGE_BELIEVED).cloned()
    }

    fn set(&self, seen: SeenForge) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
    }
}

impl Deps {
    /// The git repository at the root. Blocks.
    pub(super) fn git(&self) -> Result<GitTree, GitError> {
        GitTree::open(self.root.clone(), self.git.clone())
    }
}

impl Repo {
    /// Has git do something.
    pub(super) async fn git<T, W>(&self, kind: Work, work: W) -> Result<T, RepoError>
    where
        T: Send + 'static,
        W: FnOnce(&GitTree) -> Result<T, GitError> + Send + 'static,
    {
        self.blocking(kind, move |deps| Ok(work(&deps.git()?)?)).await
    }

    /// How the working tree and the index stand, up to `limit` files.
    ///
    /// # Errors
    /// There is no git repository at the root, or it cannot be read.
    pub async fn git_status(&self, limit: usize) -> Result<Status, RepoError> {
        self.git(Work::Survey, move |tree| tree.status(limit)).await
    }

    /// What differs from the index or the last commit.
    ///
    /// # Errors
    /// There is no git repository at the root, or it cannot be read.
    pub async fn git_diff(&self, request: DiffRequest) -> Result<Diff, RepoError> {
        self.git(Work::Survey, move |tree| tree.diff(&request)).await
    }

    /// What was committed, newest first.
    ///
    /// # Errors
    /// There is no git repository at the root, or it cannot be read.
    pub async fn git_log(&self, request: LogRequest) -> Result<Log, RepoError> {
        self.git(Work::Survey, move |tree| tree.log(&request)).await
    }

    /// The address of a file on the forge that `origin` names; none where there is no such forge.
    pub async fn forge_url(&self, path: &RepoPath) -> Option<String> {
        let seen = match self.0.forge.get() {
            Some(known) => known,
            None => {
                // A repository that git cannot read is on no forge that could be named.
                let forge = self.git(Work::Read, GitTree::forge).await.ok().flatten();
                let seen = SeenForge { at: Instant::now(), forge };
                self.0.forge.set(seen.clone());
                seen
            }
        };
        seen.forge.map(|forge| forge.blob_url(path))
    }
}
