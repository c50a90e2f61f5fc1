//! One file at a time on a branch of a git repository on this machine.
//!
//! A change is a commit of its own on a named parent. The branch moves only if that parent is still
//! its head, so that two writers, of which one may be a person with the `git` command, never undo
//! each other unseen.
//!
//! Blobs, trees, the commit and the branch are all that is written. No hook, filter or other
//! program runs, nothing is fetched or pushed, and index and working tree stay as they are. For a
//! branch that somebody has checked out that would be a trap: their next commit would quietly take
//! the change back. Such a branch is refused, as `git push` refuses it.
//!
//! All calls block; callers make them on the blocking pool.

mod branch;
pub(crate) mod durable;
mod error;
#[cfg(test)]
mod tests;

pub(crate) use self::branch::open;
pub use self::branch::{Author, Change, CommitId, GitBranch, GitSettings, Snapshot};
pub use self::error::GitError;
