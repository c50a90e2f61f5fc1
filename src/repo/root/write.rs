//! Writing a file: all of it or nothing of it.
//!
//! The bytes go to a file of another name in the same directory. When they are on the disk, that
//! file takes the name, which is one step for everybody who looks. From the beginning to the end one
//! open directory is used, so that it does not matter what happens to its name.

use std::fs::File as OpenFile;
use std::io::Write as _;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::{FileError, Root, Seen, TemporaryName, beneath};
use crate::repo::RepoPath;

/// The mode of a new file: its owner's alone, and nothing that is run.
const NEW_FILE: u32 = 0o600;

/// The mode of a new directory.
const NEW_DIRECTORY: u32 = 0o700;

/// What a file is put in the place of.
#[derive(Debug, Clone, Copy)]
pub enum Over<'a> {
    /// There must be nothing.
    Nothing,
    /// There must be what the caller saw.
    Exactly(&'a Seen),
}

impl Root {
    /// Writes a file and tells what is then seen of it. Missing directories are made. A file that is
    /// replaced keeps its permissions.
    ///
    /// # Errors
    /// What should have been there was not, or the file cannot be written; then it is as it was.
    pub fn write(
        &self,
        path: &RepoPath,
        bytes: &[u8],
        temporary: &TemporaryName,
        over: Over<'_>,
    ) -> Result<Seen, FileError> {
        self.check_change(path, over)?;
        let mut made = MadeDirectories::default();
        let written = self
            .parent_for(path, over, &mut made)
            .and_then(|parent| self.write_in(&parent, path, bytes, temporary, over));
        if written.is_err() {
            made.remove();
        }
        written
    }

    /// Removes what a write left behind that was killed: the temporary file beside `path`.
    ///
    /// # Errors
    /// It is there and cannot be removed.
    pub fn remove_temporary(
        &self,
        path: &RepoPath,
        temporary: &TemporaryName,
    ) -> Result<(), FileError> {
        let parent = match self.parent(path) {
            Err(FileError::NotFound(_) | FileError::NotADirectory(_)) => return Ok(()),
            other => other?,
        };
        match rustix::fs::unlinkat(&parent, temporary.as_str(), AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            removed => {
                removed.and_then(|()| rustix::fs::fsync(&parent)).map_err(|e| self.error(e, path))
            }
        }
    }

    fn write_in(
        &self,
        parent: &OwnedFd,
        path: &RepoPath,
        bytes: &[u8],
        temporary: &TemporaryName,
        over: Over<'_>,
    ) -> Result<Seen, FileError> {
        let mode = match over {
            Over::Nothing => NEW_FILE,
            Over::Exactly(seen) => seen.mode & 0o777,
        };
        self.check_over(parent, path, over)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let only_owner = Mode::from_raw_mode(NEW_FILE);
        let opened = beneath::open(parent.as_fd(), temporary.as_str(), flags, only_owner)
            .map_err(|errno| self.error(errno, path))?;
        let put = self
            .fill(&opened, path, bytes, mode)
            .and_then(|()| self.put(parent, path, temporary, over));
        if let Err(error) = put {
            // Whatever went wrong before is what the caller must know of.
            let _also_failed = rustix::fs::unlinkat(parent, temporary.as_str(), AtFlags::empty());
            return Err(error);
        }
        rustix::fs::fsync(parent).map_err(|errno| self.error(errno, path))?;
        self.regular(path, opened.as_fd())
    }

    /// Brings bytes and mode of the temporary file to the disk.
    fn fill(
        &self,
        opened: &OwnedFd,
        path: &RepoPath,
        bytes: &[u8],
        mode: u32,
    ) -> Result<(), FileError> {
        let failed = |errno| self.error(errno, path);
        let mut file = OpenFile::from(
            opened.try_clone().map_err(|source| FileError::Io { path: path.clone(), source })?,
        );
        file.write_all(bytes).map_err(|source| match Errno::from_io_error(&source) {
            Some(errno) => self.error(errno, path),
            None => FileError::Io { path: path.clone(), source },
        })?;
        rustix::fs::fchmod(opened, Mode::from_raw_mode(mode)).map_err(failed)?;
        rustix::fs::fsync(opened).map_err(failed)
    }

    /// Gives the temporary file its name.
    fn put(
        &self,
        parent: &OwnedFd,
        path: &RepoPath,
        temporary: &TemporaryName,
        over: Over<'_>,
    ) -> Result<(), FileError> {
        self.check_over(parent, path, over)?;
        self.rename_in(parent, temporary.as_str(), parent, path, over)
    }

