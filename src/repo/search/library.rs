//! Keeping the segments of the index in step with the files. All of this blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use tracing::warn;

use super::find::Contents;
use super::listing::{is_gone, is_passing, list};
use super::merging::Merging;
use super::segment::{Builder, Text};
use super::shared::Shared;
use super::shelf::{Kept, KeptFile, Shelf};
use super::snapshot::Snapshot;
use super::watch::{Changes, Directory, Watch};
use super::{LONGEST_TEXT, MOST_BYTES, MOST_FILES};
use crate::repo::RepoPath;
use crate::repo::root::{EntryKind, FileError, WalkLimits};

/// From how many directories on a walk through all of them is cheaper.
const MANY_DIRECTORIES: usize = 64;

/// How many there are while the first index is built.
const MANY_WHILE_BUILDING: usize = 6;

/// A file as it is to be in the index: to be read, or gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Read,
    Gone,
}

/// Why the index could not be brought into step.
#[derive(Debug, thiserror::Error)]
pub(super) enum LibraryError {
    /// The directory of the repository cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A segment cannot be written.
    #[error("a part of the index cannot be written ({})", .0.kind())]
    Write(#[from] io::Error),
}

/// The segments, as the indexer has them.
#[derive(Debug)]
pub(super) struct Library {
    shared: Arc<Shared>,
    shelf: Option<Shelf>,
    pub(super) kept: Vec<Kept>,
    pub(super) snapshot: Snapshot,
    bytes: u64,
    /// How many bytes of text are taken in.
    pub(super) most_bytes: u64,
    /// Whether some text was left out for that.
    is_full: bool,
    /// What could not be read, although it may be there.
    failed: Option<FileError>,
    pub(super) watch: Option<Watch>,
}

impl Library {
    /// Opens what was kept of an earlier run, as far as it can be used.
    pub(super) fn open(shared: Arc<Shared>) -> Self {
        let shelf = match Shelf::open(&shared.directory, shared.root.fingerprint()) {
            Ok(shelf) => Some(shelf),
            Err(error) => {
                warn!(%error, "the search index is kept in memory only");
                None
            }
        };
        let watch = match Watch::new() {
            Ok(watch) => Some(watch),
            Err(error) => {
                warn!(%error, "changes of files are found by looking again and again only");
                None
            }
        };
        let mut library = Self {
            shared,
            shelf,
            kept: Vec::new(),
            snapshot: Snapshot::default(),
            bytes: 0,
            most_bytes: MOST_BYTES,
            is_full: false,
            failed: None,
            watch,
        };
        library.load();
        library
    }

    fn load(&mut self) {
        let Some(place) = &self.shelf else { return };
        match place.load() {
            Ok(kept) => {
                self.snapshot = Snapshot::of(kept.iter().map(|kept| Arc::clone(&kept.segment)));
                self.kept = kept;
                self.is_full = self.most_bytes <= self.snapshot.extent().bytes;
            }
            Err(error) => {
                warn!(%error, "the search index is built anew");
                self.start_over();
            }
        }
    }

    /// Removes what is kept on the disk.
    pub(super) fn forget(shared: &Shared) {
        let root = shared.root.fingerprint();
        let cleared = Shelf::open(&shared.directory, root).and_then(|shelf| shelf.clear());
        if let Err(error) = cleared {
            warn!(%error, "the search index cannot be removed");
        }
    }

    /// Forgets everything, on the disk as well.
    fn start_over(&mut self) {
        self.kept.clear();
        self.snapshot = Snapshot::default();
        if let Some(Err(error)) = self.shelf.as_ref().map(Shelf::clear) {
            warn!(%error, "the search index is kept in memory only");
            self.shelf = None;
        }
    }

    /// Gives the directory up after it could not be written; what is in memory is enough.
    pub(super) fn leave_shelf(&mut self) {
        self.start_over();
        self.shelf = None;
    }

