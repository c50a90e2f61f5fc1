//! Reading a file at the head of a branch, and committing a change of it.

use std::fmt;
use std::path::{Path, PathBuf};

use git2::build::TreeUpdateBuilder;
use git2::{
    ErrorCode, FileMode, ObjectType, Oid, Reference, Repository, RepositoryOpenFlags, Signature,
    Time,
};

use super::durable;
use super::error::GitError;
use crate::clock::Timestamp;

/// The largest file that is read, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;

/// Which branch of which repository, and who its commits are by.
#[derive(Debug, Clone)]
pub struct GitSettings {
    /// The repository's directory, bare or with a working tree.
    pub repository: PathBuf,
    /// The branch's short name; it is made by the first commit if it is not there.
    pub branch: String,
    /// Who commits.
    pub author: Author,
}

/// Who commits are by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

/// The name of a commit: its hash, in lower-case hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommitId(Oid);

impl CommitId {
    /// Reads a full hash.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Oid::from_str(text).ok().filter(|id| !id.is_zero())?;
        (id.to_string() == text).then_some(Self(id))
    }

    /// The name as libgit2 has it.
    pub(crate) fn oid(self) -> Oid {
        self.0
    }
}

impl From<Oid> for CommitId {
    fn from(id: Oid) -> Self {
        Self(id)
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A file as it is at the head of the branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The head; `None` for a branch without a commit.
    pub head: Option<CommitId>,
    /// The file's bytes; `None` if it is not there.
    pub content: Option<Vec<u8>>,
}

/// One file's change, to be committed.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The file's path from the root of the repository, with `/` between its parts.
    pub path: &'a str,
    /// What it is to hold; `None` removes it.
    pub content: Option<&'a [u8]>,
    /// The commit's message.
    pub message: &'a str,
    /// The head that the change was made for; `None` for a branch without a commit.
    pub parent: Option<CommitId>,
    /// When.
    pub at: Timestamp,
}

/// A branch of a repository on this machine. Each call opens the repository anew, so that whatever
/// others do to it is seen; that costs a few files to read.
#[derive(Debug, Clone)]
pub struct GitBranch {
    settings: GitSettings,
    reference: String,
}

impl GitBranch {
    /// Checks that the branch can be written.
    ///
    /// # Errors
    /// There is no such repository, it cannot be opened, or the branch or the author cannot be
    /// used.
    pub fn open(settings: GitSettings) -> Result<Self, GitError> {
        let reference = format!("refs/heads/{}", settings.branch);
        if !git2::Branch::name_is_valid(&settings.branch)? || !Reference::is_valid_name(&reference)
        {
            return Err(GitError::InvalidBranch(settings.branch));
        }
        let branch = Self { settings, reference };
        branch.signature(0)?;
        branch.refuse_if_checked_out(&branch.repository()?)?;
        Ok(branch)
    }

    /// The branch's short name.
    pub fn name(&self) -> &str {
        &self.settings.branch
    }

    /// Reads a file at the head of the branch.
    ///
    /// # Errors
    /// It is no file or too large, or the repository cannot be read.
    pub fn read(&self, path: &str) -> Result<Snapshot, GitError> {
        let repository = self.repository()?;
        let head = self.head(&repository)?;
        let content = match head {
            Some(commit) => content_at(&repository, commit, path)?,
            None => None,
        };
        Ok(Snapshot { head, content })
    }

    /// Commits a change of one file, and returns the new head.
    ///
    /// # Errors
    /// [`GitError::Moved`] if `parent` is not the head any more; the branch is then as it was. Else
    /// the branch is checked out, the path cannot be one, or the repository cannot be written; the
    /// commit may then be there or not, and reading tells.
    pub fn commit(&self, change: &Change<'_>) -> Result<CommitId, GitError> {
        let repository = self.repository()?;
        self.refuse_if_checked_out(&repository)?;
        if self.head(&repository)? != change.parent {
            return Err(GitError::Moved);
        }
        let (commit, written) = self.write_commit(&repository, change)?;
        durable::sync_objects(&repository, &written)?;
        let current = change.parent.map_or(Oid::ZERO_SHA1, |parent| parent.0);
        let subject = change.message.lines().next().unwrap_or_default();
        let log = format!("commit: {subject}");
        repository.reference_matching(&self.reference, commit, true, current, &log)?;
        durable::sync_reference(&repository, &self.reference)?;
        Ok(CommitId(commit))
    }

