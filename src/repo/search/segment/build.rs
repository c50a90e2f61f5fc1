//! Making a segment out of texts.

use std::fs::File;
use std::io;

use hashbrown::HashTable;

use super::pairs::{PAIRS, hash, made_up, number_of};
use super::{Contents, Document, Documents, Postings, Segment, SegmentWriter};
use crate::repo::ContentDigest;
use crate::repo::search::definitions::{Language, defined};
use crate::repo::search::postings::{Occurrence, Posting};
use crate::repo::search::words::{LONGEST_WORD, fold_into, parts, words};

/// The word that stands in every file with a word that is too long to be kept whole.
pub(in crate::repo::search) const LONG_WORDS: &str = "\u{1}";

/// The most files of a segment, so that a posting fits into eight bytes while it is built.
const MOST_DOCUMENTS: u32 = 1 << 24;

/// How many postings are collected before the segment is to be written.
const MANY_POSTINGS: usize = 7 << 18;

/// How many bytes of different words are collected before the segment is to be written.
const MUCH_TEXT: usize = 4 << 20;

/// A file that is to be in the segment.
#[derive(Debug, Clone, Copy)]
pub(in crate::repo::search) struct Text<'a> {
    /// Where it is below the root.
    pub(in crate::repo::search) path: &'a str,
    /// Tells later whether it has changed.
    pub(in crate::repo::search) stamp: u64,
    /// What it says, if it is text.
    pub(in crate::repo::search) says: Option<&'a str>,
}

/// Collects files, in the order of their paths, until they are a segment.
#[derive(Debug, Default)]
pub(in crate::repo::search) struct Builder {
    documents: Documents,
    table: HashTable<u32>,
    words: Vec<Word>,
    /// The words one after the other, folded.
    text: Vec<u8>,
    /// The words of the file that is read now.
    touched: Vec<u32>,
    /// A word, a file and an occurrence in 32, 24 and 8 bits.
    postings: Vec<u64>,
    /// The words that are made up for pairs, by their numbers, plus one; 0 if there is none yet.
    pairs: Vec<u32>,
    /// The hash of the word before.
    before: Option<u64>,
    folded: String,
}

#[derive(Debug, Clone, Copy)]
struct Word {
    start: u32,
    length: u32,
    hash: u64,
    /// How often it stands in the file that is read now.
    count: u32,
    /// How it stands there.
    occurrence: Occurrence,
}

impl Builder {
    /// How many files there are.
    pub(in crate::repo::search) fn len(&self) -> usize {
        self.documents.len()
    }

    /// Whether it should become a segment before more is added.
    pub(in crate::repo::search) fn is_full(&self) -> bool {
        MANY_POSTINGS <= self.postings.len() || MUCH_TEXT <= self.text.len()
    }

    /// Adds a file; its path must come after the last one's.
    pub(in crate::repo::search) fn add(&mut self, file: Text<'_>) {
        let number = self.number();
        if MOST_DOCUMENTS <= number {
            return;
        }
        self.path(file.path);
        let length = file.says.map_or(0, |text| self.contents(file.path, text));
        for id in std::mem::take(&mut self.touched) {
            let Some(word) = self.words.get_mut(id as usize) else { continue };
            let occurrence = word.occurrence.times(word.count);
            (word.count, word.occurrence) = (0, Occurrence::default());
            let key = u64::from(id) << 32 | u64::from(number) << 8;
            self.postings.push(key | u64::from(occurrence.to_byte()));
        }
        let bytes = file.says.map_or(0, |text| u32::try_from(text.len()).unwrap_or(u32::MAX));
        let contents = if file.says.is_some() { Contents::Text } else { Contents::Opaque };
        let (path, stamp) = (file.path, file.stamp);
        self.documents.push(Document { path, stamp, length, bytes, contents });
    }

    /// Says that a file is gone; its path must come after the last one's.
    pub(in crate::repo::search) fn remove(&mut self, path: &str) {
        let contents = Contents::Gone;
        self.documents.push(Document { path, stamp: 0, length: 0, bytes: 0, contents });
    }

