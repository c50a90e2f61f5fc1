//! Going through the whole working tree, to see where it differs from HEAD and from the index.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use git2::{Index, IndexEntry, ObjectType, Oid, Repository, Tree};

use super::error::GitError;
use super::index::{self, FileStat};
use super::prepare::{has_file_modes, mode_of};
use super::repository::GitTree;
use super::trees::{self, Entries, Entry, Mode};
use crate::repo::RepoPath;
use crate::repo::root::{EntryKind, FileError, Seen, WalkLimits};

/// The most names that are looked at, in a commit as in the working tree.
const MOST_NAMES: usize = 250_000;

/// How long it may take.
const LONGEST: Duration = Duration::from_secs(20);

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
}

/// What stands in the working tree at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum There {
    /// A file, as git would commit it.
    File(Entry),
    /// Nothing, where HEAD or the index has something.
    Gone,
    /// A link or the like, where HEAD or the index has a file.
    Replaced,
}

impl GitTree {
    /// Looks at everything.
    pub(super) fn survey(
        &self,
        repository: &Repository,
        head: Option<&Tree<'_>>,
        index: &Index,
    ) -> Result<Surveyed, GitError> {
        let until = Instant::now() + LONGEST;
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
        let mut survey = Survey {
            tree: self,
            head: &head,
            index_written: index::written_at(repository.path())?.unwrap_or_default(),
            has_modes: has_file_modes(repository)?,
            indexed: &indexed,
            files: BTreeMap::new(),
            until,
        };
        survey.walk()?;
        survey.look_at_the_rest()?;
        let files = survey.files;
        let staged = indexed
            .iter()
            .filter_map(|(path, entry)| Some((path.clone(), index::entry_of(entry)?)))
            .collect();
        Ok(Surveyed { head, staged, conflicts, files })
    }
}

struct Survey<'a> {
    tree: &'a GitTree,
    head: &'a Entries,
    indexed: &'a BTreeMap<Vec<u8>, IndexEntry>,
    index_written: i64,
    has_modes: bool,
    files: BTreeMap<RepoPath, There>,
    until: Instant,
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
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        match failed {
            Some(error) => Err(error),
            None if walked.is_cut => Err(GitError::TooLarge(MOST_NAMES)),
            None => Ok(()),
        }
    }

    /// Goes through what HEAD or the index has and the walk did not come to.
    fn look_at_the_rest(&mut self) -> Result<(), GitError> {
        let (head, indexed) = (self.head, self.indexed);
        for path in head.keys().chain(indexed.keys().filter(|path| !head.contains_key(*path))) {
            self.refuse_if_late()?;
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
        self.refuse_if_late()?;
        let bytes = path.as_str().as_bytes();
        let indexed = self.indexed.get(bytes);
        let entry = indexed.and_then(index::entry_of);
        let file = match (entry, indexed) {
            (Some(entry), Some(indexed)) if is_vouched_for(indexed) => Some(entry),
            (Some(entry), Some(indexed)) if self.is_unchanged(indexed, seen) => {
                Some(Entry { id: entry.id, mode: mode_of(seen.mode, Some(entry), self.has_modes) })
            }
            _ => {
                let before = entry.or_else(|| self.head.get(bytes).copied());
                self.read(&path, before)?
            }
        };
        let Some(entry) = file else { return Ok(()) };
        self.files.insert(path, There::File(entry));
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

    /// Reads a file to see what git would call its content; none if it cannot be read, or is gone.
    fn read(&self, path: &RepoPath, before: Option<Entry>) -> Result<Option<Entry>, GitError> {
        let file = match self.tree.root.read(path, self.tree.largest) {
            Ok(file) => file,
            Err(error @ FileError::TooLarge { .. }) => return Err(error.into()),
            Err(_) => return Ok(None),
        };
        let id = Oid::hash_object(ObjectType::Blob, &file.bytes)?;
        Ok(Some(Entry { id, mode: mode_of(file.seen.mode, before, self.has_modes) }))
    }

    fn refuse_if_late(&self) -> Result<(), GitError> {
        if self.until <= Instant::now() { Err(GitError::TooLarge(MOST_NAMES)) } else { Ok(()) }
    }
}

fn is_vouched_for(entry: &IndexEntry) -> bool {
    entry.flags & ASSUMED_UNCHANGED != 0 || entry.flags_extended & SKIPPED != 0
}
