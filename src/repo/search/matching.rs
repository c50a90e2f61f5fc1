//! Finding a pattern in a text piece by piece, so that a search ends when its time is over, however
//! slow the pattern is.
//!
//! A pattern that cannot match the end of a line is looked for in whole lines, and finds what it
//! finds in the text as a whole. Only lines longer than a piece are cut, and patterns that match
//! over several lines are given pieces that overlap by half: there, a match that is longer than
//! half a piece, and no part of which is a match, may be missed.

use std::ops::Range;
use std::time::Instant;

use regex::Regex;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// How much of a text is looked at before the time is. The slowest pattern that a query may have
/// takes about a tenth of a second for it.
const PIECE: usize = 4096;

/// A pattern, and how it may be looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pattern<'q> {
    regex: &'q Regex,
    /// Whether a match is within a line, and not changed by what is beyond that.
    is_of_a_line: bool,
    /// Whether a match depends on what is beside it.
    is_looking: bool,
}

/// The time was over before the text was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OutOfTime;

/// A piece of a text.
struct Piece {
    end: usize,
    /// Whether nothing is cut in two at its end.
    is_whole: bool,
    /// Where the next one begins.
    next: Option<usize>,
}

impl<'q> Pattern<'q> {
    pub(super) fn new(regex: &'q Regex) -> Self {
        let mut parser = regex_syntax::ParserBuilder::new().multi_line(true).build();
        let Ok(hir) = parser.parse(regex.as_str()) else {
            return Self { regex, is_of_a_line: false, is_looking: true };
        };
        let looks = hir.properties().look_set();
        let beyond = [Look::End, Look::StartCRLF, Look::EndCRLF];
        let is_of_a_line =
            !has_line_end(&hir) && !beyond.into_iter().any(|look| looks.contains(look));
        Self { regex, is_of_a_line, is_looking: !looks.is_empty() }
    }

    /// Where it matches first.
    ///
    /// # Errors
    /// The time was over before that was known.
    pub(super) fn find(
        &self,
        text: &str,
        until: Instant,
    ) -> Result<Option<Range<usize>>, OutOfTime> {
        self.find_by(PIECE, text, || until <= Instant::now())
    }

    fn find_by(
        &self,
        size: usize,
        text: &str,
        mut is_over: impl FnMut() -> bool,
    ) -> Result<Option<Range<usize>>, OutOfTime> {
        let mut start = 0;
        loop {
            if is_over() {
                return Err(OutOfTime);
            }
            let Piece { end, is_whole, next } = self.piece(size, text, start);
            // What is before the piece is seen by it, but not what follows.
            let found = self.regex.find_at(&text[..end], start).map(|found| found.range());
            let is_match = |found: &Range<usize>| is_whole || !self.is_looking || found.end < end;
            if let Some(found) = found.filter(is_match) {
                return Ok(Some(found));
            }
            match next {
                Some(next) => start = next,
                None => return Ok(None),
            }
        }
    }

    fn piece(&self, size: usize, text: &str, start: usize) -> Piece {
        let end = text.floor_char_boundary(start + size);
        if end == text.len() {
            return Piece { end, is_whole: true, next: None };
        }
        let lines = if self.is_of_a_line { &text.as_bytes()[start..end] } else { &[] };
        match memchr::memrchr(b'\n', lines) {
            Some(length) => {
                let end = start + length;
                Piece { end, is_whole: true, next: Some(end + 1) }
            }
            None => {
                let next = text.floor_char_boundary(start + size / 2);
                Piece { end, is_whole: false, next: Some(next) }
            }
        }
    }
}

/// Whether a match may contain the end of a line.
fn has_line_end(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.contains(&b'\n'),
        HirKind::Class(Class::Unicode(class)) => {
            class.iter().any(|range| (range.start()..=range.end()).contains(&'\n'))
        }
        HirKind::Class(Class::Bytes(class)) => {
            class.iter().any(|range| (range.start()..=range.end()).contains(&b'\n'))
        }
        HirKind::Repetition(repetition) => has_line_end(&repetition.sub),
        HirKind::Capture(capture) => has_line_end(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_line_end),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::query::Query;
    use super::*;

    fn regex(pattern: &str) -> Regex {
        regex::RegexBuilder::new(pattern).multi_line(true).build().unwrap()
    }

    #[test]
    fn patterns_of_a_line_are_told_from_others() {
        for (pattern, is_of_a_line) in [
            (r"fn \w+", true),
            (r"^a.*b$", true),
            (r"\Aab?", true),
            (r"a[^b\n]", true),
            (r"fn\s+x", false),
            ("a[^b]", false),
            ("(?s)a.b", false),
            (r"a(\n|b)", false),
            (r"a\z", false),
            ("(?R)a$", false),
        ] {
            assert_eq!(Pattern::new(&regex(pattern)).is_of_a_line, is_of_a_line, "{pattern}");
        }
    }

    #[test]
    fn what_is_longer_than_a_piece_is_found_by_a_part_of_it() {
        let text = format!("x{}y\n", "ä".repeat(100));
        for (pattern, is_found) in [("ä+", true), ("xä+", true), ("ä+y$", true), ("xä+y", false)]
        {
            let regex = regex(pattern);
            let found = Pattern::new(&regex).find_by(32, &text, || false).unwrap();
            assert_eq!(found.is_some(), is_found, "{pattern}");
        }
    }

    #[test]
    fn the_slowest_pattern_ends_when_its_time_is_over() {
        // None of what is known of the text so far can be used for what follows.
        let mut state = 1u64;
        let mut letter = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if state >> 60 & 1 == 0 { 'a' } else { 'b' }
        };
        let text: String = (0..1 << 20).map(|_| letter()).collect();
        let query = Query::parse("re:a(?:a?b?){300}c").unwrap();
        let pattern = Pattern::new(&query.patterns[0]);
        let began = Instant::now();
        let found = pattern.find(&text, began + Duration::from_millis(100));
        assert_eq!(found, Err(OutOfTime));
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }

    proptest! {
        #[test]
        fn a_text_in_pieces_is_searched_like_the_whole(
            text in "([ab ]{0,6}(\n|ä|\r\n)){0,12}",
            pattern in prop::sample::select(vec![
                "a+b", "^b", "a$", "^$", r"\ba", r"b\b", r"\Bb", r"\Aa", "ä", "[ab]{3}", r"^a\b.*b$", r"\sa",
                r"a\nb", r"[^a]b", r"b\z",
            ]),
        ) {
            // Shorter lines than pieces, and shorter matches than half of one.
            let size = 128;
            let text = text.replace('ä', "ä\n");
            let regex = regex(pattern);
            let found = Pattern::new(&regex).find_by(size, &text, || false).unwrap();
            prop_assert_eq!(found, regex.find(&text).map(|found| found.range()));
            let small = Pattern::new(&regex).find_by(12, &text, || false).unwrap();
            prop_assert_eq!(small, regex.find(&text).map(|found| found.range()));
        }
    }
}
