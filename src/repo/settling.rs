//! Finding out what became of a change that was cut off, and the actor that records what could not
//! be recorded at once.

use std::time::Duration;

use actix::prelude::*;
use tracing::{error, info};

use super::change::{Change, Evidence};
use super::git::{CommitId, GitError};
use super::root::{FileError, TemporaryName};
use super::{ContentDigest, Deps, LARGEST_FILE, Repo, RepoError, RepoPath, Work};
use crate::store::StoreError;

/// The time between two tries to record what is owed.
const TICK: Duration = Duration::from_secs(2);

/// Looks at what a change was to change. Blocks.
pub(super) fn look(deps: &Deps, change: &Change) -> Result<Evidence, RepoError> {
    Ok(match change {
        Change::Write { path, .. } | Change::Remove { path, .. } => {
            Evidence::File(held(deps, path)?)
        }
        Change::Rename { from, to, .. } => {
            Evidence::Names { from: held(deps, from)?, to: held(deps, to)? }
        }
        Change::Commit { commit, .. } => {
            // What names no commit names none that a branch has.
            let has_commit = match CommitId::parse(commit) {
                Some(id) => deps.git()?.holds(id)?,
                None => false,
            };
            Evidence::Branch { has_commit }
        }
    })
}

/// What a file holds, if it is there.
fn held(deps: &Deps, path: &RepoPath) -> Result<Option<ContentDigest>, RepoError> {
    match deps.root.read(path, LARGEST_FILE) {
        Ok(file) => Ok(Some(ContentDigest::of(&file.bytes))),
        Err(FileError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Repo {
    /// Settles what an earlier daemon left, before anything else is changed.
    pub(super) async fn settle_what_was_left(&self) -> Result<(), RepoError> {
        // A lock that is left would be in everybody's way until the next commit of ours.
        if let Err(error) = self.blocking(Work::Change, tidy_git).await {
            error!(%error, "what a cut-off commit may have left was not removed");
        }
        for intent in self.journal().left_open().await? {
            let change = intent.change.clone();
            let tidied = self.blocking(Work::Change, move |deps| tidy(deps, &change)).await;
            if let Err(error) = tidied {
                error!(%error, "what a cut-off write left beside its file was not removed");
            }
            let Some(fate) = self.fate_of(&intent).await else { continue };
            let action = intent.change.action();
            info!(action, ?fate, "a change of the repository was cut off and is settled");
            self.journal().close(&intent, fate).await?;
        }
        Ok(())
    }
}

/// Removes what a write that was cut off left beside its file. Blocks.
fn tidy(deps: &Deps, change: &Change) -> Result<(), RepoError> {
    let Change::Write { path, temporary, .. } = change else { return Ok(()) };
    let Some(temporary) = TemporaryName::parse(temporary) else { return Ok(()) };
    Ok(deps.root.remove_temporary(path, &temporary)?)
}

/// Removes what a commit that was cut off left in the git repository, if there is one. Blocks.
fn tidy_git(deps: &Deps) -> Result<(), RepoError> {
    match deps.git() {
        Err(GitError::NoRepository) => Ok(()),
        tree => Ok(tree?.clear_left_files()?),
    }
}

/// Records what is owed, when the database can be written again.
pub(super) struct Settler {
    repo: Repo,
}

impl Settler {
    pub(super) fn new(repo: Repo) -> Self {
        Self { repo }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        let repo = self.repo.clone();
        let work = async move {
            for (intent, fate) in repo.journal().take_owed() {
                match repo.close(&intent, fate).await {
                    // The first try was committed, and only its answer was lost.
                    Ok(()) | Err(RepoError::Unrecorded(StoreError::Stale)) => {
                        info!(action = intent.change.action(), "a change was recorded late");
                    }
                    // It is owed again, and said in the log.
                    Err(_) => {}
                }
            }
        };
        ctx.wait(work.into_actor(self));
    }
}

impl Actor for Settler {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(TICK, Self::look);
    }
}

impl Supervised for Settler {}
