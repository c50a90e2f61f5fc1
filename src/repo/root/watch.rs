//! Having the kernel tell what changes in directories of the repository.

use std::os::fd::{AsFd, AsRawFd as _};

use rustix::fs::fstat;
use rustix::fs::inotify::{self, WatchFlags};
use rustix::io::Errno;

use super::{Root, beneath};
use crate::repo::RepoPath;

impl Root {
    /// Has changes in a directory, or in the root, told by an inotify instance; returns the number
    /// by which it will name the directory.
    ///
    /// # Errors
    /// It is no directory below the root, or the kernel watches no more.
    pub fn watch(
        &self,
        inotify: impl AsFd,
        directory: Option<&RepoPath>,
        what: WatchFlags,
    ) -> Result<i32, Errno> {
        if directory.is_some_and(|path| self.own.hides(path)) {
            return Err(Errno::NOENT);
        }
        let path = directory.map_or(".", RepoPath::as_str);
        let opened = beneath::open_directory(self.directory.as_fd(), path)?;
        // The kernel takes a name and no descriptor; this name means what is open.
        inotify::add_watch(inotify, format!("/proc/self/fd/{}", opened.as_raw_fd()), what)
    }

    /// A number for this directory and where it is; another one stands for another repository.
    pub fn fingerprint(&self) -> u64 {
        use sha2::{Digest as _, Sha256};

        let mut text = Sha256::new();
        if let Ok(stat) = fstat(&self.directory) {
            text.update(stat.st_dev.to_le_bytes());
            text.update(stat.st_ino.to_le_bytes());
        }
        text.update(self.place.as_os_str().as_encoded_bytes());
        text.finalize().first_chunk().copied().map_or(0, u64::from_le_bytes)
    }
}