    /// Renames, over nothing or over whatever is there.
    pub(super) fn rename_in(
        &self,
        from: &OwnedFd,
        name: &str,
        to: &OwnedFd,
        path: &RepoPath,
        over: Over<'_>,
    ) -> Result<(), FileError> {
        match over {
            Over::Nothing => {
                rustix::fs::renameat_with(from, name, to, path.file_name(), RenameFlags::NOREPLACE)
            }
            Over::Exactly(_) => rustix::fs::renameat(from, name, to, path.file_name()),
        }
        .map_err(|errno| self.error(errno, path))
    }

    /// Whether what is there is what should be.
    pub(super) fn check_over(
        &self,
        parent: &OwnedFd,
        path: &RepoPath,
        over: Over<'_>,
    ) -> Result<(), FileError> {
        match (self.look_in(parent, path), over) {
            (Err(FileError::NotFound(_)), Over::Nothing) => Ok(()),
            (Ok(found), Over::Exactly(seen)) if found == *seen => Ok(()),
            (Ok(_) | Err(FileError::NotFound(_)), Over::Exactly(_)) => {
                Err(FileError::Changed(path.clone()))
            }
            (Ok(_), Over::Nothing) => Err(FileError::Exists(path.clone())),
            (Err(other), _) => Err(other),
        }
    }

    /// Whether `path` may be changed at all.
    pub(super) fn check_change(&self, path: &RepoPath, over: Over<'_>) -> Result<(), FileError> {
        if self.own.hides(path) {
            return Err(FileError::Own(path.clone()));
        }
        if self.own.guards(path) {
            return Err(FileError::Guarded(path.clone()));
        }
        match over {
            Over::Nothing => path.check_new(),
            Over::Exactly(_) => path.check_writable(),
        }
        .map_err(|reason| FileError::Refused { path: path.clone(), reason })
    }

    /// The directory that `path` is in.
    pub(super) fn parent(&self, path: &RepoPath) -> Result<OwnedFd, FileError> {
        if !self.is_there() {
            return Err(FileError::Gone);
        }
        let directory = path.parent();
        let name = directory.as_ref().map_or(".", RepoPath::as_str);
        beneath::open_directory(self.directory.as_fd(), name)
            .map_err(|errno| self.error(errno, path))
    }

    /// The directory that `path` is in, made if it may be.
    pub(super) fn parent_for(
        &self,
        path: &RepoPath,
        over: Over<'_>,
        made: &mut MadeDirectories,
    ) -> Result<OwnedFd, FileError> {
        match (self.parent(path), over, path.parent()) {
            (Err(FileError::NotFound(_)), Over::Nothing, Some(directory)) => {
                self.make(&directory, path, made)
            }
            (Err(FileError::NotFound(_)), Over::Exactly(_), _) => {
                Err(FileError::Changed(path.clone()))
            }
            (found, _, _) => found,
        }
    }

    /// Makes a directory with all that it is in.
    fn make(
        &self,
        directory: &RepoPath,
        path: &RepoPath,
        made: &mut MadeDirectories,
    ) -> Result<OwnedFd, FileError> {
        let failed = |errno| self.error(errno, path);
        let mut at = beneath::open_directory(self.directory.as_fd(), ".").map_err(failed)?;
        for name in directory.as_str().split('/') {
            match rustix::fs::mkdirat(&at, name, Mode::from_raw_mode(NEW_DIRECTORY)) {
                Ok(()) => {
                    rustix::fs::fsync(&at).map_err(failed)?;
                    made.note(&at, name);
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(failed(errno)),
            }
            at = beneath::open_directory(at.as_fd(), name).map_err(failed)?;
        }
        Ok(at)
    }
}

/// The directories that were made for a file, to be removed again if it could not be written.
#[derive(Debug, Default)]
pub(super) struct MadeDirectories(Vec<(OwnedFd, String)>);

impl MadeDirectories {
    fn note(&mut self, parent: &OwnedFd, name: &str) {
        // Without a descriptor to spare, it stays: an empty directory does no harm.
        if let Ok(parent) = parent.try_clone() {
            self.0.push((parent, name.to_owned()));
        }
    }

    /// Those that somebody put something into meanwhile stay.
    pub(super) fn remove(self) {
        for (parent, name) in self.0.iter().rev() {
            let _in_use = rustix::fs::unlinkat(parent, name.as_str(), AtFlags::REMOVEDIR);
        }
    }
}
