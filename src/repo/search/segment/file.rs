//! A segment as it is written: the postings of all words, then the files and the words, then how
//! long each part is.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write};

use sha2::{Digest as _, Sha256};

use super::codec::{Bounds, Reader};
use super::{Documents, Postings, Segment, Vocabulary};
use crate::repo::ContentDigest;
use crate::repo::search::postings::{Posting, encode};

/// How long the last part is: where the tables begin.
const TRAILER: usize = 8;

/// Writes a segment word by word.
#[derive(Debug)]
pub(in crate::repo::search) struct SegmentWriter<W> {
    out: W,
    hasher: Sha256,
    vocabulary: Vocabulary,
    posted: u64,
    buffer: Vec<u8>,
}

impl<W: Write> SegmentWriter<W> {
    pub(in crate::repo::search) fn new(out: W) -> Self {
        Self {
            out,
            hasher: Sha256::new(),
            vocabulary: Vocabulary::default(),
            posted: 0,
            buffer: Vec::new(),
        }
    }

    /// Adds a word and where it stands; it must come after the last one.
    pub(super) fn word(
        &mut self,
        word: &[u8],
        postings: impl Iterator<Item = Posting>,
    ) -> io::Result<()> {
        self.buffer.clear();
        encode(postings, &mut self.buffer);
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.posted += self.buffer.len() as u64;
        let posted = u32::try_from(self.posted)
            .map_err(|_too_large| io::Error::from(io::ErrorKind::FileTooLarge))?;
        self.vocabulary.push(word, posted);
        self.hasher.update(&self.buffer);
        self.out.write_all(&self.buffer)
    }

    /// Writes the files and the words. Returns them, where it was written to, and the digest of it
    /// all.
    pub(super) fn finish(
        mut self,
        documents: &mut Documents,
    ) -> io::Result<(Vocabulary, W, ContentDigest)> {
        documents.shrink();
        self.vocabulary.shrink();
        let Self { out, hasher, vocabulary, posted, .. } = &mut self;
        let mut put = |bytes: &[u8]| {
            hasher.update(bytes);
            out.write_all(bytes)
        };
        documents.encode(&mut put)?;
        vocabulary.encode(&mut put)?;
        put(&posted.to_le_bytes())?;
        Ok((self.vocabulary, self.out, <[u8; 32]>::from(self.hasher.finalize()).into()))
    }
}

/// Opens the file of a segment, if it is what was written.
///
/// # Errors
/// It cannot be read, or its digest is another.
pub(in crate::repo::search) fn open(
    mut file: std::fs::File,
    digest: ContentDigest,
) -> io::Result<Segment> {
    let damaged = |_: Bounds| io::Error::from(io::ErrorKind::InvalidData);
    let length = file.metadata()?.len();
    let tables = length.checked_sub(TRAILER as u64).ok_or(Bounds).map_err(damaged)?;
    file.seek(SeekFrom::Start(tables))?;
    let mut trailer = [0; TRAILER];
    file.read_exact(&mut trailer)?;
    let posted = u64::from_le_bytes(trailer);
    if tables < posted || digest_of(&mut file)? != digest {
        return Err(damaged(Bounds));
    }
    file.seek(SeekFrom::Start(posted))?;
    let tables = io::BufReader::with_capacity(1 << 16, &file);
    let mut reader = Reader::new(tables, length - TRAILER as u64 - posted);
    let documents = Documents::decode(&mut reader).map_err(damaged)?;
    let vocabulary = Vocabulary::decode(&mut reader).map_err(damaged)?;
    Ok(Segment { documents, vocabulary, postings: Postings::File(file) })
}

fn digest_of(file: &mut std::fs::File) -> io::Result<ContentDigest> {
    file.seek(SeekFrom::Start(0))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(<[u8; 32]>::from(hasher.finalize()).into()),
            read => hasher.update(&buffer[..read]),
        }
    }
}
