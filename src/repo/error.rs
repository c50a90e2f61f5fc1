//! Why the repository was not read or changed.

use super::git::GitError;
use super::locks::Waited;
use super::patch::PatchError;
use super::root::FileError;
use super::search::SearchError;
use super::{ContentDigest, PathError, RepoPath};
use crate::store::StoreError;

/// What a failure means for whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepoErrorKind {
    /// What was asked is wrong in itself.
    Invalid,
    /// It cannot be done as asked, as things stand.
    Refused,
    /// Too much is asked at once; the same call may succeed in a second.
    Overloaded,
    /// It failed on our side.
    Failed,
}

/// Why the repository was not read or changed. `Display` is for the client, `source()` for the log.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// The path cannot be one.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The patch cannot be applied.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// Git cannot do it.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The search gave no answer.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The file holds something else than the caller believes.
    #[error(
        "{path} has the SHA-256 {found}, and expectSha256 is {expected}: it was changed in the \
         meantime; fetch it again"
    )]
    Changed {
        /// The file.
        path: RepoPath,
        /// What the caller believes.
        expected: ContentDigest,
        /// What it holds.
        found: ContentDigest,
    },
    /// The file is there, and the caller does not say what it holds.
    #[error("{0} exists: expectSha256 must be the 64 hexadecimal digits that fetch gives for it")]
    NoDigest(RepoPath),
    /// A file would become larger than files may be.
    #[error("{path} would have {size} bytes, and at most {limit} are written")]
    TooLarge {
        /// The file.
        path: RepoPath,
        /// What it would have, in bytes.
        size: u64,
        /// What it may have, in bytes.
        limit: u64,
    },
    /// Both names are the same.
    #[error("from and to are both {0}; a new name must differ from the old one")]
    SameName(RepoPath),
    /// Nothing may be changed.
    #[error("the repository is served read-only; its operator can change repo.read_only")]
    ReadOnly,
    /// Others are before.
    #[error("too many calls use the repository; try again in a second")]
    Overloaded,
    /// The change was made, and its fact waits.
    #[error(
        "it was done, and cannot be recorded just now; it is recorded as soon as the database can \
         be written: {0}"
    )]
    Unrecorded(#[source] StoreError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Our own code failed.
    #[error("the call failed half-way; what it did is recorded, and a new call may succeed")]
    Panicked,
}

impl RepoError {
    /// What it means for whoever asked.
    pub fn kind(&self) -> RepoErrorKind {
        match self {
            Self::Path(_) | Self::NoDigest(_) | Self::File(FileError::Refused { .. }) => {
                RepoErrorKind::Invalid
            }
            Self::Overloaded | Self::Search(SearchError::Overloaded) => RepoErrorKind::Overloaded,
            Self::Store(error) if error.is_transient() => RepoErrorKind::Overloaded,
            Self::File(FileError::Io { .. } | FileError::Gone)
            | Self::Git(GitError::Unavailable(_))
            | Self::Search(SearchError::Failed)
            | Self::Unrecorded(_)
            | Self::Store(_)
            | Self::Panicked => RepoErrorKind::Failed,
            Self::File(_)
            | Self::Git(_)
            | Self::Patch(_)
            | Self::Search(SearchError::File(_))
            | Self::Changed { .. }
            | Self::TooLarge { .. }
            | Self::SameName(_)
            | Self::ReadOnly => RepoErrorKind::Refused,
        }
    }
}

impl From<Waited> for RepoError {
    fn from(_: Waited) -> Self {
        Self::Overloaded
    }
}
