//! Going through the files of the repository, in the order of their paths.
//!
//! What git ignores is not visited, nor are other repositories within this one, links and special
//! files, and names that no path has. Git itself keeps what it tracks although it is ignored; a walk
//! does not know of that.

mod ignored;

use std::ops::ControlFlow;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Instant;

use rustix::fs::{AtFlags, Dir, FileType};
use rustix::io::Errno;

use self::ignored::Ignored;
use super::seen::{DIRECTORY, not_a_file};
use super::{FileError, Root, Seen, beneath};
use crate::repo::RepoPath;

/// How far a walk goes.
#[derive(Debug, Clone, Copy)]
pub struct WalkLimits {
    /// The most names that are looked at, in all directories together.
    pub entries: u64,
    /// The most names that are looked at in one directory. Of more, the system chooses which.
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
    /// A regular file. It may have other names, and is not read then.
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
    /// Whether a limit ended it, or left something out. That the visitor had enough does not count.
    pub is_cut: bool,
    /// Whether nothing was visited because git ignores the directory that was asked for, or it
    /// belongs to another repository.
    pub is_passed_over: bool,
    /// How many names were passed over because they are no Unicode.
    pub not_unicode: u64,
}

impl Root {
    /// Visits what is below a directory, or below the root, until the visitor has enough. Files come
    /// in the order of the bytes of their paths, and a directory just before what is in it.
    ///
    /// # Errors
    /// The directory cannot be read. One further below that cannot be read is passed over.
    pub fn walk(
        &self,
        under: Option<&RepoPath>,
        limits: &WalkLimits,
        visit: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<Walked, FileError> {
        if !self.is_there() {
            return Err(FileError::Gone);
        }
        let mut walk = Walk {
            root: self,
            limits,
            visit,
            ignored: Ignored::default(),
            walked: Walked::default(),
        };
        match under {
            None => {
                let top = self.open_top().map_err(|_errno| FileError::Gone)?;
                walk.ignored.enter_root(&top);
                let _enough = walk.directory(&top, None, 1);
            }
            Some(path) => {
                let failed = |errno| self.error(errno, path);
                if self.own.hides(path) {
                    return Err(FileError::NotFound(path.clone()));
                }
                match walk.go_to(path).map_err(failed)? {
                    Some(opened) => {
                        let _enough = walk.directory(&opened, Some(path), 1);
                    }
                    None => walk.walked.is_passed_over = true,
                }
            }
        }
        Ok(walk.walked)
    }

    /// Whether git ignores a file of this path, unless it tracks it already; also if it would never
    /// look there, because the directory is ignored or another repository.
    ///
    /// # Errors
    /// The directory that it would be in cannot be read.
    pub(in crate::repo) fn is_ignored(&self, path: &RepoPath) -> Result<bool, FileError> {
        let limits = WalkLimits::default();
        let mut walk = Walk {
            root: self,
            limits: &limits,
            visit: &mut |_entry| ControlFlow::Break(()),
            ignored: Ignored::default(),
            walked: Walked::default(),
        };
        let directory = path.parent();
        let opened = match &directory {
            Some(directory) => walk.go_to(directory),
            None => self.open_top().map(|top| {
                walk.ignored.enter_root(&top);
                Some(top)
            }),
        };
        let Some(opened) = opened.map_err(|errno| self.error(errno, path))? else {
            return Ok(true);
        };
        walk.ignored.enter(&opened, directory.as_ref());
        Ok(walk.ignored.is_ignored(path, false))
    }

    fn open_top(&self) -> Result<OwnedFd, Errno> {
        beneath::open_directory(self.directory.as_fd(), ".")
    }
}

struct Walk<'a> {
    root: &'a Root,
    limits: &'a WalkLimits,
    visit: &'a mut dyn FnMut(Entry) -> ControlFlow<()>,
    ignored: Ignored,
    walked: Walked,
}

/// A name in a directory.
struct Name {
    path: RepoPath,
    is_directory: bool,
}

impl Name {
    /// As the paths below a directory begin.
    fn order(&self) -> impl Iterator<Item = u8> {
        self.path.file_name().bytes().chain(self.is_directory.then_some(b'/'))
    }
}

/// The names in a directory.
#[derive(Default)]
struct Names {
    visible: Vec<Name>,
    has_gitignore: bool,
}

