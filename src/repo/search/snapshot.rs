//! The whole index at one moment: its segments, and which of their files count.

use std::sync::Arc;

use super::segment::{Contents, Segment};

/// One segment, and which of its files no newer segment has.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) segment: Arc<Segment>,
    /// By the number of the file.
    pub(super) counts: Vec<bool>,
}

/// All segments, the oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    pub(super) parts: Vec<Part>,
}

/// How much a snapshot holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// Files, of whatever kind.
    pub(super) files: u64,
    /// Bytes of text in them.
    pub(super) bytes: u64,
    /// Words in them.
    pub(super) words: u64,
}

impl Snapshot {
    /// A snapshot of these segments, the oldest first.
    pub(super) fn of(segments: impl IntoIterator<Item = Arc<Segment>>) -> Self {
        segments.into_iter().fold(Self::default(), Self::with)
    }

    /// The same with another segment, which counts more than all others.
    #[must_use]
    pub(super) fn with(mut self, segment: Arc<Segment>) -> Self {
        for document in segment.documents.iter() {
            for part in &mut self.parts {
                let older = part.segment.documents.find(document.path);
                if let Some(counts) = older.and_then(|number| part.counts.get_mut(number)) {
                    *counts = false;
                }
            }
        }
        let counts = segment.documents.iter().map(|d| d.contents != Contents::Gone).collect();
        self.parts.push(Part { segment, counts });
        self
    }

    /// What is known of a file: its stamp, if it is there.
    pub(super) fn stamp(&self, path: &str) -> Option<u64> {
        self.parts.iter().find_map(|part| {
            let number = part.segment.documents.find(path)?;
            let counts = part.counts.get(number).copied().unwrap_or(false);
            counts.then(|| part.segment.documents.get(number)).flatten().map(|d| d.stamp)
        })
    }

    /// The paths of all files that count, in no order.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| {
            let numbers = part.counts.iter().enumerate().filter(|(_, counts)| **counts);
            numbers.filter_map(|(number, _)| part.segment.documents.path(number))
        })
    }

    /// How much it holds.
    pub(super) fn extent(&self) -> Extent {
        let mut extent = Extent::default();
        for part in &self.parts {
            for (document, counts) in part.segment.documents.iter().zip(&part.counts) {
                if *counts {
                    extent.files += 1;
                    extent.bytes += u64::from(document.bytes);
                    extent.words += u64::from(document.length);
                }
            }
        }
        extent
    }

    /// How much memory its segments take, in bytes; about.
    pub(super) fn memory(&self) -> usize {
        self.parts.iter().map(|part| part.segment.memory()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::segment::{Builder, Text};
    use super::*;

    fn segment(files: &[(&str, u64)], gone: &[&str]) -> Arc<Segment> {
        let mut builder = Builder::default();
        let mut all: Vec<(&str, Option<u64>)> =
            files.iter().map(|(path, stamp)| (*path, Some(*stamp))).collect();
        all.extend(gone.iter().map(|path| (*path, None)));
        all.sort_unstable();
        for (path, stamp) in all {
            match stamp {
                Some(stamp) => builder.add(Text { path, stamp, says: Some("x y") }),
                None => builder.remove(path),
            }
        }
        Arc::new(builder.into_memory().unwrap())
    }

    #[test]
    fn the_newest_segment_counts() {
        let old = segment(&[("a", 1), ("b", 1), ("c", 1)], &[]);
        let new = segment(&[("b", 2), ("d", 2)], &["c"]);
        let snapshot = Snapshot::of([old, new]);
        let stamps = ["a", "b", "c", "d"].map(|path| snapshot.stamp(path));
        assert_eq!(stamps, [Some(1), Some(2), None, Some(2)]);
        let mut paths: Vec<&str> = snapshot.paths().collect();
        paths.sort_unstable();
        assert_eq!(paths, ["a", "b", "d"]);
        assert_eq!(snapshot.extent(), Extent { files: 3, bytes: 9, words: 6 });
        let again = snapshot.with(segment(&[("c", 3)], &["a"]));
        assert_eq!(["a", "c"].map(|path| again.stamp(path)), [None, Some(3)]);
    }
}
