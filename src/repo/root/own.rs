//! The daemon's own files, where they lie within the repository.

use std::path::{Path, PathBuf};

use crate::repo::RepoPath;

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

/// The same, as they are called below the root.
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

    pub(super) fn hides(&self, path: &RepoPath) -> bool {
        let path = path.as_str().to_lowercase();
        self.hidden.iter().any(|own| is_at_or_below(&path, own) || is_companion(&path, own))
    }

    pub(super) fn guards(&self, path: &RepoPath) -> bool {
        let path = path.as_str().to_lowercase();
        self.guarded.iter().any(|own| is_at_or_below(&path, own))
    }
}

/// The path below the root. Links on the way to it are resolved as far as it exists: a database may
/// be yet to come.
fn folded_below(root: &Path, path: &Path) -> Option<String> {
    let (existing, resolved) =
        path.ancestors().find_map(|part| Some((part, part.canonicalize().ok()?)))?;
    let resolved = resolved.join(path.strip_prefix(existing).ok()?);
    let below = resolved.strip_prefix(root).ok()?.to_str()?.to_lowercase();
    (!below.is_empty()).then_some(below)
}

fn is_at_or_below(path: &str, own: &str) -> bool {
    path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_companion(path: &str, own: &str) -> bool {
    path.strip_prefix(own).is_some_and(|rest| COMPANIONS.contains(&rest))
}