    fn number(&self) -> u32 {
        u32::try_from(self.documents.len()).unwrap_or(u32::MAX)
    }

    fn path(&mut self, path: &str) {
        self.before = None;
        let name = path.rfind('/').map_or(0, |slash| slash + 1);
        for range in words(path) {
            let mark = if name <= range.start { Occurrence::IN_NAME } else { Occurrence::IN_PATH };
            let word = &path[range];
            self.touch(word, mark, 0);
            parts(word, |part| self.touch_part(part, mark, 0));
        }
    }

    /// Reads the words; returns how many there are.
    fn contents(&mut self, path: &str, text: &str) -> u32 {
        let extension = path.rsplit_once('.').map_or("", |(_, ending)| ending);
        let language = Language::of(&extension.to_ascii_lowercase());
        let mut length = 0u32;
        self.before = None;
        for line in text.split('\n') {
            let defined = defined(line, language);
            let mark = match language {
                Language::Markup => Occurrence::HEADING,
                _ => Occurrence::DEFINED,
            };
            for range in words(line) {
                let is_in =
                    |d: &std::ops::Range<usize>| d.start <= range.start && range.end <= d.end;
                let mark =
                    if defined.as_ref().is_some_and(is_in) { mark } else { Occurrence::default() };
                let word = &line[range];
                length = length.saturating_add(1);
                self.touch(word, mark, 1);
                if LONGEST_WORD < word.len() {
                    self.touch_part(LONG_WORDS, Occurrence::default(), 1);
                }
                parts(word, |part| self.touch_part(part, mark, 1));
            }
        }
        length
    }

    /// Notes a word of the file that is read now, and that it follows the one before.
    fn touch(&mut self, word: &str, mark: Occurrence, times: u32) {
        let id = self.word_id(word);
        self.touch_id(id, mark.with(Occurrence::WHOLE), times);
        self.follow(id);
    }

    /// The same for what is no word of its own.
    fn touch_part(&mut self, part: &str, mark: Occurrence, times: u32) {
        let id = self.word_id(part);
        self.touch_id(id, mark, times);
    }

    fn touch_id(&mut self, id: u32, mark: Occurrence, times: u32) {
        let Some(word) = self.words.get_mut(id as usize) else { return };
        if word.count == 0 && word.occurrence == Occurrence::default() {
            self.touched.push(id);
        }
        word.count += times;
        word.occurrence = word.occurrence.with(mark);
    }

    /// Notes that a word follows the one before.
    fn follow(&mut self, id: u32) {
        let Some(hash) = self.words.get(id as usize).map(|word| word.hash) else { return };
        let Some(before) = self.before.replace(hash) else { return };
        let number = number_of(before, hash);
        if self.pairs.is_empty() {
            self.pairs.resize(PAIRS, 0);
        }
        let id = match self.pairs.get(number) {
            Some(0) | None => {
                let id = self.id_of(&made_up(number));
                if let Some(pair) = self.pairs.get_mut(number) {
                    *pair = id + 1;
                }
                id
            }
            Some(known) => known - 1,
        };
        self.touch_id(id, Occurrence::default(), 1);
    }

    /// The number of a word, as it is kept.
    fn word_id(&mut self, word: &str) -> u32 {
        let mut folded = std::mem::take(&mut self.folded);
        folded.clear();
        fold_into(&mut folded, word);
        let kept = folded.get(..folded.floor_char_boundary(LONGEST_WORD)).unwrap_or(&folded);
        let id = self.id_of(kept.as_bytes());
        self.folded = folded;
        id
    }

