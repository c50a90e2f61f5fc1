//! Making a commit of what stands in the working tree, without anything that names it yet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use git2::{ObjectType, Oid, Repository, Tree};

use super::commit::{CommitRequest, Paths, PreparedCommit, StagedChange};
use super::error::GitError;
use super::index::{self, FileStat, Staging};
use super::repository::{GitTree, branch_to_commit_to};
use super::survey::{MOST_NAMES, Surveyed, There};
use super::trees::{self, Entry, Found, Mode};
use crate::adapters::git::{CommitId, durable};
use crate::repo::root::{File, FileError};
use crate::repo::{ContentDigest, RepoPath};

/// The most files that one commit changes.
const MOST_CHANGES: usize = 5_000;

/// The longest that it may take to go through the whole working tree.
const LONGEST: Duration = Duration::from_secs(20);

/// The most entries below a directory that a file takes the place of.
const MOST_REPLACED: usize = 100_000;

impl GitTree {
    /// Writes the commit and all that belongs to it, to the disk too. Nothing refers to it until
    /// it is [published](GitTree::publish); if it never is, `git gc` removes it some day.
    ///
    /// # Errors
    /// HEAD is on no branch, somebody is in the middle of a merge or the like, a path is nothing
    /// that can be committed, nothing would change, or the repository cannot be used.
    pub fn prepare(&self, request: &CommitRequest) -> Result<PreparedCommit, GitError> {
        let repository = self.repository()?;
        let branch = branch_to_commit_to(&repository)?;
        let parent = branch.commit.map(|id| repository.find_commit(id)).transpose()?;
        let head = parent.as_ref().map(git2::Commit::tree).transpose()?;
        let index = index::read(repository.path())?;
        if index.has_conflicts() {
            return Err(GitError::Conflicts);
        }
        let mut draft = Draft {
            tree: self,
            repository: &repository,
            head: head.as_ref(),
            index: &index,
            has_modes: has_file_modes(&repository)?,
            now: request.at.unix_seconds(),
            entries: BTreeMap::new(),
            stagings: BTreeMap::new(),
            changes: BTreeMap::new(),
            written: Vec::new(),
        };
        match &request.paths {
            Paths::Named(paths) => {
                refuse_too_many(paths.len())?;
                let paths: BTreeSet<&RepoPath> = paths.iter().collect();
                paths.into_iter().try_for_each(|path| draft.add_named(path))?;
            }
            Paths::All => draft.add_all()?,
        }
        if draft.entries.is_empty() {
            return Err(GitError::NothingToCommit);
        }
        let Draft { entries, stagings, changes, mut written, .. } = draft;
        let root = trees::rewrite(&repository, head.as_ref(), &entries, &mut written)?;
        let message = if request.signoff {
            request.message.signed_off_by(&self.author)
        } else {
            request.message.clone()
        };
        let signature = self.signature_at(request.at)?;
        let root = repository.find_tree(root)?;
        let parents: Vec<_> = parent.iter().collect();
        let id =
            repository.commit(None, &signature, &signature, message.as_str(), &root, &parents)?;
        written.push(id);
        durable::sync_objects(&repository, &written)?;
        Ok(PreparedCommit {
            id: CommitId::from(id),
            branch,
            message,
            at: request.at,
            changes: changes.into_values().collect(),
            stagings: stagings.into_values().collect(),
        })
    }
}

fn refuse_too_many(changes: usize) -> Result<(), GitError> {
    if changes <= MOST_CHANGES { Ok(()) } else { Err(GitError::TooManyChanges(MOST_CHANGES)) }
}

