//! A part of the index that does not change any more: files, their words, and which word stands in
//! which file. What comes later stands in a newer segment, and counts more.

mod build;
mod codec;
mod documents;
mod file;
mod merge;
mod pairs;
mod vocabulary;

use std::io;
use std::os::unix::fs::FileExt as _;

pub(super) use self::build::{Builder, LONG_WORDS, Text};
pub(super) use self::documents::{Contents, Document, Documents};
pub(super) use self::file::{SegmentWriter, open};
pub(super) use self::merge::merge;
pub(super) use self::pairs::pair_of;
pub(super) use self::vocabulary::{Place, Vocabulary};

/// A segment, ready to be searched.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) documents: Documents,
    pub(super) vocabulary: Vocabulary,
    postings: Postings,
}

/// Where the postings are. Those of a large segment stay in its file: most are never asked for.
#[derive(Debug)]
enum Postings {
    Memory(Vec<u8>),
    File(std::fs::File),
}

impl Segment {
    /// The postings of a word, as [`postings::decode`](super::postings::decode) reads them.
    ///
    /// # Errors
    /// The file of the segment cannot be read.
    pub(super) fn postings(&self, word: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let range = self.vocabulary.postings(word);
        self.bytes(range.start, range.end, into)
    }

    fn bytes(&self, start: u32, end: u32, into: &mut Vec<u8>) -> io::Result<()> {
        let length = usize::try_from(end.saturating_sub(start)).unwrap_or(0);
        into.clear();
        match &self.postings {
            Postings::Memory(bytes) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                let range = start..start.saturating_add(length);
                into.extend_from_slice(bytes.get(range).unwrap_or_default());
                Ok(())
            }
            Postings::File(file) => {
                into.resize(length, 0);
                file.read_exact_at(into, u64::from(start))
            }
        }
    }

    /// How much memory it takes, in bytes; about.
    pub(super) fn memory(&self) -> usize {
        let postings = match &self.postings {
            Postings::Memory(bytes) => bytes.capacity(),
            Postings::File(_) => 0,
        };
        self.vocabulary.memory() + postings
    }
}