    /// Goes through all files, and reads those that are not as the index has them.
    ///
    /// # Errors
    /// The files cannot be listed, or the index not be written.
    pub(super) fn reconcile(&mut self) -> Result<(), LibraryError> {
        let root = Arc::clone(&self.shared.root);
        let mut directories = BTreeSet::from([None]);
        let mut files = Vec::new();
        if let Some(watch) = &mut self.watch {
            watch.begin_anew();
            watch.add(&root, &None);
        }
        let watch = &mut self.watch;
        let walked = root.walk(None, &WalkLimits::default(), &mut |entry| {
            match entry.kind {
                EntryKind::File => files.push((entry.path, entry.seen.fingerprint())),
                EntryKind::Directory => {
                    let directory = Some(entry.path);
                    // Before what is in it is listed, so that nothing happens in between.
                    if let Some(watch) = watch {
                        watch.add(&root, &directory);
                    }
                    directories.insert(directory);
                }
            }
            let is_enough = MOST_FILES <= files.len();
            if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let is_cut = walked.is_cut || MOST_FILES <= files.len();
        if let Some(watch) = &mut self.watch {
            watch.keep_only(&directories);
        }
        files.sort_unstable();
        let mut changes = BTreeMap::new();
        for path in self.snapshot.paths() {
            let is_there = files.binary_search_by(|(other, _)| other.as_str().cmp(path)).is_ok();
            if !is_there
                && let Ok(path) = RepoPath::parse(path)
                && (!walked.is_cut || is_gone(&root, &path))
            {
                changes.insert(path, Change::Gone);
            }
        }
        for (path, stamp) in files {
            if self.snapshot.stamp(path.as_str()) != Some(stamp) {
                changes.insert(path, Change::Read);
            }
        }
        self.shared.update(|state| state.is_cut = is_cut);
        self.apply(changes)?;
        // What cannot be read for long is tried again when everything is looked at again.
        self.failed = None;
        Ok(())
    }

    /// Looks at what was changed.
    ///
    /// # Errors
    /// The files cannot be listed, or the index not be written.
    pub(super) fn look_at(&mut self, changes: Changes) -> Result<(), LibraryError> {
        if changes.is_anywhere || MANY_DIRECTORIES < changes.directories.len() {
            return self.reconcile();
        }
        let mut found = BTreeMap::new();
        let mut left: Vec<Directory> = changes.directories.into_iter().collect();
        let mut looked_at = 0;
        while let Some(directory) = left.pop() {
            looked_at += 1;
            if 4 * MANY_DIRECTORIES < looked_at {
                return self.reconcile();
            }
            self.look_into(&directory, &changes.files, &mut found, &mut left)?;
        }
        self.apply(found)?;
        self.failed.take().map_or(Ok(()), |error| Err(error.into()))
    }

    fn look_into(
        &mut self,
        directory: &Directory,
        named: &BTreeSet<RepoPath>,
        found: &mut BTreeMap<RepoPath, Change>,
        left: &mut Vec<Directory>,
    ) -> Result<(), LibraryError> {
        let root = Arc::clone(&self.shared.root);
        let mut listing = list(&root, directory)?;
        self.failed = listing.failed.take().or(self.failed.take());
        let prefix = directory.as_ref().map(|path| format!("{path}/")).unwrap_or_default();
        for path in self.snapshot.paths() {
            let Some(rest) = path.strip_prefix(prefix.as_str()) else { continue };
            let Ok(path) = RepoPath::parse(path) else { continue };
            let is_there = match rest.split_once('/') {
                Some((name, _)) => RepoPath::parse(&format!("{prefix}{name}"))
                    .is_ok_and(|below| listing.directories.contains(&below)),
                None => listing.files.binary_search_by(|(other, _)| other.cmp(&path)).is_ok(),
            };
            if !is_there && (listing.is_whole || is_gone(&root, &path)) {
                found.insert(path, Change::Gone);
            }
        }
        for (path, stamp) in std::mem::take(&mut listing.files) {
            if named.contains(&path) || self.snapshot.stamp(path.as_str()) != Some(stamp) {
                found.insert(path, Change::Read);
            }
        }
        let Some(watch) = &mut self.watch else { return Ok(()) };
        let mut known = watch.children(directory);
        known.retain(|below| {
            // One that was named may be another one of the same name.
            let is_other = named.contains(below) || listing.lacks_directory(&root, below);
            if is_other {
                watch.remove(below);
            }
            !is_other
        });
        for below in listing.directories {
            if known.contains(&below) {
                continue;
            }
            let below = Some(below);
            watch.add(&root, &below);
            left.push(below);
        }
        Ok(())
    }

    /// Brings these files into the index.
    fn apply(&mut self, changes: BTreeMap<RepoPath, Change>) -> Result<(), LibraryError> {
        let is_first = self.kept.is_empty();
        self.bytes = self.snapshot.extent().bytes;
        let total = changes.len() as u64;
        // What is found at the start as well: it may have changed since somebody read it.
        let told: Vec<String> = changes.keys().map(|path| path.as_str().to_owned()).collect();
        let mut builder = Builder::default();
        for (done, (path, change)) in (0u64..).zip(changes) {
            if self.shared.is_closed() {
                return Ok(());
            }
            if builder.is_full() {
                self.add_large(&mut builder)?;
                if is_first && MANY_WHILE_BUILDING <= self.kept.len() {
                    self.merge_all()?;
                } else if !is_first {
                    self.publish();
                }
                self.shared.update(|state| state.progress = Some((done, total)));
            }
            match change {
                Change::Read => self.read(&path, &mut builder),
                Change::Gone => builder.remove(path.as_str()),
            }
        }
        if is_first && 0 < builder.len() {
            self.add_large(&mut builder)?;
            drop(builder);
            self.merge_all()?;
            self.keep();
        } else if 0 < builder.len() {
            self.add(Kept { segment: Arc::new(builder.into_memory()?), file: None });
        }
        self.publish();
        self.shared.followers.announce_files(told);
        self.shared.update(|state| state.is_cut |= self.is_full);
        Ok(())
    }

    fn read(&mut self, path: &RepoPath, builder: &mut Builder) {
        let file = match self.shared.root.read(path, LONGEST_TEXT) {
            Ok(file) => file,
            // It stays as it is known, which is not as it is: so it will be read again.
            Err(error) if is_passing(&error) => {
                self.failed = Some(error);
                return;
            }
            Err(_for_good) => {
                match self.shared.root.look(path) {
                    // It is too large, and found by its path.
                    Ok(seen) => {
                        let stamp = seen.fingerprint();
                        builder.add(Text { path: path.as_str(), stamp, says: None });
                    }
                    Err(_gone) => builder.remove(path.as_str()),
                }
                return;
            }
        };
        // A file that was written just now may be written once more without a trace.
        let age = self.shared.clock.now().since(file.seen.modified);
        let stamp = if age.whole_milliseconds() < 100 { 0 } else { file.seen.fingerprint() };
        let contents = Contents::of(file.bytes);
        let is_full = self.most_bytes <= self.bytes;
        self.is_full |= is_full && contents.as_str().is_some();
        let text = contents.as_str().filter(|_| !is_full);
        self.bytes += text.map_or(0, |text| text.len() as u64);
        builder.add(Text { path: path.as_str(), stamp, says: text });
    }

    /// Adds what was collected as a segment: on the disk, if there is a place for it.
    fn add_large(&mut self, builder: &mut Builder) -> io::Result<()> {
        let (name, file) = self.new_file()?;
        let (segment, digest) = builder.write_to(file)?;
        let file = name.map(|name| KeptFile::new(name, digest));
        self.add(Kept { segment: Arc::new(segment), file });
        Ok(())
    }

    fn add(&mut self, kept: Kept) {
        let snapshot = std::mem::take(&mut self.snapshot);
        self.snapshot = snapshot.with(Arc::clone(&kept.segment));
        self.kept.push(kept);
    }

    /// A file for a segment: one that is kept, or one that goes with the daemon.
    pub(super) fn new_file(&mut self) -> io::Result<(Option<String>, std::fs::File)> {
        match &mut self.shelf {
            Some(place) => place.new_file().map(|(name, file)| (Some(name), file)),
            None => Ok((None, tempfile::tempfile()?)),
        }
    }

    /// Makes one segment of all, so that their words are in memory only once.
    fn merge_all(&mut self) -> io::Result<()> {
        if self.kept.len() < 2 {
            return Ok(());
        }
        let (name, file) = self.new_file()?;
        let segments = self.kept.iter().map(|kept| Arc::clone(&kept.segment)).collect();
        self.put(Merging { first: 0, segments, name, file }.run()?);
        Ok(())
    }

    pub(super) fn publish(&self) {
        self.shared.publish(Arc::new(self.snapshot.clone()));
    }

    /// Writes down which segments there are. If that fails, more is read at the next start.
    pub(super) fn keep(&mut self) {
        if let Some(Err(error)) = self.shelf.as_ref().map(|shelf| shelf.keep(&self.kept)) {
            warn!(%error, "the search index is not kept for the next start");
        }
    }
}
