//! Which files of a segment may contain a literal: all that do, and few others.

use std::io;

use super::plan::Literal;
use super::postings::{Occurrence, decode};
use super::segment::{LONG_WORDS, Segment, pair_of};
use super::words::LONGEST_WORD;

/// The most words of a vocabulary that a fragment is looked up by. With more, it tells too little.
pub(super) const MOST_WORDS: usize = 4096;

/// The most pairs of words that two fragments are looked up by.
const MOST_PAIRS: usize = 64;

/// With so few files left, they are read rather than told apart by many words more.
const FEW_FILES: usize = 100;

/// How many words are too many to tell few files apart.
const MANY_WORDS: usize = 32;

/// By the number of the file.
pub(super) type Files = Vec<bool>;

/// Asks one segment.
pub(super) struct Filter<'s> {
    segment: &'s Segment,
    buffer: Vec<u8>,
}

impl<'s> Filter<'s> {
    pub(super) fn new(segment: &'s Segment) -> Self {
        Self { segment, buffer: Vec::new() }
    }

    /// The files that may contain a literal; none if that cannot be told.
    ///
    /// # Errors
    /// The file of the segment cannot be read.
    pub(super) fn literal(&mut self, literal: &Literal) -> io::Result<Option<Files>> {
        let vocabulary = &self.segment.vocabulary;
        let words: Vec<Option<Vec<usize>>> = literal
            .fragments
            .iter()
            .map(|(fragment, place)| {
                let is_whole = fragment.len() < LONGEST_WORD;
                let words = || vocabulary.with(fragment.as_bytes(), *place, MOST_WORDS);
                is_whole.then(words).flatten()
            })
            .collect();
        let mut may = None;
        for two in words.windows(2) {
            if let [Some(before), Some(after)] = two
                && before.len() * after.len() <= MOST_PAIRS
            {
                let pairs = self.pairs(before, after);
                let files = self.with(pairs, Occurrence::default())?;
                may = Some(both(may, files));
            }
        }
        let mut known: Vec<Vec<usize>> = words.into_iter().flatten().collect();
        known.sort_by_key(Vec::len);
        for words in known {
            let left = may.as_ref().map(count);
            if MANY_WORDS < words.len() && left.is_some_and(|left| left <= FEW_FILES) {
                break;
            }
            let files = self.with(words, Occurrence::WHOLE)?;
            may = Some(both(may, files));
        }
        let Some(may) = may else { return Ok(None) };
        // What is cut off from a long word is in no vocabulary.
        let long = self.long_words()?;
        Ok(Some(may.into_iter().zip(long).map(|(may, long)| may || long).collect()))
    }

    /// The files with words that are not kept whole.
    ///
    /// # Errors
    /// The file of the segment cannot be read.
    pub(super) fn long_words(&mut self) -> io::Result<Files> {
        let long = self.segment.vocabulary.find(LONG_WORDS.as_bytes());
        self.with(long.into_iter().collect(), Occurrence::default())
    }

    fn pairs(&self, before: &[usize], after: &[usize]) -> Vec<usize> {
        let vocabulary = &self.segment.vocabulary;
        let words = |numbers: &[usize]| -> Vec<&[u8]> {
            numbers.iter().filter_map(|number| vocabulary.word(*number)).collect()
        };
        let (before, after) = (words(before), words(after));
        let pairs =
            before.iter().flat_map(|before| after.iter().map(|after| pair_of(before, after)));
        pairs.filter_map(|pair| vocabulary.find(&pair)).collect()
    }

    /// The files in which one of these words stands in such a way.
    fn with(&mut self, words: Vec<usize>, so: Occurrence) -> io::Result<Files> {
        let mut files = vec![false; self.segment.documents.len()];
        for word in words {
            self.segment.postings(word, &mut self.buffer)?;
            for posting in decode(&self.buffer).filter(|posting| posting.occurrence.is(so)) {
                if let Some(file) = files.get_mut(posting.doc as usize) {
                    *file = true;
                }
            }
        }
        Ok(files)
    }
}

fn both(known: Option<Files>, files: Files) -> Files {
    let Some(known) = known else { return files };
    known.into_iter().zip(files).map(|(known, file)| known && file).collect()
}

fn count(files: &Files) -> usize {
    files.iter().filter(|file| **file).count()
}
