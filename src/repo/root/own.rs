//! The daemon's own files, where they lie within the repository.

use std::path::{Path, PathBuf};

use crate::repo::RepoPath;
use crate::repo::names::fold;

/// What `SQLite` keeps beside a database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What is not a client's within the repository. Paths are absolute; those elsewhere do not matter.
#[derive(Debug, Clone, Default)]
pub struct OwnFiles {
    /// Files and directories that are as if they did not exist: databases with what `SQLite` keeps
    /// beside them, logs of runs, the search index, the configuration.
    pub hidden: Vec<PathBuf>,
    /// Files and directories that can be read and not changed, because the daemon runs what stands
    /// there.
    pub guarded: Vec<PathBuf>,
}

/// The same, as they are called below the root, each name folded.
#[derive(Debug)]
pub(super) struct OwnPaths {
    hidden: Vec<String>,
    guarded: Vec<String>,
}

impl OwnPaths {
    pub(super) fn below(root: &Path, own: &OwnFiles) -> Self {
        let below =
            |paths: &[PathBuf]| paths.iter().filter_map(|p| folded_below(root, p)).collect();
        Self { hidden: below(&own.hidden), guarded: below(&own.guarded) }
    }

    /// Whether a file is as if it did not exist.
    pub(super) fn hides(&self, path: &RepoPath) -> bool {
        is_one(&self.hidden, path, |rest| {
            rest.is_empty() || rest.starts_with('/') || COMPANIONS.contains(&rest)
        })
    }

    /// Whether one of the daemon's files or directories is yet to come below this name. A file of that
    /// name would be in its way.
    pub(super) fn needs_directory(&self, path: &RepoPath) -> bool {
        let path = folded(path.names());
        let own = self.hidden.iter().chain(&self.guarded);
        own.filter_map(|own| own.strip_prefix(&path)).any(|rest| rest.starts_with('/'))
    }

    /// Whether a file is not changed.
    pub(super) fn guards(&self, path: &RepoPath) -> bool {
        is_one(&self.guarded, path, |rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Whether what follows one of these in `path` is as asked for.
fn is_one(own: &[String], path: &RepoPath, is_meant: impl Fn(&str) -> bool) -> bool {
    if own.is_empty() {
        return false;
    }
    let path = folded(path.names());
    own.iter().any(|own| path.strip_prefix(own.as_str()).is_some_and(&is_meant))
}

fn folded<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut folded = String::new();
    for name in names {
        if !folded.is_empty() {
            folded.push('/');
        }
        folded.push_str(&fold(name));
    }
    folded
}

/// The path below the root. Links on the way to it are resolved as far as it exists: a database may
/// be yet to come.
fn folded_below(root: &Path, path: &Path) -> Option<String> {
    let (existing, resolved) =
        path.ancestors().find_map(|part| Some((part, part.canonicalize().ok()?)))?;
    let resolved = resolved.join(path.strip_prefix(existing).ok()?);
    let below = folded(resolved.strip_prefix(root).ok()?.to_str()?.split('/'));
    (!below.is_empty()).then_some(below)
}
