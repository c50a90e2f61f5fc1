//! Making one segment of several, while searches go on with those.

use std::io;
use std::sync::Arc;

use super::segment::{Segment, merge};
use super::shelf::{Kept, KeptFile};

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
