//! The files of a segment: where each is, what it was like when it was read, and how long it is.

use std::io;

use super::codec::{Bounds, Put, Reader, put_u32s, put_u64s};
use crate::repo::search::prior::{Prior, prior};

/// What became of a file when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::repo::search) enum Contents {
    /// It is text, and its words are in the segment.
    Text,
    /// It is no text, or too large: it is found by its path only.
    Opaque,
    /// It is gone; what older segments say of it does not count.
    Gone,
}

/// One file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::repo::search) struct Document<'a> {
    /// Where it is below the root.
    pub(in crate::repo::search) path: &'a str,
    /// Tells whether it has changed since.
    pub(in crate::repo::search) stamp: u64,
    /// How many words it has.
    pub(in crate::repo::search) length: u32,
    /// How many bytes of text were read.
    pub(in crate::repo::search) bytes: u32,
    /// What it is.
    pub(in crate::repo::search) contents: Contents,
}

/// All files of a segment, in the order of their paths.
#[derive(Debug, Default)]
pub(in crate::repo::search) struct Documents {
    paths: String,
    /// Where each path ends.
    ends: Vec<u32>,
    stamps: Vec<u64>,
    lengths: Vec<u32>,
    bytes: Vec<u32>,
    contents: Vec<u8>,
    /// Not written down: it follows from the paths.
    priors: Vec<Prior>,
}

impl Documents {
    /// Adds a file; its path must come after the last one's.
    pub(in crate::repo::search) fn push(&mut self, document: Document<'_>) {
        self.paths.push_str(document.path);
        self.priors.push(prior(document.path));
        self.ends.push(u32::try_from(self.paths.len()).unwrap_or(u32::MAX));
        self.stamps.push(document.stamp);
        self.lengths.push(document.length);
        self.bytes.push(document.bytes);
        self.contents.push(match document.contents {
            Contents::Text => 0,
            Contents::Opaque => 1,
            Contents::Gone => 2,
        });
    }

    /// How many there are.
    pub(in crate::repo::search) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The file of a number.
    pub(in crate::repo::search) fn get(&self, number: usize) -> Option<Document<'_>> {
        Some(Document {
            path: self.path(number)?,
            stamp: *self.stamps.get(number)?,
            length: *self.lengths.get(number)?,
            bytes: *self.bytes.get(number)?,
            contents: match self.contents.get(number)? {
                0 => Contents::Text,
                1 => Contents::Opaque,
                _ => Contents::Gone,
            },
        })
    }

    /// The path of a number.
    pub(in crate::repo::search) fn path(&self, number: usize) -> Option<&str> {
        let end = *self.ends.get(number)?;
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        self.paths.get(usize::try_from(start.unwrap_or(0)).ok()?..usize::try_from(end).ok()?)
    }

    /// How likely a file is what is looked for.
    pub(in crate::repo::search) fn prior(&self, number: usize) -> Option<Prior> {
        self.priors.get(number).copied()
    }

    /// How many words a file has.
    pub(in crate::repo::search) fn length(&self, number: usize) -> u32 {
        self.lengths.get(number).copied().unwrap_or(0)
    }

    /// The number of a path.
    pub(in crate::repo::search) fn find(&self, path: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.path(middle)?.cmp(path) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// All files.
    pub(in crate::repo::search) fn iter(&self) -> impl Iterator<Item = Document<'_>> {
        (0..self.len()).filter_map(|number| self.get(number))
    }

    /// Lets go of memory that was kept for more.
    pub(super) fn shrink(&mut self) {
        self.paths.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.stamps.shrink_to_fit();
        self.lengths.shrink_to_fit();
        self.bytes.shrink_to_fit();
        self.contents.shrink_to_fit();
        self.priors.shrink_to_fit();
    }

    pub(super) fn encode(&self, put: Put<'_>) -> io::Result<()> {
        put_u32s(put, &[u32::try_from(self.paths.len()).unwrap_or(u32::MAX)])?;
        put_u32s(put, &[u32::try_from(self.len()).unwrap_or(u32::MAX)])?;
        put(self.paths.as_bytes())?;
        put_u32s(put, &self.ends)?;
        put_u64s(put, &self.stamps)?;
        put_u32s(put, &self.lengths)?;
        put_u32s(put, &self.bytes)?;
        put(&self.contents)
    }

    pub(super) fn decode(reader: &mut Reader<impl io::Read>) -> Result<Self, Bounds> {
        let (text, count) = (reader.length()?, reader.length()?);
        let paths = String::from_utf8(reader.bytes(text)?).map_err(|_not_text| Bounds)?;
        let mut documents = Self {
            priors: Vec::new(),
            paths,
            ends: reader.u32s(count)?,
            stamps: reader.u64s(count)?,
            lengths: reader.u32s(count)?,
            bytes: reader.u32s(count)?,
            contents: reader.bytes(count)?,
        };
        let priors = (0..count).map(|number| documents.path(number).map(prior));
        documents.priors = priors.collect::<Option<_>>().ok_or(Bounds)?;
        Ok(documents)
    }
}
