//! Why a file was not read or changed, in one sentence that a caller can act on.

use std::io;

use rustix::io::Errno;

use super::seen::DIRECTORY;
use crate::repo::{PathError, RepoPath};

/// Why a repository cannot be opened at all. The operator reads this, not a client.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The kernel cannot hold a lookup below a directory.
    #[error("the repository tools need Linux 5.6 or later, and openat2 allowed by the sandbox")]
    TooOldKernel,
    /// The directory cannot be opened.
    #[error("the directory of the repository cannot be opened")]
    Unusable(#[source] io::Error),
}

/// Why a file was not read or changed. Each names the path as the repository knows it.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is nothing of that name.
    #[error("{0} does not exist")]
    NotFound(RepoPath),
    /// Something is there, and it is no regular file.
    #[error("{path} is {what}, and only regular files can be used")]
    NotAFile {
        /// What was named.
        path: RepoPath,
        /// What it is, with its article.
        what: &'static str,
    },
    /// It was to be listed, or to hold files.
    #[error("{0} is not a directory, or lies below something that is none")]
    NotADirectory(RepoPath),
    /// Something is there, and was not to be replaced.
    #[error("{0} exists already")]
    Exists(RepoPath),
    /// It is a symbolic link, or behind one.
    #[error("{0} is a symbolic link or behind one, and those are not followed")]
    SymbolicLink(RepoPath),
    /// It is on another file system, which is mounted within the repository.
    #[error("{0} is on another file system than the repository")]
    OtherFileSystem(RepoPath),
    /// It has another name, which may be anywhere.
    #[error("{0} has more than one name (it is hard-linked), and such a file is not touched")]
    HardLink(RepoPath),
    /// It is larger than the caller takes.
    #[error("{path} has {size} bytes, and at most {limit} are read")]
    TooLarge {
        /// What was named.
        path: RepoPath,
        /// Its size in bytes.
        size: u64,
        /// The most bytes that would have been read.
        limit: u64,
    },
    /// Its name is not for this use.
    #[error("{path}: {reason}")]
    Refused {
        /// What was named.
        path: RepoPath,
        /// What its name has that is not allowed.
        reason: PathError,
    },
    /// It is the daemon's own.
    #[error("{0} belongs to the daemon and cannot be changed")]
    Own(RepoPath),
    /// The daemon executes what stands there.
    #[error("{0} can be read but not changed: the daemon runs what stands there")]
    Guarded(RepoPath),
    /// It is not what the caller saw.
    #[error("{0} was changed by somebody else in the meantime; read it again")]
    Changed(RepoPath),
    /// Another directory is where it should have been put.
    #[error("{0} is in a directory that was moved in the meantime")]
    Moved(RepoPath),
    /// Nobody has the permission to write to it, not even its owner.
    #[error("{0} is marked read-only")]
    ReadOnly(RepoPath),
    /// The permissions do not allow it.
    #[error("the daemon has no permission for {0}")]
    Denied(RepoPath),
    /// There is no space left, or no quota.
    #[error("{0} was not changed: the disk is full or its quota is used up")]
    Full(RepoPath),
    /// The file system takes files up to a size.
    #[error("{0} was not changed: it would be larger than the system allows")]
    OverSystemLimit(RepoPath),
    /// Nothing can be written.
    #[error("{0} was not changed: the repository is mounted read-only")]
    ReadOnlySystem(RepoPath),
    /// The directory of the repository was removed, or another stands in its place.
    #[error("the directory of the repository is gone; the daemon must be started again")]
    Gone,
    /// Anything else.
    #[error("{path} cannot be used ({})", .source.kind())]
    Io {
        /// What was named.
        path: RepoPath,
        /// What the system said.
        source: io::Error,
    },
}

impl FileError {
    /// What a failed system call means for `path`.
    pub(super) fn of(errno: Errno, path: &RepoPath) -> Self {
        let path = path.clone();
        match errno {
            Errno::NOENT => Self::NotFound(path),
            Errno::NOTDIR => Self::NotADirectory(path),
            Errno::EXIST => Self::Exists(path),
            Errno::ISDIR => Self::NotAFile { path, what: DIRECTORY },
            Errno::NXIO => Self::NotAFile { path, what: "a socket" },
            Errno::LOOP => Self::SymbolicLink(path),
            Errno::XDEV => Self::OtherFileSystem(path),
            // Only a lookup that others kept disturbing ends like this.
            Errno::AGAIN => Self::Changed(path),
            Errno::ACCESS | Errno::PERM => Self::Denied(path),
            Errno::NOSPC | Errno::DQUOT => Self::Full(path),
            Errno::FBIG => Self::OverSystemLimit(path),
            Errno::ROFS => Self::ReadOnlySystem(path),
            Errno::NAMETOOLONG => Self::Refused { path, reason: PathError::TooLong },
            other => Self::Io { path, source: other.into() },
        }
    }
}