impl Walk<'_> {
    /// Goes down to a directory; none if a walk from the root would not have come there.
    fn go_to(&mut self, path: &RepoPath) -> Result<Option<OwnedFd>, Errno> {
        let mut opened = self.root.open_top()?;
        self.ignored.enter_root(&opened);
        let mut at: Option<RepoPath> = None;
        for name in path.names() {
            self.ignored.enter(&opened, at.as_ref());
            let Ok(below) = RepoPath::child(at.as_ref(), name) else { return Ok(None) };
            opened = beneath::open_directory(opened.as_fd(), name)?;
            if self.ignored.is_ignored(&below, true) {
                return Ok(None);
            }
            if rustix::fs::statat(&opened, ".git", AtFlags::SYMLINK_NOFOLLOW).is_ok() {
                return Ok(None);
            }
            at = Some(below);
        }
        Ok(Some(opened))
    }

    fn directory(
        &mut self,
        opened: &OwnedFd,
        path: Option<&RepoPath>,
        depth: usize,
    ) -> ControlFlow<()> {
        let mut names = match self.names(opened, path) {
            Ok(names) => names,
            Err(errno) => return self.pass_over(errno),
        };
        let is_told = names.has_gitignore && self.ignored.enter(opened, path);
        names.visible.retain(|name| !self.ignored.is_ignored(&name.path, name.is_directory));
        names.visible.sort_by(|a, b| a.order().cmp(b.order()));
        let visited = self.each(opened, names.visible, depth);
        if is_told {
            self.ignored.leave();
        }
        visited
    }

    /// Visits what is in a directory.
    fn each(&mut self, opened: &OwnedFd, names: Vec<Name>, depth: usize) -> ControlFlow<()> {
        for Name { path, .. } in names {
            if self.is_late() {
                self.walked.is_cut = true;
                return ControlFlow::Break(());
            }
            let name = path.file_name();
            let stat = match rustix::fs::statat(opened, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(errno) => {
                    self.pass_over(errno)?;
                    continue;
                }
            };
            let seen = Seen::of(&stat);
            match not_a_file(&stat) {
                None => (self.visit)(Entry { path, kind: EntryKind::File, seen })?,
                Some(DIRECTORY) => self.below(opened, &path, seen, depth)?,
                Some(_special) => {}
            }
        }
        ControlFlow::Continue(())
    }

    /// Visits a directory and what is in it, unless it is another repository.
    fn below(
        &mut self,
        within: &OwnedFd,
        path: &RepoPath,
        seen: Seen,
        depth: usize,
    ) -> ControlFlow<()> {
        let opened = match beneath::open_directory(within.as_fd(), path.file_name()) {
            Ok(opened) => opened,
            Err(errno) => return self.pass_over(errno),
        };
        if rustix::fs::statat(&opened, ".git", AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            return ControlFlow::Continue(());
        }
        (self.visit)(Entry { path: path.clone(), kind: EntryKind::Directory, seen })?;
        if self.limits.depth <= depth || self.is_spent() {
            self.walked.is_cut = true;
            return ControlFlow::Continue(());
        }
        self.directory(&opened, Some(path), depth + 1)
    }

    /// The names in a directory, as far as paths and limits allow.
    fn names(&mut self, opened: &OwnedFd, path: Option<&RepoPath>) -> Result<Names, Errno> {
        let mut names = Names::default();
        let mut left = self.limits.entries_per_directory;
        for entry in Dir::read_from(opened)? {
            let entry = entry?;
            if matches!(entry.file_name().to_bytes(), b"." | b"..") {
                continue;
            }
            if left == 0 || self.is_spent() || self.is_late() {
                self.walked.is_cut = true;
                break;
            }
            left -= 1;
            self.walked.entries += 1;
            let Ok(name) = entry.file_name().to_str() else {
                self.walked.not_unicode += 1;
                continue;
            };
            names.has_gitignore |= name == ".gitignore";
            let is_directory = match entry.file_type() {
                FileType::Directory => true,
                FileType::RegularFile => false,
                // Not all file systems tell; it is looked at later.
                FileType::Unknown => is_directory(opened, name),
                _special => continue,
            };
            match RepoPath::child(path, name) {
                Ok(path) if self.root.own.hides(&path) => {}
                Ok(path) => names.visible.push(Name { path, is_directory }),
                Err(_refused) => {}
            }
        }
        Ok(names)
    }

    /// Whether as many names were looked at as may be.
    fn is_spent(&self) -> bool {
        self.limits.entries <= self.walked.entries
    }

    fn is_late(&self) -> bool {
        self.limits.until.is_some_and(|until| until <= Instant::now())
    }

    /// Goes on without something that could not be looked at. If it may well be a file that clients
    /// can see, the walk says that it is not whole.
    fn pass_over(&mut self, errno: Errno) -> ControlFlow<()> {
        let is_not_visible = matches!(
            errno,
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV | Errno::ACCESS
        );
        self.walked.is_cut |= !is_not_visible;
        ControlFlow::Continue(())
    }
}

fn is_directory(within: &OwnedFd, name: &str) -> bool {
    rustix::fs::statat(within, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| not_a_file(&stat) == Some(DIRECTORY))
}
