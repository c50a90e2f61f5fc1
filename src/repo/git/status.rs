//! What is changed: staged for the next commit, not staged, or not known to git yet.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::error::{GitError, Operation};
use super::index;
use super::repository::{GitTree, Head, head, operation};
use super::survey::{Surveyed, There};
use super::trees::{Entry, Mode};
use crate::adapters::git::CommitId;
use crate::repo::RepoPath;

/// The longest that it may take to go through the working tree, for those who only look.
pub(super) const LONGEST: Duration = Duration::from_secs(10);

/// The state of the repository, and of each file that is not as the last commit has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The short name of the branch that is checked out; none if HEAD is on no branch.
    pub branch: Option<String>,
    /// The newest commit; none before the first.
    pub head: Option<CommitId>,
    /// What somebody is in the middle of.
    pub operation: Option<Operation>,
    /// In the order of the paths.
    pub entries: Vec<StatusEntry>,
    /// Whether there are or may be more entries than these.
    pub is_cut: bool,
}

/// A file that is not as the last commit has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusEntry {
    /// Which.
    pub path: RepoPath,
    /// How the index differs from the last commit.
    pub staged: Option<FileChange>,
    /// How the working tree differs from the index.
    pub unstaged: Option<FileChange>,
    /// Whether it is in the working tree and not in the index.
    pub is_untracked: bool,
    /// Whether a merge left it to be decided.
    pub is_conflicted: bool,
}

/// How a file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileChange {
    /// It was not there before.
    Added,
    /// Its content or its permission to be executed is another.
    Modified,
    /// It is not there any more.
    Deleted,
    /// It became a link or the like, or a file again.
    TypeChanged,
}

impl FileChange {
    /// Every difference.
    pub const ALL: [Self; 4] = [Self::Added, Self::Modified, Self::Deleted, Self::TypeChanged];

    /// One word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
            Self::TypeChanged => "type_changed",
        }
    }
}

impl GitTree {
    /// Tells what is changed, at most `limit` files of it. Files that cannot be named by a
    /// [`RepoPath`] are left out, and so are the daemon's own and what is ignored. After ten seconds
    /// it tells what it saw by then.
    ///
    /// # Errors
    /// The repository cannot be read, or is too large.
    pub fn status(&self, limit: usize) -> Result<Status, GitError> {
        self.status_until(limit, Instant::now() + LONGEST)
    }

    pub(super) fn status_until(&self, limit: usize, until: Instant) -> Result<Status, GitError> {
        let repository = self.repository()?;
        let (branch, commit) = match head(&repository)? {
            Head::Branch(branch) => (Some(branch.short_name().to_owned()), branch.commit),
            Head::Detached(commit) => (None, Some(commit)),
            Head::Other => (None, None),
        };
        let tree = commit.map(|id| repository.find_commit(id)?.tree()).transpose()?;
        let index = index::read(repository.path())?;
        let surveyed = self.survey(&repository, tree.as_ref(), &index, until)?;
        let mut entries = self.entries(&surveyed);
        let is_cut = surveyed.is_cut || limit < entries.len();
        entries.truncate(limit);
        let operation = operation(&repository);
        Ok(Status { branch, head: commit.map(CommitId::from), operation, entries, is_cut })
    }

    /// Whatever differs anywhere. What is the daemon's own is as if it did not exist, although
    /// somebody may have committed or staged it.
    pub(super) fn entries(&self, surveyed: &Surveyed) -> Vec<StatusEntry> {
        let Surveyed { head, staged, conflicts, files, is_cut: _ } = surveyed;
        let committed = head.keys().chain(staged.keys()).chain(conflicts);
        let named = committed.filter_map(|path| RepoPath::parse(str::from_utf8(path).ok()?).ok());
        let paths: BTreeSet<RepoPath> = files.keys().cloned().chain(named).collect();
        let changed = paths.into_iter().filter_map(|path| entry(surveyed, path));
        changed.filter(|entry| !self.root.hides(&entry.path)).collect()
    }
}

fn entry(surveyed: &Surveyed, path: RepoPath) -> Option<StatusEntry> {
    let bytes = path.as_str().as_bytes();
    let is_conflicted = surveyed.conflicts.contains(bytes);
    if is_conflicted {
        let (staged, unstaged, is_untracked) = (None, None, false);
        return Some(StatusEntry { path, staged, unstaged, is_untracked, is_conflicted });
    }
    let (before, indexed) = (surveyed.head.get(bytes), surveyed.staged.get(bytes));
    let staged = change(before, indexed);
    let there = surveyed.files.get(&path);
    let unstaged = match (indexed, there) {
        (Some(indexed), Some(There::File(entry))) => change(Some(indexed), Some(entry)),
        (Some(indexed), Some(There::Other(mode))) => Some(changed_to(indexed.mode, *mode)),
        (Some(_), Some(There::Gone)) => Some(FileChange::Deleted),
        (Some(_), Some(There::Replaced)) => Some(FileChange::TypeChanged),
        (Some(_), None) | (None, _) => None,
    };
    let is_untracked = indexed.is_none() && matches!(there, Some(There::File(_) | There::Other(_)));
    let is_changed = staged.is_some() || unstaged.is_some() || is_untracked;
    is_changed.then_some(StatusEntry { path, staged, unstaged, is_untracked, is_conflicted })
}

fn change(before: Option<&Entry>, after: Option<&Entry>) -> Option<FileChange> {
    match (before, after) {
        (None, None) => None,
        (None, Some(_)) => Some(FileChange::Added),
        (Some(_), None) => Some(FileChange::Deleted),
        (Some(before), Some(after)) if before == after => None,
        (Some(before), Some(after)) => Some(changed_to(before.mode, after.mode)),
    }
}

fn changed_to(before: Mode, after: Mode) -> FileChange {
    if before == after || (before.is_file() && after.is_file()) {
        FileChange::Modified
    } else {
        FileChange::TypeChanged
    }
}
