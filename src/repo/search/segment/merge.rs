//! Making one segment out of several.

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::{Contents, Documents, Postings, Segment, SegmentWriter};
use crate::repo::ContentDigest;
use crate::repo::search::postings::{Posting, decode};

/// How many bytes of postings are read ahead, from each segment.
const READ_AHEAD: u32 = 1 << 17;

/// A segment that is to be merged, and the new number of each of its files; none for those that do
/// not count any more.
struct Source {
    segment: Arc<Segment>,
    numbers: Vec<Option<u32>>,
    /// The next word.
    at: usize,
    window: Vec<u8>,
    window_start: u32,
}

/// Merges segments, of which the later ones count more, into a file.
///
/// If the result `is_oldest`, what is gone is forgotten; else it is still written down as gone.
/// `pause` is called from time to time.
///
/// # Errors
/// A segment cannot be read, or the file cannot be written.
pub(in crate::repo::search) fn merge(
    segments: &[Arc<Segment>],
    is_oldest: bool,
    file: File,
    pause: &mut dyn FnMut(),
) -> io::Result<(Segment, ContentDigest)> {
    let (mut documents, numbers) = number_anew(segments, is_oldest);
    let mut sources: Vec<Source> = segments
        .iter()
        .zip(numbers)
        .map(|(segment, numbers)| {
            let segment = Arc::clone(segment);
            Source { segment, numbers, at: 0, window: Vec::new(), window_start: 0 }
        })
        .collect();
    let mut writer = SegmentWriter::new(io::BufWriter::with_capacity(1 << 16, file));
    let (mut word, mut list) = (Vec::new(), Vec::new());
    let mut written = 0u64;
    while let Some(next) = sources.iter().filter_map(Source::word).min() {
        word.clear();
        word.extend_from_slice(next);
        list.clear();
        for source in sources.iter_mut().filter(|source| source.word() == Some(word.as_slice())) {
            source.take(&mut list)?;
        }
        list.sort_unstable_by_key(|posting: &Posting| posting.doc);
        writer.word(&word, list.iter().copied())?;
        written += 1;
        if written.is_multiple_of(10_000) {
            pause();
        }
    }
    let (vocabulary, out, digest) = writer.finish(&mut documents)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok((Segment { documents, vocabulary, postings: Postings::File(file) }, digest))
}

/// The files of all segments in the order of their paths, each as its last segment has it.
fn number_anew(segments: &[Arc<Segment>], is_oldest: bool) -> (Documents, Vec<Vec<Option<u32>>>) {
    let mut numbers: Vec<Vec<Option<u32>>> =
        segments.iter().map(|segment| vec![None; segment.documents.len()]).collect();
    let mut places = vec![0usize; segments.len()];
    let mut merged = Documents::default();
    let path_at = |of: usize, at: usize| segments.get(of).and_then(|s| s.documents.path(at));
    while let Some(path) = (0..)
        .zip(&places)
        .map_while(|(of, at)| (of < segments.len()).then(|| path_at(of, *at)))
        .flatten()
        .min()
    {
        let mut last = None;
        for (of, at) in places.iter_mut().enumerate() {
            if path_at(of, *at) == Some(path) {
                last = Some((of, *at));
                *at += 1;
            }
        }
        let Some((of, at)) = last else { break };
        let document = segments.get(of).and_then(|segment| segment.documents.get(at));
        let Some(document) = document else { break };
        if document.contents == Contents::Gone && is_oldest {
            continue;
        }
        if let Some(number) = numbers.get_mut(of).and_then(|numbers| numbers.get_mut(at)) {
            *number = u32::try_from(merged.len()).ok();
        }
        merged.push(document);
    }
    (merged, numbers)
}

impl Source {
    fn word(&self) -> Option<&[u8]> {
        self.segment.vocabulary.word(self.at)
    }

    /// Takes the postings of the current word, and goes to the next.
    fn take(&mut self, list: &mut Vec<Posting>) -> io::Result<()> {
        let range = self.segment.vocabulary.postings(self.at);
        self.at += 1;
        let window_end = self.window_start + u32::try_from(self.window.len()).unwrap_or(0);
        if range.start < self.window_start || window_end < range.end {
            let final_word = self.segment.vocabulary.len().saturating_sub(1);
            let all = self.segment.vocabulary.postings(final_word).end;
            let end = range.end.max(range.start.saturating_add(READ_AHEAD)).min(all);
            self.segment.bytes(range.start, end, &mut self.window)?;
            self.window_start = range.start;
        }
        let place = |at: u32| (at - self.window_start) as usize;
        let bytes = self.window.get(place(range.start)..place(range.end)).unwrap_or_default();
        for Posting { doc, occurrence } in decode(bytes) {
            if let Some(Some(doc)) = self.numbers.get(doc as usize).copied() {
                list.push(Posting { doc, occurrence });
            }
        }
        Ok(())
    }
}
