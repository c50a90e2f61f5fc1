//! The directory that a file is in, held open while the file is changed.

use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::{AtFlags, Stat};
use rustix::io::Errno;

use super::seen::{Attributes, Seen};
use super::{FileError, Over, Root, beneath};
use crate::repo::RepoPath;

/// The mode of a new directory: its owner's alone.
const NEW_DIRECTORY: u32 = 0o700;

/// The directory that a file is in.
#[derive(Debug)]
pub(super) struct Parent {
    pub(super) opened: OwnedFd,
    /// Those on the way to it that were made for the file, from the root on.
    made: Vec<Made>,
}

/// A directory that was made, and what it was made in.
#[derive(Debug)]
struct Made {
    within: OwnedFd,
    name: String,
}

impl Parent {
    /// Removes the directories that were made for a file which then was not written. Those that
    /// somebody put something into meanwhile stay.
    pub(super) fn unmake(&self) {
        for made in self.made.iter().rev() {
            let _in_use =
                rustix::fs::unlinkat(&made.within, made.name.as_str(), AtFlags::REMOVEDIR);
        }
    }

    /// Brings the names in it to the disk.
    pub(super) fn sync(&self) -> Result<(), Errno> {
        rustix::fs::fsync(&self.opened)
    }
}

impl Root {
    /// Opens the directory that `path` is in.
    pub(super) fn parent(&self, path: &RepoPath) -> Result<Parent, FileError> {
        if !self.is_there() {
            return Err(FileError::Gone);
        }
        let opened = self.open_parent(path).map_err(|errno| self.error(errno, path))?;
        Ok(Parent { opened, made: Vec::new() })
    }

    /// Opens the directory that `path` is in, and makes it if nothing need be there.
    pub(super) fn parent_for(&self, path: &RepoPath, over: Over<'_>) -> Result<Parent, FileError> {
        match (self.parent(path), over) {
            (Err(FileError::NotFound(_)), Over::Nothing) => self.make_parent(path),
            (Err(FileError::NotFound(_)), Over::Exactly(_)) => {
                Err(FileError::Changed(path.clone()))
            }
            (found, _) => found,
        }
    }

    fn open_parent(&self, path: &RepoPath) -> Result<OwnedFd, Errno> {
        let directory = path.parent();
        let name = directory.as_ref().map_or(".", RepoPath::as_str);
        beneath::open_directory(self.directory.as_fd(), name)
    }

    fn make_parent(&self, path: &RepoPath) -> Result<Parent, FileError> {
        let failed = |errno| self.error(errno, path);
        let opened = beneath::open_directory(self.directory.as_fd(), ".").map_err(failed)?;
        let mut parent = Parent { opened, made: Vec::new() };
        let directory = path.parent();
        for name in directory.iter().flat_map(RepoPath::names) {
            if let Err(errno) = parent.enter(name) {
                parent.unmake();
                return Err(failed(errno));
            }
        }
        Ok(parent)
    }

    /// Whether the directory still is where `path` says. Otherwise what is put there would turn up
    /// wherever it was moved.
    pub(super) fn check_place(&self, parent: &Parent, path: &RepoPath) -> Result<(), FileError> {
        let identity = |opened: &OwnedFd| {
            rustix::fs::fstat(opened).map(|stat: Stat| (stat.st_dev, stat.st_ino))
        };
        let found = self.open_parent(path).and_then(|found| identity(&found));
        let held = identity(&parent.opened).map_err(|errno| self.error(errno, path))?;
        if found == Ok(held) { Ok(()) } else { Err(FileError::Moved(path.clone())) }
    }

    /// What is seen of a name in the directory, if it is one of those that are used.
    pub(super) fn look_in(
        &self,
        parent: &Parent,
        path: &RepoPath,
    ) -> Result<(Seen, Attributes), FileError> {
        let name = path.file_name();
        let stat = rustix::fs::statat(&parent.opened, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|errno| self.error(errno, path))?;
        Ok((super::usable(path, &stat)?, Attributes::of(&stat)))
    }

    /// Whether what is there is what should be; if it is a file, what belongs to it.
    pub(super) fn check_over(
        &self,
        parent: &Parent,
        path: &RepoPath,
        over: Over<'_>,
    ) -> Result<Option<Attributes>, FileError> {
        match (self.look_in(parent, path), over) {
            (Err(FileError::NotFound(_)), Over::Nothing) => Ok(None),
            (Ok((found, attributes)), Over::Exactly(seen)) if found == *seen => {
                Ok(Some(attributes))
            }
            (Ok(_) | Err(FileError::NotFound(_)), Over::Exactly(_)) => {
                Err(FileError::Changed(path.clone()))
            }
            (Ok(_), Over::Nothing) => Err(FileError::Exists(path.clone())),
            (Err(other), _) => Err(other),
        }
    }
}

impl Parent {
    /// Goes on to a directory in it, which is made if it is not there.
    fn enter(&mut self, name: &str) -> Result<(), Errno> {
        let made = match rustix::fs::mkdirat(&self.opened, name, NEW_DIRECTORY.into()) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(errno),
        };
        let synced = if made { self.sync() } else { Ok(()) };
        let below = synced.and_then(|()| beneath::open_directory(self.opened.as_fd(), name));
        match below {
            Ok(below) => {
                let within = std::mem::replace(&mut self.opened, below);
                if made {
                    self.made.push(Made { within, name: name.to_owned() });
                }
                Ok(())
            }
            Err(errno) => {
                if made {
                    let _in_use = rustix::fs::unlinkat(&self.opened, name, AtFlags::REMOVEDIR);
                }
                Err(errno)
            }
        }
    }
}
