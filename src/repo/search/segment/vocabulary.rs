//! All words of a segment, in their order, in one piece of memory that can be searched for parts of
//! words.

use std::io;
use std::ops::Range;

use memchr::memmem;

use super::codec::{Bounds, Put, Reader, put_u32s};

/// What stands behind each word, and in none.
const END: u8 = 0;

/// The words of a segment and where their postings are.
#[derive(Debug, Default)]
pub(in crate::repo::search) struct Vocabulary {
    text: Vec<u8>,
    /// Where each word begins.
    starts: Vec<u32>,
    /// Where the postings of each word end.
    posted: Vec<u32>,
}

/// How a fragment of a text stands in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::repo::search) enum Place {
    /// It is the word.
    Whole,
    /// The word begins with it.
    Start,
    /// The word ends with it.
    End,
    /// Anywhere.
    Inside,
}

impl Vocabulary {
    /// Adds a word; it must come after the last one. `posted` is where its postings end.
    pub(super) fn push(&mut self, word: &[u8], posted: u32) {
        self.starts.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        self.text.extend_from_slice(word);
        self.text.push(END);
        self.posted.push(posted);
    }

    /// How many words there are.
    pub(in crate::repo::search) fn len(&self) -> usize {
        self.starts.len()
    }

    /// How much memory it takes, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.text.capacity() + 4 * (self.starts.capacity() + self.posted.capacity())
    }

    /// The word of a number.
    pub(in crate::repo::search) fn word(&self, number: usize) -> Option<&[u8]> {
        let start = at(&self.starts, number)?;
        let end = at(&self.starts, number + 1).unwrap_or(self.text.len());
        self.text.get(start..end.checked_sub(1)?)
    }

    /// Where the postings of a word are.
    pub(in crate::repo::search) fn postings(&self, number: usize) -> Range<u32> {
        let end = self.posted.get(number).copied().unwrap_or(0);
        let before = number.checked_sub(1).and_then(|before| self.posted.get(before));
        before.copied().unwrap_or(0)..end
    }

    /// The number of a word.
    pub(in crate::repo::search) fn find(&self, word: &[u8]) -> Option<usize> {
        let number = self.first_from(word);
        (self.word(number) == Some(word)).then_some(number)
    }

    /// The first word that is not before this.
    fn first_from(&self, word: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.word(middle).is_some_and(|other| other < word) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The words in which a fragment stands; none if they are more than `most`.
    pub(in crate::repo::search) fn with(
        &self,
        fragment: &[u8],
        place: Place,
        most: usize,
    ) -> Option<Vec<usize>> {
        match place {
            Place::Whole => Some(self.find(fragment).into_iter().collect()),
            Place::Start => {
                let first = self.first_from(fragment);
                let begins = |number: &usize| {
                    self.word(*number).is_some_and(|word| word.starts_with(fragment))
                };
                let found: Vec<usize> =
                    (first..self.len()).take_while(begins).take(most + 1).collect();
                (found.len() <= most).then_some(found)
            }
            Place::End => self.scan(&[fragment, &[END]].concat(), most),
            Place::Inside => self.scan(fragment, most),
        }
    }

    fn scan(&self, needle: &[u8], most: usize) -> Option<Vec<usize>> {
        let mut found = Vec::new();
        let finder = memmem::Finder::new(needle);
        let mut from = 0;
        while let Some(hit) = self.text.get(from..).and_then(|rest| finder.find(rest)) {
            let place = u32::try_from(from + hit).unwrap_or(u32::MAX);
            let number = self.starts.partition_point(|start| *start <= place).checked_sub(1)?;
            if found.len() == most {
                return None;
            }
            found.push(number);
            // Another hit in the same word would not add anything.
            from = at(&self.starts, number + 1).unwrap_or(self.text.len());
        }
        Some(found)
    }

    pub(super) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.starts.shrink_to_fit();
        self.posted.shrink_to_fit();
    }

    pub(super) fn encode(&self, put: Put<'_>) -> io::Result<()> {
        let (text, words) = (self.text.len(), self.len());
        put_u32s(put, &[text, words].map(|count| u32::try_from(count).unwrap_or(u32::MAX)))?;
        put(&self.text)?;
        put_u32s(put, &self.starts)?;
        put_u32s(put, &self.posted)
    }

    pub(super) fn decode(reader: &mut Reader<impl io::Read>) -> Result<Self, Bounds> {
        let (text, words) = (reader.length()?, reader.length()?);
        let text = reader.bytes(text)?;
        Ok(Self { text, starts: reader.u32s(words)?, posted: reader.u32s(words)? })
    }
}

fn at(numbers: &[u32], place: usize) -> Option<usize> {
    usize::try_from(*numbers.get(place)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        let mut vocabulary = Vocabulary::default();
        for (number, word) in ["api_key", "key", "keyboard", "keys", "monkey"].iter().enumerate() {
            vocabulary.push(word.as_bytes(), u32::try_from(number).unwrap() + 1);
        }
        vocabulary
    }

    #[test]
    fn words_are_found_by_their_fragments() {
        let vocabulary = vocabulary();
        for (place, expected) in [
            (Place::Whole, vec![1]),
            (Place::Start, vec![1, 2, 3]),
            (Place::End, vec![0, 1, 4]),
            (Place::Inside, vec![0, 1, 2, 3, 4]),
        ] {
            assert_eq!(vocabulary.with(b"key", place, 10), Some(expected), "{place:?}");
        }
        assert_eq!(vocabulary.with(b"key", Place::Inside, 4), None);
        assert_eq!(vocabulary.with(b"zebra", Place::Start, 4), Some(vec![]));
        assert_eq!(vocabulary.postings(2), 2..3);
    }

    #[test]
    fn a_vocabulary_comes_back_from_its_bytes() {
        let mut bytes = Vec::new();
        let mut put = |some: &[u8]| {
            bytes.extend_from_slice(some);
            Ok(())
        };
        vocabulary().encode(&mut put).unwrap();
        let reader = |bytes: &[u8]| Vocabulary::decode(&mut Reader::new(bytes, bytes.len() as u64));
        let read = reader(&bytes).unwrap();
        assert_eq!(read.word(4), Some(b"monkey".as_slice()));
        for cut in 0..bytes.len() {
            assert_eq!(reader(&bytes[..cut]).unwrap_err(), Bounds);
        }
    }
}
