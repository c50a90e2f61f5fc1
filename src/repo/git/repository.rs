//! Opening the repository at the root, and where its HEAD is.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use git2::{Config, ConfigLevel, ErrorCode, Oid, Repository, RepositoryState, Signature, Time};

use super::error::{GitError, Operation};
use crate::adapters::git::{self, Author};
use crate::clock::Timestamp;
use crate::repo::root::Root;

/// The repository whose working tree is the root. Each call opens it anew, so that whatever others
/// do to it is seen; that costs a few files to read.
#[derive(Debug, Clone)]
pub struct GitTree {
    pub(super) root: Arc<Root>,
    directory: PathBuf,
    pub(super) author: Author,
    pub(super) largest: u64,
}

/// Which repository it is, and what is committed to it.
#[derive(Debug, Clone)]
pub struct GitSettings {
    /// The root's path.
    pub directory: PathBuf,
    /// Who commits.
    pub author: Author,
    /// The largest file that is committed, in bytes; one that is larger is refused.
    pub largest: u64,
}

/// Where HEAD is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Head {
    /// On a branch.
    Branch(Branch),
    /// On a commit, and on no branch.
    Detached(Oid),
    /// On a reference that is no branch.
    Other,
}

/// The branch that is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Branch {
    /// Its whole name, such as `refs/heads/main`.
    pub(super) reference: String,
    /// Its newest commit; none before its first.
    pub(super) commit: Option<Oid>,
}

impl Branch {
    /// Its name without `refs/heads/`.
    pub(super) fn short_name(&self) -> &str {
        self.reference.strip_prefix("refs/heads/").unwrap_or(&self.reference)
    }
}

impl GitTree {
    /// Checks that there is a repository whose working tree is the root, and that commits can be
    /// made in the author's name.
    ///
    /// # Errors
    /// There is none, it cannot be used, or the author cannot be one.
    pub fn open(root: Arc<Root>, settings: GitSettings) -> Result<Self, GitError> {
        let GitSettings { directory, author, largest } = settings;
        let tree = Self { root, directory, author, largest };
        tree.signature(0)?;
        tree.repository()?;
        Ok(tree)
    }

    /// Who commits.
    pub fn author(&self) -> &Author {
        &self.author
    }

    /// Opens the repository. Of the configuration only its own is left: nothing of the user's or
    /// the machine's is to decide what a commit holds.
    pub(super) fn repository(&self) -> Result<Repository, GitError> {
        let repository = git::open(&self.directory)?;
        let Some(directory) = repository.workdir() else { return Err(GitError::NoWorkingTree) };
        let metadata = directory.metadata()?;
        if !self.root.is(metadata.dev(), metadata.ino()) {
            return Err(GitError::OtherWorkingTree);
        }
        if has_alternates(&repository)? {
            return Err(GitError::BorrowedObjects);
        }
        let mut config = Config::new()?;
        config.add_file(&repository.commondir().join("config"), ConfigLevel::Local, false)?;
        repository.set_config(&config)?;
        Ok(repository)
    }

    pub(super) fn signature(&self, seconds: i64) -> Result<Signature<'static>, GitError> {
        let Author { name, email } = &self.author;
        if name.chars().chain(email.chars()).any(char::is_control) {
            return Err(GitError::InvalidAuthor);
        }
        Signature::new(name, email, &Time::new(seconds, 0)).map_err(|_| GitError::InvalidAuthor)
    }

    pub(super) fn signature_at(&self, at: Timestamp) -> Result<Signature<'static>, GitError> {
        self.signature(at.unix_seconds())
    }
}

fn has_alternates(repository: &Repository) -> Result<bool, GitError> {
    match std::fs::read(repository.commondir().join("objects/info/alternates")) {
        Ok(lines) => Ok(!lines.trim_ascii().is_empty()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Reads HEAD.
pub(super) fn head(repository: &Repository) -> Result<Head, GitError> {
    let head = repository.find_reference("HEAD")?;
    let Some(name) = head.symbolic_target_bytes() else {
        return Ok(head.target().map_or(Head::Other, Head::Detached));
    };
    let reference = match str::from_utf8(name) {
        Ok(name) if name.starts_with("refs/heads/") => name.to_owned(),
        Ok(_) | Err(_) => return Ok(Head::Other),
    };
    let commit = match repository.find_reference(&reference) {
        // A branch that only stands for another one is not moved by its own name.
        Ok(branch) => match branch.target() {
            Some(commit) => Some(commit),
            None => return Ok(Head::Other),
        },
        Err(error) if error.code() == ErrorCode::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Head::Branch(Branch { reference, commit }))
}

/// The branch that a commit would go to.
pub(super) fn branch_to_commit_to(repository: &Repository) -> Result<Branch, GitError> {
    if let Some(operation) = operation(repository) {
        return Err(GitError::InProgress(operation));
    }
    match head(repository)? {
        Head::Branch(branch) => Ok(branch),
        Head::Detached(_) => Err(GitError::Detached),
        Head::Other => Err(GitError::UnusualHead),
    }
}

/// What somebody is in the middle of.
pub(super) fn operation(repository: &Repository) -> Option<Operation> {
    match repository.state() {
        RepositoryState::Clean => None,
        RepositoryState::Merge => Some(Operation::Merge),
        RepositoryState::Revert | RepositoryState::RevertSequence => Some(Operation::Revert),
        RepositoryState::CherryPick | RepositoryState::CherryPickSequence => {
            Some(Operation::CherryPick)
        }
        RepositoryState::Bisect => Some(Operation::Bisect),
        RepositoryState::Rebase
        | RepositoryState::RebaseInteractive
        | RepositoryState::RebaseMerge => Some(Operation::Rebase),
        RepositoryState::ApplyMailbox | RepositoryState::ApplyMailboxOrRebase => {
            Some(Operation::ApplyMailbox)
        }
    }
}
