//! What is asked of a commit, and what was made of it before anybody can see it.

use git2::Oid;

use super::index::Staging;
use super::message::CommitMessage;
use super::repository::Branch;
use crate::adapters::git::CommitId;
use crate::clock::Timestamp;
use crate::repo::{ContentDigest, RepoPath};

/// What a commit takes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paths {
    /// Exactly these files, as they stand in the working tree; one that is not there any more is
    /// removed.
    Named(Vec<RepoPath>),
    /// All that differs in the working tree, new files that are not ignored included. Files whose
    /// names are refused, and links, stay as the last commit has them.
    All,
}

/// A commit to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRequest {
    /// What it takes in.
    pub paths: Paths,
    /// What it says.
    pub message: CommitMessage,
    /// Whether `Signed-off-by:` with the author is added.
    pub signoff: bool,
    /// When.
    pub at: Timestamp,
}

/// What a commit does to one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedChange {
    /// The path from the root of the repository. Of a name that is no Unicode, what can be shown.
    pub path: String,
    /// What it held; none if it was not there.
    pub before: Option<ContentDigest>,
    /// What it holds; none if it is removed.
    pub after: Option<ContentDigest>,
}

/// A commit that is on the disk with all that belongs to it, and that no branch has yet.
#[derive(Debug, Clone)]
pub struct PreparedCommit {
    pub(super) id: CommitId,
    pub(super) branch: Branch,
    pub(super) message: CommitMessage,
    pub(super) at: Timestamp,
    pub(super) changes: Vec<StagedChange>,
    pub(super) stagings: Vec<Staging>,
}

impl PreparedCommit {
    /// The commit.
    pub fn id(&self) -> CommitId {
        self.id
    }

    /// The commit before it; none for the first of a branch.
    pub fn parent(&self) -> Option<CommitId> {
        self.branch.commit.map(Oid::into)
    }

    /// The short name of its branch.
    pub fn branch(&self) -> &str {
        self.branch.short_name()
    }

    /// What it says, with the sign-off if one was asked for.
    pub fn message(&self) -> &CommitMessage {
        &self.message
    }

    /// What it changes, in the order of the paths.
    pub fn changes(&self) -> &[StagedChange] {
        &self.changes
    }
}
