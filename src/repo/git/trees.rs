//! The trees of commits: finding one path in them, all of them at once, and writing new ones.
//!
//! Only objects are read and written; nothing here knows the working tree.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid, Repository, Tree};

use super::error::GitError;

/// The longest path that is looked at, in bytes.
const LONGEST_PATH: usize = 4096;

/// What a path is to git.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    File,
    Executable,
    SymbolicLink,
    /// Another repository's commit.
    Submodule,
}

impl Mode {
    /// The mode in trees and in the index.
    pub(super) fn bits(self) -> u32 {
        match self {
            Self::File => 0o100_644,
            Self::Executable => 0o100_755,
            Self::SymbolicLink => 0o120_000,
            Self::Submodule => 0o160_000,
        }
    }

    /// Reads the mode of a tree or of the index; none for a directory.
    pub(super) fn from_bits(bits: u32) -> Option<Self> {
        match bits & 0o170_000 {
            0o100_000 if bits & 0o100 != 0 => Some(Self::Executable),
            0o100_000 => Some(Self::File),
            0o120_000 => Some(Self::SymbolicLink),
            0o160_000 => Some(Self::Submodule),
            _ => None,
        }
    }

    /// Whether it has content of its own.
    pub(super) fn is_file(self) -> bool {
        matches!(self, Self::File | Self::Executable)
    }
}

/// What stands at a path, of a tree or of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: Oid,
    pub(super) mode: Mode,
}

/// Entries by their paths, which git does not promise to be UTF-8.
pub(super) type Entries = BTreeMap<Vec<u8>, Entry>;

/// What a tree has at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Entry(Entry),
    Directory(Oid),
    /// An entry that is no directory stands where a directory on the way would have to be.
    InTheWay {
        /// How long its path is.
        length: usize,
        entry: Entry,
    },
}

/// Looks a path up.
pub(super) fn find(
    repository: &Repository,
    tree: Option<&Tree<'_>>,
    path: &str,
) -> Result<Found, GitError> {
    let Some(tree) = tree else { return Ok(Found::Nothing) };
    let mut found = Found::Directory(tree.id());
    let mut end = 0;
    for name in path.split('/') {
        match found {
            Found::Nothing => break,
            Found::Entry(entry) => return Ok(Found::InTheWay { length: end, entry }),
            Found::InTheWay { .. } => return Ok(found),
            Found::Directory(id) => {
                found = child(&repository.find_tree(id)?, name.as_bytes());
                end += name.len() + usize::from(end != 0);
            }
        }
    }
    Ok(found)
}

fn child(tree: &Tree<'_>, name: &[u8]) -> Found {
    let Some(entry) = tree.get_name_bytes(name) else { return Found::Nothing };
    match Mode::from_bits(entry.filemode().unsigned_abs()) {
        Some(mode) => Found::Entry(Entry { id: entry.id(), mode }),
        None => Found::Directory(entry.id()),
    }
}

/// All that is below a tree, with `prefix` before each path; none if there is more than `most`, of
/// directories and entries together.
pub(super) fn all_below(
    repository: &Repository,
    tree: Oid,
    prefix: &[u8],
    most: usize,
) -> Result<Option<Entries>, GitError> {
    let mut entries = Entries::new();
    let mut directories = vec![(tree, prefix.to_vec())];
    let mut seen = 0;
    while let Some((id, path)) = directories.pop() {
        let tree = repository.find_tree(id)?;
        seen += tree.len();
        if most < seen {
            return Ok(None);
        }
        for entry in &tree {
            let mut path = path.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend(entry.name_bytes());
            if LONGEST_PATH < path.len() {
                return Ok(None);
            }
            match Mode::from_bits(entry.filemode().unsigned_abs()) {
                Some(mode) => drop(entries.insert(path, Entry { id: entry.id(), mode })),
                None if entry.kind() == Some(ObjectType::Tree) => {
                    directories.push((entry.id(), path));
                }
                None => {}
            }
        }
    }
    Ok(Some(entries))
}

/// Writes the trees that differ from `base` by exactly these changes, and returns the root; what was
/// written is added to `written`. A change to nothing removes, and a directory that becomes empty
/// goes with it.
pub(super) fn rewrite(
    repository: &Repository,
    base: Option<&Tree<'_>>,
    changes: &BTreeMap<Vec<u8>, Option<Entry>>,
    written: &mut Vec<Oid>,
) -> Result<Oid, GitError> {
    let changes: Vec<Change<'_>> =
        changes.iter().map(|(path, entry)| Change { path, entry: *entry }).collect();
    match rewrite_directory(repository, base, &changes, written)? {
        Some(root) => Ok(root),
        None => {
            let empty = repository.treebuilder(None)?.write()?;
            written.push(empty);
            Ok(empty)
        }
    }
}

/// A change, its path seen from the directory that is being written.
#[derive(Clone, Copy)]
struct Change<'a> {
    path: &'a [u8],
    entry: Option<Entry>,
}

/// What happens to one name of a directory.
#[derive(Default)]
struct NameChange<'a> {
    /// What the name itself becomes; none if it is removed, or only what is below it changes.
    own: Option<Entry>,
    /// To what is below it.
    below: Vec<Change<'a>>,
}

fn rewrite_directory(
    repository: &Repository,
    base: Option<&Tree<'_>>,
    changes: &[Change<'_>],
    written: &mut Vec<Oid>,
) -> Result<Option<Oid>, GitError> {
    let mut names: BTreeMap<&[u8], NameChange<'_>> = BTreeMap::new();
    for change in changes {
        match change.path.iter().position(|byte| *byte == b'/') {
            None => names.entry(change.path).or_default().own = change.entry,
            Some(at) => {
                let below = Change { path: &change.path[at + 1..], entry: change.entry };
                names.entry(&change.path[..at]).or_default().below.push(below);
            }
        }
    }
    let mut builder = repository.treebuilder(base)?;
    for (name, change) in names {
        let before = base.map_or(Found::Nothing, |base| child(base, name));
        let after = match (change.own, before) {
            (Some(entry), _) => Some((entry.id, entry.mode.bits())),
            (_, before) if !change.below.is_empty() => {
                let directory = match before {
                    Found::Directory(id) => Some(repository.find_tree(id)?),
                    _ => None,
                };
                let after =
                    rewrite_directory(repository, directory.as_ref(), &change.below, written)?;
                after.map(|id| (id, 0o040_000))
            }
            _ => None,
        };
        match after {
            Some((id, mode)) => drop(builder.insert(name, id, mode.cast_signed())?),
            None if before == Found::Nothing => {}
            None => builder.remove(name)?,
        }
    }
    if builder.is_empty() {
        return Ok(None);
    }
    let directory = builder.write()?;
    written.push(directory);
    Ok(Some(directory))
}
