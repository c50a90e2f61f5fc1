//! Which files of a directory are searched, and what changed in it since the index was told.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::find::Contents;
use super::segment::{Builder, Segment, Text};
use super::watch::Directory;
use crate::repo::RepoPath;
use crate::repo::root::{EntryKind, FileError, Root, WalkLimits};

/// What stands in one directory.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Its files, and what tells whether they changed.
    pub(super) files: Vec<(RepoPath, u64)>,
    /// The directories in it.
    pub(super) directories: BTreeSet<RepoPath>,
}

/// Lists one directory. One that is gone is empty.
///
/// # Errors
/// The root itself is gone.
pub(super) fn list(root: &Root, directory: &Directory) -> Result<Listing, FileError> {
    let mut listing = Listing::default();
    let limits = WalkLimits { depth: 1, ..WalkLimits::default() };
    let walked = root.walk(directory.as_ref(), &limits, &mut |entry| {
        match entry.kind {
            EntryKind::File => listing.files.push((entry.path, entry.seen.fingerprint())),
            EntryKind::Directory => drop(listing.directories.insert(entry.path)),
        }
        ControlFlow::Continue(())
    });
    match walked {
        Ok(_) => Ok(listing),
        Err(FileError::Gone) => Err(FileError::Gone),
        Err(_unreadable) => Ok(Listing::default()),
    }
}

/// A segment of just these files as they are now; those that are gone, or ignored, are said to be.
pub(super) fn overlay(root: &Root, paths: BTreeSet<RepoPath>) -> Option<Arc<Segment>> {
    let parents: BTreeSet<Directory> = paths.iter().map(RepoPath::parent).collect();
    let mut shown = BTreeSet::new();
    for parent in &parents {
        shown.extend(list(root, parent).ok()?.files.into_iter().map(|(path, _)| path));
    }
    let mut builder = Builder::default();
    for path in paths {
        let contents = shown.contains(&path).then(|| Contents::read(root, &path)).flatten();
        match contents {
            Some(contents) => {
                builder.add(Text { path: path.as_str(), stamp: 0, says: contents.as_str() });
            }
            None => builder.remove(path.as_str()),
        }
    }
    builder.into_memory().ok().map(Arc::new)
}
