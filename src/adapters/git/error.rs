//! Why a repository could not be read or changed.

use git2::ErrorCode;

/// Why nothing was read or changed. `Display` may be shown to a client, `source()` may not: it
/// names paths.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no repository where one is configured.
    #[error("there is no git repository where one is configured")]
    NoRepository,
    /// libgit2 opens no repository of somebody else.
    #[error(
        "the configured git repository belongs to another user; change its owner, or name it in \
         git's safe.directory"
    )]
    OtherOwner,
    /// The configured branch cannot be one.
    #[error("{0:?} cannot be the name of a git branch")]
    InvalidBranch(String),
    /// The configured author cannot be one.
    #[error("the author of git commits needs a name and an e-mail address without < and >")]
    InvalidAuthor,
    /// Somebody works on the branch.
    #[error(
        "the git branch {0} is checked out in a working tree; name a branch that is not, or a bare \
         repository"
    )]
    CheckedOut(String),
    /// The branch is at another commit than the one the change was made for.
    #[error("the git branch moved in the meantime")]
    Moved,
    /// The path cannot be one in a repository.
    #[error("{0:?} cannot be a path in a git repository")]
    InvalidPath(String),
    /// There is something else at the path, such as a directory.
    #[error("{0} is not a file in the git repository")]
    NotAFile(String),
    /// The file is larger than anything we write.
    #[error("{path} in the git repository is larger than {limit} bytes")]
    TooLarge {
        /// The file's path in the repository.
        path: String,
        /// The limit, in bytes.
        limit: usize,
    },
    /// Another program holds a lock; asking again may help.
    #[error("another program holds the lock of the git branch")]
    Locked,
    /// The repository failed; asking again may help.
    #[error("the git repository cannot be used just now")]
    Unavailable(#[source] anyhow::Error),
}

impl GitError {
    /// Whether the same call may succeed later without anybody mending anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Moved | Self::Locked | Self::Unavailable(_))
    }
}

impl From<git2::Error> for GitError {
    fn from(error: git2::Error) -> Self {
        match error.code() {
            ErrorCode::Modified => Self::Moved,
            ErrorCode::Locked => Self::Locked,
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