    /// Writes blob, trees and commit, which nothing refers to yet; returns all that was written.
    fn write_commit(
        &self,
        repository: &Repository,
        change: &Change<'_>,
    ) -> Result<(Oid, Vec<Oid>), GitError> {
        let parent = change.parent.map(|id| repository.find_commit(id.0)).transpose()?;
        let before = match &parent {
            Some(parent) => parent.tree()?,
            None => repository.find_tree(repository.treebuilder(None)?.write()?)?,
        };
        let mut update = TreeUpdateBuilder::new();
        let mut written = Vec::new();
        match change.content {
            Some(content) => {
                let blob = repository.blob(content)?;
                written.push(blob);
                update.upsert(change.path, blob, FileMode::Blob);
            }
            None => drop(update.remove(change.path)),
        }
        let invalid = |error: git2::Error| match error.code() {
            ErrorCode::Invalid | ErrorCode::GenericError | ErrorCode::InvalidSpec => {
                GitError::InvalidPath(change.path.to_owned())
            }
            _ => error.into(),
        };
        let after = update.create_updated(repository, &before).map_err(invalid)?;
        written.push(after);
        written.extend(trees_on_the_way(repository, after, change.path)?);
        let signature = self.signature(change.at.unix_seconds())?;
        let tree = repository.find_tree(after)?;
        let parents: Vec<_> = parent.iter().collect();
        let commit =
            repository.commit(None, &signature, &signature, change.message, &tree, &parents)?;
        written.push(commit);
        Ok((commit, written))
    }

    fn repository(&self) -> Result<Repository, GitError> {
        open(&self.settings.repository)
    }

    fn head(&self, repository: &Repository) -> Result<Option<CommitId>, GitError> {
        match repository.refname_to_id(&self.reference) {
            Ok(id) => Ok(Some(CommitId(id))),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn refuse_if_checked_out(&self, repository: &Repository) -> Result<(), GitError> {
        let main = open(repository.commondir())?;
        let mut is_checked_out = !main.is_bare() && self.is_head_of(&main)?;
        for name in &main.worktrees()? {
            let Some(name) = name? else { continue };
            match Repository::open_from_worktree(&main.find_worktree(name)?) {
                Ok(linked) => is_checked_out |= self.is_head_of(&linked)?,
                // Its directory is gone, and nobody works there.
                Err(error) if error.code() == ErrorCode::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        let refuse = || Err(GitError::CheckedOut(self.name().to_owned()));
        if is_checked_out { refuse() } else { Ok(()) }
    }

    /// Whether HEAD names the branch, which may have no commit yet.
    fn is_head_of(&self, repository: &Repository) -> Result<bool, GitError> {
        let head = repository.find_reference("HEAD")?;
        Ok(head.symbolic_target_bytes() == Some(self.reference.as_bytes()))
    }

    fn signature(&self, seconds: i64) -> Result<Signature<'static>, GitError> {
        let Author { name, email } = &self.settings.author;
        Signature::new(name, email, &Time::new(seconds, 0)).map_err(|_| GitError::InvalidAuthor)
    }
}

/// Opens the repository in a directory, and none above it or in the environment.
///
/// # Errors
/// There is none, it belongs to another user, or it cannot be read.
pub(crate) fn open(directory: &Path) -> Result<Repository, GitError> {
    let none: [&Path; 0] = [];
    let flags = RepositoryOpenFlags::NO_SEARCH;
    Repository::open_ext(directory, flags, none).map_err(|error| match error.code() {
        ErrorCode::NotFound => GitError::NoRepository,
        _ => error.into(),
    })
}

fn content_at(
    repository: &Repository,
    commit: CommitId,
    path: &str,
) -> Result<Option<Vec<u8>>, GitError> {
    let tree = repository.find_commit(commit.0)?.tree()?;
    let entry = match tree.get_path(Path::new(path)) {
        Ok(entry) => entry,
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if entry.kind() != Some(ObjectType::Blob) {
        return Err(GitError::NotAFile(path.to_owned()));
    }
    // The header tells the size before the whole is read.
    let (size, _) = repository.odb()?.read_header(entry.id())?;
    if LARGEST < size {
        return Err(GitError::TooLarge { path: path.to_owned(), limit: LARGEST });
    }
    Ok(Some(repository.find_blob(entry.id())?.content().to_owned()))
}

/// The trees between the root and a file, which a change of it writes anew.
fn trees_on_the_way(repository: &Repository, root: Oid, path: &str) -> Result<Vec<Oid>, GitError> {
    let root = repository.find_tree(root)?;
    let mut trees = Vec::new();
    for (end, _) in path.match_indices('/') {
        match root.get_path(Path::new(&path[..end])) {
            Ok(entry) => trees.push(entry.id()),
            // The last file of a directory was removed, and the directory with it.
            Err(error) if error.code() == ErrorCode::NotFound => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(trees)
}
