//! One repository: its files, its search and its git, and the story of each file.
//!
//! # Invariants
//!
//! 1. Every file is reached through [`Root`](root::Root), which nothing leads out of.
//! 2. A path that came from outside is a [`RepoPath`] before anything is looked up.
//! 3. A file is changed under its lock, whole or not at all, and its story is told afterwards even
//!    if the daemon was killed in between.

mod digest;
pub mod git;
mod names;
mod path;
pub mod root;

pub use self::digest::{ContentDigest, InvalidDigest};
pub use self::path::{PathError, RepoPath};
