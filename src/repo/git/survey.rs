//! Going through the whole working tree, to see where it differs from HEAD and from the index.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::Instant;

use git2::{ErrorCode, Index, IndexEntry, Odb, Repository, Tree};

use super::blob;
use super::error::GitError;
use super::index::{self, FileStat};
use super::prepare::{has_file_modes, mode_of};
use super::repository::GitTree;
use super::trees::{self, Entries, Entry, Mode};
use crate::repo::RepoPath;
use crate::repo::root::{EntryKind, FileError, Seen, WalkLimits};

/// The most names that are looked at, in a commit as in the working tree.
pub(super) const MOST_NAMES: usize = 250_000;

/// Flags of the index: others vouch that the file did not change, or keep it out of their working
/// tree, or have only announced it.
const ASSUMED_UNCHANGED: u16 = 0x8000;
const SKIPPED: u16 = 0x4000;
const ANNOUNCED: u16 = 0x2000;

/// Where the flags say which side of a conflict an entry is.
const CONFLICT: u16 = 0x3000;

/// What was found.
pub(super) struct Surveyed {
    /// What HEAD has.
    pub(super) head: Entries,
    /// What the index has, but for conflicts.
    pub(super) staged: Entries,
    /// What a merge left to be decided.
    pub(super) conflicts: BTreeSet<Vec<u8>>,
    /// What stands in the working tree, of all that is there or that HEAD or the index has. What
    /// cannot be told is not in here: submodules, links that are committed as such, what cannot be
    /// read, and whatever has a refused name.
    pub(super) files: BTreeMap<RepoPath, There>,
    /// Whether there was more than is gone through, or the time was over before all was seen.
    pub(super) is_cut: bool,
}

/// What stands in the working tree at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum There {
    /// A file, as git would commit it.
    File(Entry),
    /// A file, and its content is neither what HEAD nor what the index has. Their sizes tell that,
    /// so that it was not read.
    Other(Mode),
    /// Nothing, where HEAD or the index has something.
    Gone,
    /// A link or the like, where HEAD or the index has a file.
    Replaced,
}

impl GitTree {
    /// Looks at everything, until the time is over.
    pub(super) fn survey(
        &self,
        repository: &Repository,
        head: Option<&Tree<'_>>,
        index: &Index,
        until: Instant,
    ) -> Result<Surveyed, GitError> {
        let head = match head {
            Some(tree) => trees::all_below(repository, tree.id(), b"", MOST_NAMES)?
                .ok_or(GitError::TooLarge(MOST_NAMES))?,
            None => Entries::new(),
        };
        let (conflicts, indexed): (Vec<_>, Vec<_>) = index
            .iter()
            .filter(|entry| entry.flags_extended & ANNOUNCED == 0)
            .partition(|entry| entry.flags & CONFLICT != 0);
        let conflicts = conflicts.into_iter().map(|entry| entry.path).collect();
        let indexed: BTreeMap<Vec<u8>, IndexEntry> =
            indexed.into_iter().map(|entry| (entry.path.clone(), entry)).collect();
        let objects = repository.odb()?;
        let mut survey = Survey {
            tree: self,
            objects: &objects,
            head: &head,
            index_written: index::written_at(repository.path())?.unwrap_or_default(),
            has_modes: has_file_modes(repository)?,
            indexed: &indexed,
            files: BTreeMap::new(),
            until,
            is_cut: false,
        };
        survey.walk()?;
        survey.look_at_the_rest()?;
        let Survey { files, is_cut, .. } = survey;
        let staged = indexed
            .iter()
            .filter_map(|(path, entry)| Some((path.clone(), index::entry_of(entry)?)))
            .collect();
        Ok(Surveyed { head, staged, conflicts, files, is_cut })
    }
}

struct Survey<'a> {
    tree: &'a GitTree,
    objects: &'a Odb<'a>,
    head: &'a Entries,
    indexed: &'a BTreeMap<Vec<u8>, IndexEntry>,
    index_written: i64,
    has_modes: bool,
    files: BTreeMap<RepoPath, There>,
    until: Instant,
    is_cut: bool,
}

