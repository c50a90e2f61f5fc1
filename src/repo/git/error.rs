//! Why git did not do what was asked.

use git2::ErrorCode;

use crate::adapters::git::{CommitId, GitError as AdapterError};
use crate::repo::RepoPath;
use crate::repo::root::FileError;

/// Why nothing was read or committed. `Display` may be shown to a client, `source()` may not: it
/// names paths of the machine.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The root is under no version control.
    #[error("there is no git repository at the root")]
    NoRepository,
    /// libgit2 opens no repository of somebody else.
    #[error(
        "the git repository belongs to another user; change its owner, or name it in git's \
         safe.directory"
    )]
    OtherOwner,
    /// A bare repository has nothing to commit from.
    #[error("the git repository is bare: it has no working tree to commit from")]
    NoWorkingTree,
    /// Its configuration or its `.git` file leads elsewhere.
    #[error("the working tree of the git repository is not the root that is served")]
    OtherWorkingTree,
    /// `objects/info/alternates` leads out of the repository.
    #[error(
        "the git repository borrows objects of another one, which is not supported; make it whole \
         with `git repack -a -d` and remove objects/info/alternates"
    )]
    BorrowedObjects,
    /// The index has parts that libgit2 does not know, or is damaged.
    #[error(
        "the git index cannot be read: it is damaged, or split or sparse, which is not supported"
    )]
    UnusableIndex(#[source] git2::Error),
    /// The configured author cannot be one.
    #[error(
        "the author of git commits needs a name and an e-mail address without <, > and control \
         characters"
    )]
    InvalidAuthor,
    /// No branch would hold the commit.
    #[error("HEAD is detached, so that no branch would hold a commit; check out a branch first")]
    Detached,
    /// HEAD is no branch, and no commit either.
    #[error("HEAD does not name a branch below refs/heads/; check out a branch first")]
    UnusualHead,
    /// Somebody is in the middle of something, whose next step a commit would be.
    #[error("{0} is in progress in the git repository; finish or abort it first")]
    InProgress(Operation),
    /// A merge left paths that nobody decided.
    #[error("the git index has unresolved conflicts; resolve them first")]
    Conflicts,
    /// A named path is nowhere.
    #[error("{0} is neither in the working tree nor in the last commit")]
    Unknown(RepoPath),
    /// A named path is not to be committed, the repository's owner says.
    #[error("{0} is ignored by .gitignore and was never committed; it is not taken in")]
    Ignored(RepoPath),
    /// A named path is no file.
    #[error("{0} is a directory; name the files in it")]
    Directory(RepoPath),
    /// A named path is in another repository, or is one.
    #[error("{0} belongs to another git repository within this one, and is committed there")]
    NestedRepository(RepoPath),
    /// A named commit is not to be found where it was looked for.
    #[error("commit {0} is not in the history of the branch that is checked out")]
    UnknownCommit(CommitId),
    /// More than one commit takes.
    #[error("one commit changes at most {0} files; name fewer")]
    TooManyChanges(usize),
    /// More than is gone through at once.
    #[error(
        "the working tree has more than {0} files, or takes too long to go through; name the paths"
    )]
    TooLarge(usize),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// What was named is as HEAD has it.
    #[error("there is nothing to commit: what was named is as in the last commit")]
    NothingToCommit,
    /// Somebody committed or changed the branch in the meantime; the same again may help.
    #[error("the git branch moved in the meantime")]
    Moved,
    /// Somebody holds a lock; asking again may help, and a lock that was left must be removed by
    /// hand.
    #[error(
        "another git program holds {0}; try again, and if none runs any more, remove that file"
    )]
    Busy(Box<str>),
    /// The repository failed; asking again may help.
    #[error("the git repository cannot be used just now")]
    Unavailable(#[source] anyhow::Error),
}

/// Something that git was told to do and that is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `git merge`
    Merge,
    /// `git revert`
    Revert,
    /// `git cherry-pick`
    CherryPick,
    /// `git bisect`
    Bisect,
    /// `git rebase`
    Rebase,
    /// `git am`
    ApplyMailbox,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 6] = [
        Self::Merge,
        Self::Revert,
        Self::CherryPick,
        Self::Bisect,
        Self::Rebase,
        Self::ApplyMailbox,
    ];

    /// One word for it, as in the command.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Revert => "revert",
            Self::CherryPick => "cherry-pick",
            Self::Bisect => "bisect",
            Self::Rebase => "rebase",
            Self::ApplyMailbox => "am",
        }
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "git {}", self.as_str())
    }
}

impl From<git2::Error> for GitError {
    fn from(error: git2::Error) -> Self {
        match error.code() {
            ErrorCode::Modified => Self::Moved,
            ErrorCode::Locked => Self::Busy("a lock of the branch".into()),
            ErrorCode::Owner => Self::OtherOwner,
            _ => Self::Unavailable(error.into()),
        }
    }
}

impl From<std::io::Error> for GitError {
    fn from(error: std::io::Error) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<AdapterError> for GitError {
    fn from(error: AdapterError) -> Self {
        match error {
            AdapterError::NoRepository => Self::NoRepository,
            AdapterError::OtherOwner => Self::OtherOwner,
            AdapterError::InvalidAuthor => Self::InvalidAuthor,
            other => Self::Unavailable(other.into()),
        }
    }
}