/// Whether the repository knows which files can be executed. git looks whether the file system does
/// when it makes a repository, and writes down what it found.
pub(super) fn has_file_modes(repository: &Repository) -> Result<bool, GitError> {
    match repository.config()?.get_bool("core.filemode") {
        Ok(has_modes) => Ok(has_modes),
        Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// What the commit will change, as far as it was gone through. Everything is by its path.
struct Draft<'a> {
    tree: &'a GitTree,
    repository: &'a Repository,
    head: Option<&'a Tree<'a>>,
    index: &'a git2::Index,
    has_modes: bool,
    /// In seconds since 1970.
    now: i64,
    /// Where the new tree differs from HEAD's.
    entries: BTreeMap<Vec<u8>, Option<Entry>>,
    stagings: BTreeMap<Vec<u8>, Staging>,
    changes: BTreeMap<Vec<u8>, StagedChange>,
    written: Vec<Oid>,
}

impl Draft<'_> {
    fn add_named(&mut self, path: &RepoPath) -> Result<(), GitError> {
        match self.tree.root.read(path, self.tree.largest) {
            Ok(file) => {
                self.refuse_nested(path)?;
                if !self.is_tracked(path)? && self.tree.root.is_ignored(path)? {
                    return Err(GitError::Ignored(path.clone()));
                }
                self.add_file(path, &file)
            }
            Err(FileError::NotFound(_) | FileError::NotADirectory(_)) => {
                self.refuse_nested(path)?;
                // What is the daemon's own looks as if it were not there, and may be.
                if self.tree.root.hides(path) || !self.is_tracked(path)? {
                    return Err(GitError::Unknown(path.clone()));
                }
                self.add_removal(path)
            }
            Err(FileError::NotAFile { what: "a directory", .. }) => {
                Err(GitError::Directory(path.clone()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Goes through the whole working tree.
    fn add_all(&mut self) -> Result<(), GitError> {
        let surveyed =
            self.tree.survey(self.repository, self.head, self.index, Instant::now() + LONGEST)?;
        let Surveyed { head, staged, files, is_cut, .. } = surveyed;
        if is_cut {
            return Err(GitError::TooLarge(MOST_NAMES));
        }
        let mut changed = Vec::new();
        for (path, there) in files {
            let bytes = path.as_str().as_bytes();
            let is_as =
                |entry| head.get(bytes).copied() == entry && staged.get(bytes).copied() == entry;
            match there {
                There::File(entry) if is_as(Some(entry)) => {}
                There::File(_) | There::Other(_) => changed.push((path, true)),
                There::Gone if is_as(None) => {}
                There::Gone => changed.push((path, false)),
                There::Replaced => {}
            }
        }
        refuse_too_many(changed.len())?;
        for (path, is_there) in changed {
            if !is_there {
                self.add_removal(&path)?;
                continue;
            }
            match self.tree.root.read(&path, self.tree.largest) {
                Ok(file) => self.add_file(&path, &file)?,
                // It was there a moment ago.
                Err(FileError::NotFound(_)) => self.add_removal(&path)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// A path in another repository, or one that HEAD has as a submodule, is not ours to commit.
    fn refuse_nested(&self, path: &RepoPath) -> Result<(), GitError> {
        let found = trees::find(self.repository, self.head, path.as_str())?;
        let is_submodule = match found {
            Found::Entry(entry) | Found::InTheWay { entry, .. } => entry.mode == Mode::Submodule,
            Found::Nothing | Found::Directory(_) => false,
        };
        let mut directory = path.parent();
        let mut is_nested = is_submodule;
        while let Some(above) = directory.filter(|_| !is_nested) {
            is_nested = self.tree.root.holds_repository(&above)?;
            directory = above.parent();
        }
        if is_nested { Err(GitError::NestedRepository(path.clone())) } else { Ok(()) }
    }

    /// Whether HEAD or the index has a file of this path.
    fn is_tracked(&self, path: &RepoPath) -> Result<bool, GitError> {
        let is_staged = self.index.get_path(path.as_str().as_ref(), 0).is_some();
        let found = trees::find(self.repository, self.head, path.as_str())?;
        Ok(is_staged || matches!(found, Found::Entry(_)))
    }

    fn add_file(&mut self, path: &RepoPath, file: &File) -> Result<(), GitError> {
        let before = match trees::find(self.repository, self.head, path.as_str())? {
            Found::Entry(entry) => Some(entry),
            Found::Nothing => None,
            Found::Directory(id) => {
                self.remove_below(path, id)?;
                None
            }
            Found::InTheWay { length, entry } => {
                let in_the_way = path.as_str().as_bytes()[..length].to_vec();
                self.change(in_the_way, Some(entry), None, None)?;
                None
            }
        };
        let id = Oid::hash_object(ObjectType::Blob, &file.bytes)?;
        let entry = Entry { id, mode: mode_of(file.seen.mode, before, self.has_modes) };
        if before.is_none_or(|before| before.id != id) {
            self.written.push(self.repository.blob(&file.bytes)?);
        }
        let bytes = path.as_str().as_bytes().to_vec();
        let stat = FileStat::of(&file.seen).filter(|stat| stat.is_older_than(self.now));
        self.stagings
            .insert(bytes.clone(), Staging { path: bytes.clone(), entry: Some(entry), stat });
        let after = ContentDigest::of(&file.bytes);
        self.change(bytes, before, Some(entry), Some(after))
    }

    fn add_removal(&mut self, path: &RepoPath) -> Result<(), GitError> {
        let bytes = path.as_str().as_bytes().to_vec();
        let staging = Staging { path: bytes.clone(), entry: None, stat: None };
        self.stagings.insert(bytes.clone(), staging);
        match trees::find(self.repository, self.head, path.as_str())? {
            Found::Entry(entry) => self.change(bytes, Some(entry), None, None),
            _ => Ok(()),
        }
    }

    /// Removes what HEAD has below a path at which a file stands now. Staging the file does the
    /// same in the index.
    fn remove_below(&mut self, path: &RepoPath, directory: Oid) -> Result<(), GitError> {
        let prefix = path.as_str().as_bytes();
        let below = trees::all_below(self.repository, directory, prefix, MOST_REPLACED)?
            .ok_or(GitError::TooManyChanges(MOST_CHANGES))?;
        refuse_too_many(below.len())?;
        below.into_iter().try_for_each(|(path, entry)| self.change(path, Some(entry), None, None))
    }

    fn change(
        &mut self,
        path: Vec<u8>,
        before: Option<Entry>,
        after: Option<Entry>,
        digest: Option<ContentDigest>,
    ) -> Result<(), GitError> {
        if before == after || self.entries.contains_key(&path) {
            return Ok(());
        }
        let change = StagedChange {
            path: String::from_utf8_lossy(&path).into_owned(),
            before: before.map(|entry| self.digest(entry)).transpose()?.flatten(),
            after: digest,
        };
        self.changes.insert(path.clone(), change);
        self.entries.insert(path, after);
        refuse_too_many(self.entries.len())
    }

    /// The digest of what is committed; a submodule has no content here.
    fn digest(&self, entry: Entry) -> Result<Option<ContentDigest>, GitError> {
        if entry.mode == Mode::Submodule {
            return Ok(None);
        }
        Ok(Some(ContentDigest::of(self.repository.find_blob(entry.id)?.content())))
    }
}

/// How git is to have a file with these permissions.
pub(super) fn mode_of(permissions: u32, before: Option<Entry>, has_modes: bool) -> Mode {
    let before = before.map(|before| before.mode).filter(|mode| mode.is_file());
    match (has_modes, before) {
        (false, before) => before.unwrap_or(Mode::File),
        (true, _) if permissions & 0o100 != 0 => Mode::Executable,
        (true, _) => Mode::File,
    }
}
