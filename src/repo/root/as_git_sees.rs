//! What only git asks about the root.

use std::io::Read;
use std::os::fd::AsFd as _;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::{FileError, Root, Seen, beneath};
use crate::repo::RepoPath;

impl Root {
    /// Whether the root is this directory, by its device and inode.
    pub(in crate::repo) fn is(&self, device: u64, inode: u64) -> bool {
        rustix::fs::fstat(&self.directory)
            .is_ok_and(|stat| (stat.st_dev, stat.st_ino) == (device, inode))
    }

    /// Whether the path is the daemon's own, so that it looks absent although it may be there.
    pub(in crate::repo) fn hides(&self, path: &RepoPath) -> bool {
        self.own.hides(path)
    }

    /// Opens a file of any size, to go through it piece by piece.
    ///
    /// # Errors
    /// It is not there, or nothing that is read.
    pub(in crate::repo) fn open_file(
        &self,
        path: &RepoPath,
    ) -> Result<(Seen, impl Read + use<>), FileError> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = self.open_visible(path, flags)?;
        let seen = self.regular(path, opened.as_fd())?;
        Ok((seen, std::fs::File::from(opened)))
    }

    /// Whether a directory is the top of another repository.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub(in crate::repo) fn holds_repository(
        &self,
        directory: &RepoPath,
    ) -> Result<bool, FileError> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let git = format!("{directory}/.git");
        match beneath::open(self.directory.as_fd(), &git, flags, Mode::empty()) {
            Ok(_there) => Ok(true),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(errno) => Err(self.error(errno, directory)),
        }
    }
}
