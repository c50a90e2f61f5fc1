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
    /// Whether it has all that is there. It does not say so where there are directories, as it does
    /// not look into them.
    pub(super) is_whole: bool,
    /// Why there is nothing in it, if there may be something and another try may show it.
    pub(super) failed: Option<FileError>,
    /// Its files, and what tells whether they changed.
    pub(super) files: Vec<(RepoPath, u64)>,
    /// The directories in it.
    pub(super) directories: BTreeSet<RepoPath>,
}

impl Listing {
    /// Whether a directory is not there any more.
    pub(super) fn lacks_directory(&self, root: &Root, path: &RepoPath) -> bool {
        let is_gone = || match root.look(path) {
            Ok(_file) => true,
            Err(FileError::NotAFile { .. }) => false,
            Err(error) => !is_passing(&error),
        };
        !self.directories.contains(path) && (self.is_whole || is_gone())
    }
}

/// Whether a failure says nothing about what is there.
pub(super) fn is_passing(error: &FileError) -> bool {
    matches!(error, FileError::Io { .. } | FileError::Changed(_) | FileError::Gone)
}

/// Whether a file that was not come by is there no more, or is ignored. If that cannot be told, it
/// is there.
pub(super) fn is_gone(root: &Root, path: &RepoPath) -> bool {
    match root.look(path) {
        Ok(_) => root.is_ignored(path).unwrap_or(false),
        Err(error) => !is_passing(&error),
    }
}

/// Lists one directory. One that is gone is empty.
///
/// # Errors
/// The root itself is gone.
pub(super) fn list(root: &Root, directory: &Directory) -> Result<Listing, FileError> {
    match try_list(root, directory) {
        Ok(listing) => Ok(listing),
        Err(FileError::Gone) => Err(FileError::Gone),
        Err(FileError::NotFound(_) | FileError::NotADirectory(_)) => {
            Ok(Listing { is_whole: true, ..Listing::default() })
        }
        Err(error) => {
            let failed = is_passing(&error).then_some(error);
            Ok(Listing { failed, ..Listing::default() })
        }
    }
}

fn try_list(root: &Root, directory: &Directory) -> Result<Listing, FileError> {
    fail::fail_point!("search-list", |_| {
        let source = rustix::io::Errno::MFILE.into();
        Err(directory.clone().map_or(FileError::Gone, |path| FileError::Io { path, source }))
    });
    let mut listing = Listing::default();
    let limits = WalkLimits { depth: 1, ..WalkLimits::default() };
    let walked = root.walk(directory.as_ref(), &limits, &mut |entry| {
        match entry.kind {
            EntryKind::File => listing.files.push((entry.path, entry.seen.fingerprint())),
            EntryKind::Directory => drop(listing.directories.insert(entry.path)),
        }
        ControlFlow::Continue(())
    })?;
    listing.is_whole = !walked.is_cut;
    Ok(listing)
}

/// A segment of just these files as they are now; those that are gone, or ignored, are said to be.
pub(super) fn overlay(root: &Root, paths: BTreeSet<RepoPath>) -> Option<Arc<Segment>> {
    let parents: BTreeSet<Directory> = paths.iter().map(RepoPath::parent).collect();
    let mut shown = BTreeSet::new();
    let mut is_whole = true;
    for parent in &parents {
        let listing = list(root, parent).ok()?;
        is_whole &= listing.is_whole;
        shown.extend(listing.files.into_iter().map(|(path, _)| path));
    }
    let mut builder = Builder::default();
    for path in paths {
        let is_shown = shown.contains(&path) || !is_whole && !is_gone(root, &path);
        let contents = is_shown.then(|| Contents::read(root, &path)).flatten();
        match contents {
            Some(contents) => {
                builder.add(Text { path: path.as_str(), stamp: 0, says: contents.as_str() });
            }
            None => builder.remove(path.as_str()),
        }
    }
    builder.into_memory().ok().map(Arc::new)
}