impl Survey<'_> {
    /// Goes through what is there and not ignored.
    fn walk(&mut self) -> Result<(), GitError> {
        let limits = WalkLimits {
            entries: MOST_NAMES as u64,
            until: Some(self.until),
            ..WalkLimits::default()
        };
        let mut failed = None;
        let root = &self.tree.root;
        let walked = root.walk(None, &limits, &mut |entry| {
            if entry.kind == EntryKind::Directory {
                return ControlFlow::Continue(());
            }
            match self.look_at(entry.path, &entry.seen) {
                Ok(()) if self.is_late() => ControlFlow::Break(()),
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        self.is_cut |= walked.is_cut;
        failed.map_or(Ok(()), Err)
    }

    /// Goes through what HEAD or the index has and the walk did not come to.
    fn look_at_the_rest(&mut self) -> Result<(), GitError> {
        let (head, indexed) = (self.head, self.indexed);
        for path in head.keys().chain(indexed.keys().filter(|path| !head.contains_key(*path))) {
            if self.is_late() {
                break;
            }
            let Some(path) = str::from_utf8(path).ok().and_then(|path| RepoPath::parse(path).ok())
            else {
                continue;
            };
            if self.files.contains_key(&path) || self.is_left_alone(&path) {
                continue;
            }
            match self.tree.root.look(&path) {
                // It is ignored, and still tracked if the index says so.
                Ok(seen) if indexed.contains_key(path.as_str().as_bytes()) => {
                    self.look_at(path, &seen)?;
                }
                Ok(_)
                | Err(
                    FileError::NotFound(_)
                    | FileError::NotADirectory(_)
                    | FileError::NotAFile { what: "a directory", .. },
                ) => drop(self.files.insert(path, There::Gone)),
                Err(FileError::SymbolicLink(_) | FileError::NotAFile { .. }) => {
                    if self.was_file(&path) {
                        self.files.insert(path, There::Replaced);
                    }
                }
                Err(FileError::Gone) => return Err(FileError::Gone.into()),
                // It is not for us to look at, and stays as it is.
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Whether a path that the walk did not come to is to stay as it is.
    fn is_left_alone(&self, path: &RepoPath) -> bool {
        let bytes = path.as_str().as_bytes();
        let mode = self.head.get(bytes).map(|entry| entry.mode);
        let is_submodule = mode == Some(Mode::Submodule);
        let entry = self.indexed.get(bytes);
        let is_vouched_for = entry.is_some_and(is_vouched_for);
        is_submodule || is_vouched_for || self.tree.root.hides(path)
    }

    /// Whether HEAD or the index has a file at a path, and no link.
    fn was_file(&self, path: &RepoPath) -> bool {
        let bytes = path.as_str().as_bytes();
        let staged = self.indexed.get(bytes).and_then(index::entry_of);
        staged.or_else(|| self.head.get(bytes).copied()).is_some_and(|entry| entry.mode.is_file())
    }

    fn look_at(&mut self, path: RepoPath, seen: &Seen) -> Result<(), GitError> {
        let bytes = path.as_str().as_bytes();
        let indexed = self.indexed.get(bytes);
        let entry = indexed.and_then(index::entry_of);
        let there = match (entry, indexed) {
            (Some(entry), Some(indexed)) if is_vouched_for(indexed) => Some(There::File(entry)),
            (Some(entry), Some(indexed)) if self.is_unchanged(indexed, seen) => {
                let mode = mode_of(seen.mode, Some(entry), self.has_modes);
                Some(There::File(Entry { id: entry.id, mode }))
            }
            _ => self.compare(&path, entry)?,
        };
        if let Some(there) = there {
            self.files.insert(path, there);
        }
        Ok(())
    }

    /// Whether git too would take the file for unchanged without reading it.
    fn is_unchanged(&self, indexed: &IndexEntry, seen: &Seen) -> bool {
        let known = index::stat_of(indexed);
        // A size of nothing is also the mark for a file that must be read.
        known.size != 0
            && !index::is_racy(indexed, self.index_written)
            && FileStat::of(seen) == Some(known)
    }

    /// Sees whether a file holds what HEAD or the index has, and reads it only if its size leaves
    /// that open; none if it cannot be read, is gone, or the time is over.
    fn compare(
        &mut self,
        path: &RepoPath,
        staged: Option<Entry>,
    ) -> Result<Option<There>, GitError> {
        let committed = self.head.get(path.as_str().as_bytes()).copied();
        let Ok((seen, content)) = self.tree.root.open_file(path) else { return Ok(None) };
        let mode = mode_of(seen.mode, staged.or(committed), self.has_modes);
        if !self.may_hold(staged, seen.size)? && !self.may_hold(committed, seen.size)? {
            return Ok(Some(There::Other(mode)));
        }
        match blob::name(seen.size, content, self.until) {
            Ok(Some(id)) => Ok(Some(There::File(Entry { id, mode }))),
            Ok(None) => {
                self.is_cut = true;
                Ok(None)
            }
            Err(_unreadable) => Ok(None),
        }
    }

    /// Whether a file of this size can be what is committed or staged.
    fn may_hold(&self, entry: Option<Entry>, size: u64) -> Result<bool, GitError> {
        let Some(entry) = entry.filter(|entry| entry.mode != Mode::Submodule) else {
            return Ok(false);
        };
        match self.objects.read_header(entry.id) {
            Ok((known, _kind)) => Ok(u64::try_from(known).is_ok_and(|known| known == size)),
            // Not all of the content is there, as in a partial clone.
            Err(error) if error.code() == ErrorCode::NotFound => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the time is over.
    fn is_late(&mut self) -> bool {
        let is_late = self.until <= Instant::now();
        self.is_cut |= is_late;
        is_late
    }
}

fn is_vouched_for(entry: &IndexEntry) -> bool {
    entry.flags & ASSUMED_UNCHANGED != 0 || entry.flags_extended & SKIPPED != 0
}
