//! Making one segment of several, while searches go on with those.

use std::io;
use std::sync::Arc;

use super::library::Library;
use super::segment::{Segment, merge};
use super::shelf::{Kept, KeptFile};
use super::snapshot::Snapshot;

/// How many segments there are before some are merged.
const MANY_SEGMENTS: usize = 8;

/// Segments that are to be one.
pub(super) struct Merging {
    pub(super) first: usize,
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) name: Option<String>,
    pub(super) file: std::fs::File,
}

/// What became of them.
pub(super) struct Merged {
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) kept: Kept,
}

impl Merging {
    /// Merges them.
    ///
    /// # Errors
    /// One cannot be read, or the result not be written.
    pub(super) fn run(self) -> io::Result<Merged> {
        let Self { first, segments, name, file } = self;
        let (segment, digest) = merge(&segments, first == 0, file, &mut std::thread::yield_now)?;
        let file = name.map(|name| KeptFile::new(name, digest));
        let kept = Kept { segment: Arc::new(segment), file };
        Ok(Merged { first, count: segments.len(), kept })
    }
}

impl Library {
    /// Which segments should be merged now, if any.
    pub(super) fn merging(&mut self) -> Option<Merging> {
        if self.kept.len() <= MANY_SEGMENTS {
            return None;
        }
        let files = |kept: &Kept| kept.segment.documents.len();
        let oldest = self.kept.first().map_or(0, files);
        let later: usize = self.kept.iter().skip(1).map(files).sum();
        let first = usize::from(4 * later < oldest);
        let segments = self.kept.iter().skip(first).map(|kept| Arc::clone(&kept.segment)).collect();
        let (name, file) = self.new_file().ok()?;
        Some(Merging { first, segments, name, file })
    }

    /// Puts a merged segment in the place of those that it was made of.
    pub(super) fn take_merged(&mut self, merged: Merged) {
        if self.put(merged) {
            self.keep();
            self.publish();
        }
    }

    /// The same, and no more; says whether they were still there.
    pub(super) fn put(&mut self, merged: Merged) -> bool {
        let end = merged.first + merged.count;
        if self.kept.len() < end {
            return false;
        }
        self.kept.splice(merged.first..end, [merged.kept]);
        self.snapshot = Snapshot::of(self.kept.iter().map(|kept| Arc::clone(&kept.segment)));
        true
    }
}
