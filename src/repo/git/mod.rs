//! The git repository at the root: committing what stands in the working tree, and telling what is
//! changed and what was.
//!
//! libgit2 reads and writes objects, branches and the index. The working tree is read through
//! [`Root`](super::root::Root) alone, byte for byte: no filter, line-ending rule, hook or other
//! program comes between a file and its commit, and no configuration but the repository's own is
//! heeded. All calls block; callers make them on the blocking pool.
//!
//! # Invariants
//!
//! 1. A commit holds HEAD's tree with exactly the named paths changed. What others have staged is
//!    theirs.
//! 2. A lock of another program is waited for and never removed.
//! 3. What was acknowledged is on the disk; killed at any moment, the repository is whole.

mod blob;
mod commit;
mod diff;
mod error;
mod forge;
mod history;
mod index;
mod index_lock;
mod message;
mod prepare;
mod publish;
mod repository;
mod status;
mod survey;
#[cfg(test)]
mod tests;
mod trees;

pub use self::commit::{CommitRequest, Paths, PreparedCommit, StagedChange};
pub use self::diff::{Diff, DiffRequest};
pub use self::error::{GitError, Operation};
pub use self::forge::Forge;
pub use self::history::{Log, LogRequest, LoggedCommit};
pub use self::message::{CommitMessage, MessageError};
pub use self::repository::{GitSettings, GitTree};
pub use self::status::{FileChange, Status, StatusEntry};
pub use crate::adapters::git::{Author, CommitId};
