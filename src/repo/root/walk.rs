//! Going through the files of the repository, in the order of their paths.

use std::ops::ControlFlow;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Instant;

use rustix::fs::{AtFlags, Dir, FileType};

use super::seen::not_a_file;
use super::{FileError, Root, Seen, beneath};
use crate::repo::RepoPath;

/// How far a walk goes.
#[derive(Debug, Clone, Copy)]
pub struct WalkLimits {
    /// The most names that are looked at, in all directories together.
    pub entries: u64,
    /// The most names that are looked at in one directory.
    pub entries_per_directory: usize,
    /// How many directories deep; 1 is only the directory itself.
    pub depth: usize,
    /// When it must be over.
    pub until: Option<Instant>,
}

impl Default for WalkLimits {
    fn default() -> Self {
        Self { entries: 1_000_000, entries_per_directory: 100_000, depth: 100, until: None }
    }
}

/// What a walk came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
}

/// One step of a walk.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where it is.
    pub path: RepoPath,
    /// What it is.
    pub kind: EntryKind,
    /// What was seen of it.
    pub seen: Seen,
}

/// How a walk ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Walked {
    /// How many names were looked at.
    pub entries: u64,
    /// Whether a limit ended it, or left something out.
    pub is_cut: bool,
    /// How many names were passed over because they are no Unicode.
    pub not_unicode: u64,
}

impl Root {
    /// Visits what is below a directory, or below the root, until the visitor has enough.
    ///
    /// # Errors
    /// The directory cannot be read. One further below that cannot be read is passed over.
    pub fn walk(
        &self,
        under: Option<&RepoPath>,
        limits: &WalkLimits,
        visit: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<Walked, FileError> {
        let opened = match under {
            Some(path) if self.own.hides(path) => return Err(FileError::NotFound(path.clone())),
            Some(path) => beneath::open_directory(self.directory.as_fd(), path.as_str())
                .map_err(|errno| self.error(errno, path))?,
            None => beneath::open_directory(self.directory.as_fd(), ".")
                .map_err(|_errno| FileError::Gone)?,
        };
        let mut walk = Walk { root: self, limits, visit, walked: Walked::default() };
        let _ended = walk.directory(&opened, under, 1);
        Ok(walk.walked)
    }
}

struct Walk<'a> {
    root: &'a Root,
    limits: &'a WalkLimits,
    visit: &'a mut dyn FnMut(Entry) -> ControlFlow<()>,
    walked: Walked,
}

impl Walk<'_> {
    fn directory(
        &mut self,
        opened: &OwnedFd,
        path: Option<&RepoPath>,
        depth: usize,
    ) -> ControlFlow<()> {
        let Ok(names) = self.names(opened, path) else { return ControlFlow::Continue(()) };
        for child in names {
            let name = child.file_name();
            let Ok(stat) = rustix::fs::statat(opened, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            let seen = Seen::of(&stat);
            match not_a_file(&stat) {
                None => (self.visit)(Entry { path: child, kind: EntryKind::File, seen })?,
                Some("a directory") => {
                    let Ok(below) = beneath::open_directory(opened.as_fd(), name) else { continue };
                    let path = child.clone();
                    (self.visit)(Entry { path, kind: EntryKind::Directory, seen })?;
                    if self.limits.depth <= depth {
                        self.walked.is_cut = true;
                        continue;
                    }
                    self.directory(&below, Some(&child), depth + 1)?;
                }
                Some(_special) => {}
            }
        }
        ControlFlow::Continue(())
    }

    fn names(
        &mut self,
        opened: &OwnedFd,
        path: Option<&RepoPath>,
    ) -> Result<Vec<RepoPath>, rustix::io::Errno> {
        let mut names = Vec::new();
        for entry in Dir::read_from(opened)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                self.walked.not_unicode += 1;
                continue;
            };
            if matches!(name, "." | "..") || entry.file_type() == FileType::Symlink {
                continue;
            }
            self.walked.entries += 1;
            if self.limits.entries <= self.walked.entries
                || self.limits.entries_per_directory <= names.len()
                || self.limits.until.is_some_and(|until| until <= Instant::now())
            {
                self.walked.is_cut = true;
                break;
            }
            let text = match path {
                Some(path) => format!("{path}/{name}"),
                None => name.to_owned(),
            };
            match RepoPath::parse(&text) {
                Ok(child) if !self.root.own.hides(&child) => names.push(child),
                Ok(_) | Err(_) => {}
            }
        }
        names.sort();
        Ok(names)
    }
}