    fn id_of(&mut self, word: &[u8]) -> u32 {
        let hash = hash(word);
        let Self { table, words, text, .. } = self;
        let is_it = |id: &u32| {
            words
                .get(*id as usize)
                .is_some_and(|known| known.hash == hash && known.of(text) == word)
        };
        if let Some(id) = table.find(hash, is_it) {
            return *id;
        }
        let id = u32::try_from(words.len()).unwrap_or(u32::MAX);
        let start = u32::try_from(text.len()).unwrap_or(u32::MAX);
        text.extend_from_slice(word);
        let length = u32::try_from(word.len()).unwrap_or(0);
        words.push(Word { start, length, hash, count: 0, occurrence: Occurrence::default() });
        table.insert_unique(hash, id, |id| words.get(*id as usize).map_or(0, |word| word.hash));
        id
    }

    /// The segment, kept in memory.
    ///
    /// # Errors
    /// It is too large.
    pub(in crate::repo::search) fn into_memory(mut self) -> io::Result<Segment> {
        let mut documents = std::mem::take(&mut self.documents);
        let mut writer = SegmentWriter::new(Vec::new());
        self.write(&mut writer)?;
        let (vocabulary, mut bytes, _digest) = writer.finish(&mut documents)?;
        let posted =
            vocabulary.len().checked_sub(1).map_or(0, |last| vocabulary.postings(last).end);
        bytes.truncate(usize::try_from(posted).unwrap_or(0));
        bytes.shrink_to_fit();
        Ok(Segment { documents, vocabulary, postings: Postings::Memory(bytes) })
    }

    /// The segment, written to a file that can be read as well. What it took to collect it is kept
    /// for the next one: memory that is given back and taken again many times is not given back in
    /// the end.
    ///
    /// # Errors
    /// It cannot be written.
    pub(in crate::repo::search) fn write_to(
        &mut self,
        file: File,
    ) -> io::Result<(Segment, ContentDigest)> {
        let mut documents = std::mem::take(&mut self.documents);
        let mut writer = SegmentWriter::new(io::BufWriter::with_capacity(1 << 16, file));
        self.write(&mut writer)?;
        self.table.clear();
        self.words.clear();
        self.text.clear();
        self.postings.clear();
        self.pairs.clear();
        let (vocabulary, out, digest) = writer.finish(&mut documents)?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok((Segment { documents, vocabulary, postings: Postings::File(file) }, digest))
    }

    fn write<W: io::Write>(&mut self, writer: &mut SegmentWriter<W>) -> io::Result<()> {
        let Self { words, text, postings, .. } = self;
        let mut order: Vec<u32> = (0..u32::try_from(words.len()).unwrap_or(u32::MAX)).collect();
        let word_of = |id: u32| words.get(id as usize).map_or(&[][..], |word| word.of(text));
        order.sort_unstable_by(|a, b| word_of(*a).cmp(word_of(*b)));
        let mut ranks = vec![0u32; words.len()];
        for (rank, id) in (0u32..).zip(&order) {
            if let Some(place) = ranks.get_mut(*id as usize) {
                *place = rank;
            }
        }
        for posting in postings.iter_mut() {
            let id = usize::try_from(*posting >> 32).unwrap_or(usize::MAX);
            let rank = ranks.get(id).copied().unwrap_or(u32::MAX);
            *posting = u64::from(rank) << 32 | *posting & u64::from(u32::MAX);
        }
        postings.sort_unstable();
        for list in postings.chunk_by(|a, b| a >> 32 == b >> 32) {
            let rank = list.first().and_then(|first| usize::try_from(first >> 32).ok());
            let id = rank.and_then(|rank| order.get(rank)).copied().unwrap_or(0);
            writer.word(word_of(id), list.iter().map(|posting| unpack(*posting)))?;
        }
        Ok(())
    }
}

impl Word {
    fn of<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let start = self.start as usize;
        text.get(start..start + self.length as usize).unwrap_or_default()
    }
}

fn unpack(posting: u64) -> Posting {
    let [byte, doc @ .., _, _, _, _] = posting.to_le_bytes();
    let [low, middle, high] = doc;
    let doc = u32::from_le_bytes([low, middle, high, 0]);
    Posting { doc, occurrence: Occurrence::from_byte(byte) }
}
