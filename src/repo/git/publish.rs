//! Making a prepared commit the newest of its branch.
//!
//! The index comes first, then the branch. Killed in between, the daemon leaves the paths staged,
//! which the next commit takes along; the other way round it would leave the undoing of its own
//! commit staged, and the next `git commit` of somebody would quietly take it back.
//!
//! Both locks are held before anything changes, and the branch is looked at once more under them.
//! So what is staged is committed a moment later, and a `git commit` of somebody else that saw the
//! new index with the old branch, because git reads the index before it locks it, finds that the
//! branch moved and gives up.

use std::time::Duration;

use git2::{ErrorCode, Repository, Transaction};

use super::commit::PreparedCommit;
use super::error::GitError;
use super::index;
use super::index_lock::{self, Patience};
use super::repository::{Branch, GitTree, branch_to_commit_to};
use crate::adapters::git::{CommitId, durable};

/// How long others are waited for, for both locks together.
const PATIENCE: Duration = Duration::from_secs(2);

impl GitTree {
    /// Makes the commit the newest of its branch, and stages what it holds. When this returns, both
    /// are on the disk.
    ///
    /// # Errors
    /// [`GitError::Moved`] if the branch is not where it was, [`GitError::Busy`] if others hold a
    /// lock for two seconds, or an operation that began in the meantime; index and branch are then
    /// as they were. After [`GitError::Unavailable`] the commit may be on the branch or not, and
    /// [`GitTree::holds`] tells.
    pub fn publish(&self, prepared: &PreparedCommit) -> Result<CommitId, GitError> {
        let repository = self.repository()?;
        refuse_if_moved(&repository, &prepared.branch)?;
        let mut patience = Patience::new(PATIENCE);
        let staged = index::stage(repository.path(), &prepared.stagings, &mut patience)?;
        let name = &prepared.branch.reference;
        let mut transaction = locked(&repository, name, &mut patience)?;
        refuse_if_moved(&repository, &prepared.branch)?;
        let kind = if prepared.branch.commit.is_none() { "commit (initial)" } else { "commit" };
        let log = format!("{kind}: {}", prepared.message.subject());
        let signature = self.signature_at(prepared.at)?;
        transaction.set_target(name, prepared.id.oid(), Some(&signature), &log)?;
        staged.replace()?;
        if let Err(error) = transaction.commit() {
            staged.take_back()?;
            return Err(error.into());
        }
        staged.keep()?;
        durable::sync_reference(&repository, name)?;
        Ok(prepared.id)
    }

    /// Takes away what a daemon that was killed while it published left, so that its lock is in
    /// nobody's way. What others hold or left is not touched.
    ///
    /// # Errors
    /// The repository cannot be used, or something of it cannot be removed.
    pub fn clear_left_files(&self) -> Result<(), GitError> {
        Ok(index_lock::clear_left_files(self.repository()?.path())?)
    }
}

/// Takes the lock of the branch; no other one is ever removed.
fn locked<'a>(
    repository: &'a Repository,
    name: &str,
    patience: &mut Patience,
) -> Result<Transaction<'a>, GitError> {
    loop {
        let mut transaction = repository.transaction()?;
        match transaction.lock_ref(name) {
            Ok(()) => return Ok(transaction),
            Err(error) if error.code() == ErrorCode::Locked && patience.wait() => {}
            Err(error) if error.code() == ErrorCode::Locked => {
                return Err(GitError::Busy(format!("{name}.lock").into()));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn refuse_if_moved(repository: &Repository, expected: &Branch) -> Result<(), GitError> {
    match branch_to_commit_to(repository)? {
        branch if branch == *expected => Ok(()),
        _ => Err(GitError::Moved),
    }
}
