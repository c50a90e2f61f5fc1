//! The one way to a file of the repository.
//!
//! A [`Root`] holds the directory of the repository open and looks every path up from there, with
//! the kernel refusing to leave it: no symbolic link is followed, wherever it leads, and no other
//! file system entered. What was found is looked at once more before it is used: only regular files
//! with one name are. All calls block.
//!
//! # Invariants
//!
//! 1. Nothing outside of the directory is opened, made, changed or removed, whoever moves what in
//!    the meantime.
//! 2. A file has its old contents or its new ones, also after a loss of power; what was
//!    acknowledged is on the disk.
//! 3. No call waits for another program: pipes, sockets and devices are never read.

mod as_git_sees;
mod beneath;
mod directory;
mod error;
mod own;
mod relocate;
mod seen;
mod temporary;
mod walk;
mod watch;
mod write;

use std::io::Read as _;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use self::own::OwnPaths;
use self::seen::{SYMBOLIC_LINK, not_a_file};
use super::RepoPath;

pub use self::error::{FileError, RootError};
pub use self::own::OwnFiles;

pub use self::seen::{File, Seen};
pub use self::temporary::TemporaryName;
pub use self::walk::{Entry, EntryKind, WalkLimits, Walked};
pub use self::write::Over;

/// The directory of the repository, held open.
#[derive(Debug)]
pub struct Root {
    directory: OwnedFd,
    /// Where it was found, to see whether it is still there. Nothing is looked up through this.
    place: PathBuf,
    own: OwnPaths,
}

impl Root {
    /// Opens the directory of a repository. Links on the way to it are followed this once.
    ///
    /// # Errors
    /// It cannot be opened, or the kernel cannot confine lookups to it.
    pub fn open(directory: &Path, own: &OwnFiles) -> Result<Self, RootError> {
        let place = directory.canonicalize().map_err(RootError::Unusable)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(&place, flags, Mode::empty())
            .map_err(|errno| RootError::Unusable(errno.into()))?;
        match beneath::open(opened.as_fd(), ".", flags, Mode::empty()) {
            Ok(_itself) => {}
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => return Err(RootError::TooOldKernel),
            Err(errno) => return Err(RootError::Unusable(errno.into())),
        }
        let own = OwnPaths::below(&place, own);
        Ok(Self { directory: opened, place, own })
    }

    /// Whether the directory still is where it was found.
    pub fn is_there(&self) -> bool {
        let (held, found) = (rustix::fs::fstat(&self.directory), rustix::fs::stat(&self.place));
        match (held, found) {
            (Ok(held), Ok(found)) => {
                (held.st_dev, held.st_ino) == (found.st_dev, found.st_ino) && held.st_nlink != 0
            }
            (Err(_), _) | (_, Err(_)) => false,
        }
    }

    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    /// It is not there, or nothing that is read.
    pub fn read(&self, path: &RepoPath, limit: u64) -> Result<File, FileError> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = self.open_visible(path, flags)?;
        let seen = self.regular(path, opened.as_fd())?;
        if limit < seen.size {
            return Err(FileError::TooLarge { path: path.clone(), size: seen.size, limit });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(seen.size).unwrap_or(0) + 1);
        let mut file = std::fs::File::from(opened).take(limit.saturating_add(1));
        file.read_to_end(&mut bytes)
            .map_err(|source| FileError::Io { path: path.clone(), source })?;
        let size = bytes.len() as u64;
        if limit < size {
            // It grew while it was read.
            return Err(FileError::TooLarge { path: path.clone(), size, limit });
        }
        Ok(File { bytes, seen })
    }

    /// Looks at a file without reading it.
    ///
    /// # Errors
    /// It is not there, or nothing that is read.
    pub fn look(&self, path: &RepoPath) -> Result<Seen, FileError> {
        let opened = self.open_visible(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC)?;
        self.regular(path, opened.as_fd())
    }

    fn open_visible(&self, path: &RepoPath, flags: OFlags) -> Result<OwnedFd, FileError> {
        if self.own.hides(path) {
            return Err(FileError::NotFound(path.clone()));
        }
        beneath::open(self.directory.as_fd(), path.as_str(), flags, Mode::empty())
            .map_err(|errno| self.error(errno, path))
    }

    /// What is seen of an open file, if it is one of those that are used.
    fn regular(&self, path: &RepoPath, opened: BorrowedFd<'_>) -> Result<Seen, FileError> {
        let stat = rustix::fs::fstat(opened).map_err(|errno| self.error(errno, path))?;
        usable(path, &stat)
    }

    /// What a failed system call means for `path`.
    fn error(&self, errno: Errno, path: &RepoPath) -> FileError {
        if matches!(errno, Errno::NOENT | Errno::STALE) && !self.is_there() {
            return FileError::Gone;
        }
        FileError::of(errno, path)
    }
}

fn usable(path: &RepoPath, stat: &rustix::fs::Stat) -> Result<Seen, FileError> {
    match not_a_file(stat) {
        Some(SYMBOLIC_LINK) => Err(FileError::SymbolicLink(path.clone())),
        Some(what) => Err(FileError::NotAFile { path: path.clone(), what }),
        None if 1 < stat.st_nlink => Err(FileError::HardLink(path.clone())),
        None => Ok(Seen::of(stat)),
    }
}

#[cfg(test)]
mod tests;
