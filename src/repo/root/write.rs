//! Writing a file: all of it or nothing of it.
//!
//! The bytes go to a file of another name in the same directory. When they are on the disk, that
//! file takes the name, which is one step for everybody who looks. From the beginning to the end one
//! open directory is used, so that nothing is put where its name leads in the meantime.

use std::fs::File as OpenFile;
use std::io::Write as _;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use super::directory::Parent;
use super::seen::Attributes;
use super::{FileError, Root, Seen, TemporaryName, beneath};
use crate::repo::RepoPath;

/// The mode of a new file: its owner's alone, and not to be run.
const NEW_FILE: u32 = 0o600;

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
    /// replaced keeps its permissions, and its owner and group if the daemon may give them; without
    /// the group, its permissions go as well. Access lists and other attributes are not kept.
    ///
    /// # Errors
    /// What should have been there was not, or the file cannot be written. Then it is as it was,
    /// unless the directory could not be brought to the disk at the very end.
    pub fn write(
        &self,
        path: &RepoPath,
        bytes: &[u8],
        temporary: &TemporaryName,
        over: Over<'_>,
    ) -> Result<Seen, FileError> {
        self.check_change(path, over)?;
        let allowed = getrlimit(Resource::Fsize).current;
        if allowed.is_some_and(|allowed| allowed < bytes.len() as u64) {
            // Trying would end in a signal that ends the daemon.
            return Err(FileError::OverSystemLimit(path.clone()));
        }
        let parent = self.parent_for(path, over)?;
        self.write_in(&parent, path, bytes, temporary, over).inspect_err(|_error| parent.unmake())
    }

    /// Removes what a write left behind that was killed: the temporary file beside `path`. It is no
    /// error if there is none.
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
        match rustix::fs::unlinkat(&parent.opened, temporary.as_str(), AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            removed => removed.and_then(|()| parent.sync()).map_err(|e| self.error(e, path)),
        }
    }

    pub(super) fn write_in(
        &self,
        parent: &Parent,
        path: &RepoPath,
        bytes: &[u8],
        temporary: &TemporaryName,
        over: Over<'_>,
    ) -> Result<Seen, FileError> {
        let replaced = self.check_over(parent, path, over)?;
        if replaced.as_ref().is_some_and(Attributes::is_read_only) {
            return Err(FileError::ReadOnly(path.clone()));
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let opened =
            beneath::open(parent.opened.as_fd(), temporary.as_str(), flags, NEW_FILE.into())
                .map_err(|errno| self.error(errno, path))?;
        let put = self
            .fill(&opened, path, bytes, replaced.as_ref())
            .and_then(|()| self.check_place(parent, path))
            .and_then(|()| self.check_over(parent, path, over))
            .and_then(|_unchanged| self.rename_in(parent, temporary.as_str(), parent, path, over));
        if let Err(error) = put {
            // What the caller must know of is what went wrong first.
            let _worse = rustix::fs::unlinkat(&parent.opened, temporary.as_str(), AtFlags::empty());
            return Err(error);
        }
        parent.sync().map_err(|errno| self.error(errno, path))?;
        self.regular(path, opened.as_fd())
    }

    /// Brings bytes and permissions of the temporary file to the disk.
    fn fill(
        &self,
        opened: &OwnedFd,
        path: &RepoPath,
        bytes: &[u8],
        replaced: Option<&Attributes>,
    ) -> Result<(), FileError> {
        let failed = |errno| self.error(errno, path);
        write_all(opened, bytes).map_err(|source| match Errno::from_io_error(&source) {
            Some(errno) => failed(errno),
            None => FileError::Io { path: path.clone(), source },
        })?;
        let mode = match replaced {
            Some(attributes) => attributes.give_owner(opened),
            None => NEW_FILE,
        };
        // Not left to the mode at opening, which the umask takes away from.
        rustix::fs::fchmod(opened, Mode::from_raw_mode(mode)).map_err(failed)?;
        rustix::fs::fsync(opened).map_err(failed)
    }

    /// Renames, over nothing or over whatever is there.
    pub(super) fn rename_in(
        &self,
        from: &Parent,
        name: &str,
        to: &Parent,
        path: &RepoPath,
        over: Over<'_>,
    ) -> Result<(), FileError> {
        let (from, to, new_name) = (&from.opened, &to.opened, path.file_name());
        match over {
            Over::Exactly(_) => rustix::fs::renameat(from, name, to, new_name),
            Over::Nothing => {
                match rustix::fs::renameat_with(from, name, to, new_name, RenameFlags::NOREPLACE) {
                    Err(Errno::INVAL) => link_over_nothing(from, name, to, new_name),
                    renamed_or_failed => renamed_or_failed,
                }
            }
        }
        .map_err(|errno| self.error(errno, path))
    }

    /// Whether `path` may be changed at all, by its name.
    ///
    /// # Errors
    /// It may not.
    pub fn check_change(&self, path: &RepoPath, over: Over<'_>) -> Result<(), FileError> {
        if self.own.hides(path) || self.own.needs_directory(path) {
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
}

fn write_all(opened: &OwnedFd, bytes: &[u8]) -> std::io::Result<()> {
    OpenFile::from(opened.try_clone()?).write_all(bytes)
}

/// Renames on a file system that cannot tell whether something is replaced, such as NFS: there, too,
/// no link is made over anything.
pub(super) fn link_over_nothing(
    from: &OwnedFd,
    name: &str,
    to: &OwnedFd,
    new_name: &str,
) -> Result<(), Errno> {
    rustix::fs::linkat(from, name, to, new_name, AtFlags::empty())?;
    rustix::fs::unlinkat(from, name, AtFlags::empty())
}
