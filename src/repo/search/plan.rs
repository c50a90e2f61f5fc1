//! What a query asks of the index: which words must or may stand in a file, and how much each
//! counts.

use std::ops::Range;

use super::matching::Pattern;
use super::prior::Wish;
use super::query::Query;
use super::required::required;
use super::segment::Place;
use super::words::{fold, forms, is_stop_word, is_word_char, words};

/// A query, in the terms of the index.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) query: &'a Query,
    /// What is looked for, each in its own way.
    pub(super) sought: Vec<Sought>,
    /// Every one of these must match in the contents.
    pub(super) patterns: Vec<Pattern<'a>>,
    /// What the patterns need: one literal of each entry.
    pub(super) of_patterns: Vec<Vec<Literal>>,
    /// What kind of file answers it.
    pub(super) wish: Wish,
}

/// One word or phrase.
#[derive(Debug)]
pub(super) struct Sought {
    /// As it was written.
    pub(super) text: String,
    /// In the one case in which everything is compared.
    pub(super) literal: Literal,
    /// Whether a file without it is no hit.
    pub(super) is_required: bool,
    /// Other forms of the word that count as well; only for words that are not required.
    pub(super) forms: Vec<String>,
    /// Whether it only joins the other words of a sentence.
    pub(super) is_left_out: bool,
}

/// A text that stands in files just so, but for case.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Literal {
    /// Folded.
    pub(super) text: String,
    /// Whether it must not be part of longer words.
    pub(super) is_apart: bool,
    /// The words in it, and how each must stand in the words of a file.
    pub(super) fragments: Vec<(String, Place)>,
}

impl Literal {
    /// A folded text that stands by itself: no letter comes directly before or after it.
    fn phrase(text: String) -> Self {
        let mut literal = Self::new(text);
        literal.is_apart = true;
        literal.fragments.iter_mut().for_each(|(_, place)| *place = Place::Whole);
        literal
    }

    /// A folded text that may be part of longer words.
    pub(super) fn new(text: String) -> Self {
        let fragments = words(&text)
            .map(|range| {
                let place = match (range.start == 0, range.end == text.len()) {
                    (true, true) => Place::Inside,
                    (true, false) => Place::End,
                    (false, true) => Place::Start,
                    (false, false) => Place::Whole,
                };
                (text[range].to_owned(), place)
            })
            .collect();
        Self { text, fragments, is_apart: false }
    }

    /// Whether it stands in a folded text.
    pub(super) fn stands_in(&self, text: &str) -> bool {
        if !self.is_apart {
            return text.contains(&self.text);
        }
        let mut from = 0;
        while let Some(at) = text.get(from..).and_then(|rest| rest.find(&self.text)) {
            let start = from + at;
            if is_apart(text, &(start..start + self.text.len())) {
                return true;
            }
            from = start + text[start..].chars().next().map_or(1, char::len_utf8);
        }
        false
    }

    /// Whether it is one word and nothing else.
    pub(super) fn is_word(&self) -> bool {
        !self.text.is_empty() && self.text.chars().all(is_word_char)
    }
}

impl<'a> Plan<'a> {
    pub(super) fn of(query: &'a Query) -> Self {
        let is_single = query.terms.len() == 1;
        let plain = query.terms.iter().filter(|term| !term.is_phrase);
        let ordinary = plain.clone().filter(|term| is_ordinary(&term.text)).count();
        let stops = plain.filter(|term| is_stop_word(&fold(&term.text))).count();
        let is_prose =
            query.is_question && 1 < ordinary || 3 <= ordinary || 0 < stops && 1 < ordinary;
        // With less than two other words, the small ones are all there is to go by.
        let is_terse = query.terms.len() < stops + 2;
        let sought = query.terms.iter().map(|term| {
            let folded = fold(&term.text);
            let is_required = term.is_phrase || is_single;
            let is_small = is_stop_word(&folded);
            let is_left_out = !is_required && !is_terse && is_small;
            let forms = if is_required || is_small { Vec::new() } else { forms(&folded) };
            let literal = if term.is_phrase { Literal::phrase } else { Literal::new };
            let (text, literal) = (term.text.clone(), literal(folded));
            Sought { text, literal, is_required, forms, is_left_out }
        });
        let clause = |any: Vec<String>| any.into_iter().map(Literal::new).collect();
        let clauses = query.patterns.iter().flat_map(|pattern| required(pattern.as_str()));
        Self {
            query,
            sought: sought.collect(),
            patterns: query.patterns.iter().map(Pattern::new).collect(),
            of_patterns: clauses.map(clause).collect(),
            wish: if is_prose { Wish::Prose } else { Wish::Text },
        }
    }

    /// Whether a path is one of those that are meant.
    pub(super) fn fits(&self, path: &str) -> bool {
        let query = self.query;
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        let has_ending = |ending: &String| {
            let split = name.len().checked_sub(ending.len() + 1);
            split
                .and_then(|at| name.get(at..))
                .is_some_and(|end| end.starts_with('.') && end[1..].eq_ignore_ascii_case(ending))
        };
        (query.extensions.is_empty() || query.extensions.iter().any(has_ending))
            && query.paths.iter().all(|filter| filter.fits(path))
    }
}

/// Whether no letter comes directly before or after a place, so that a word would be longer.
pub(super) fn is_apart(text: &str, place: &Range<usize>) -> bool {
    let is_open = |outer: Option<char>, inner: Option<char>| {
        outer.is_some_and(is_word_char) && inner.is_some_and(is_word_char)
    };
    let inner = &text[place.clone()];
    !is_open(text[..place.start].chars().next_back(), inner.chars().next())
        && !is_open(text[place.end..].chars().next(), inner.chars().next_back())
}

/// Whether a word is as words in prose are, and not as names in programs.
fn is_ordinary(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.all(|c| c.is_lowercase() || c == '\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_taken_apart() {
        for (text, expected) in [
            ("word", vec![("word", Place::Inside)]),
            (
                "std::fs::read",
                vec![("std", Place::End), ("fs", Place::Whole), ("read", Place::Start)],
            ),
            (".len()", vec![("len", Place::Whole)]),
            ("=>", vec![]),
        ] {
            let literal = Literal::new(text.to_owned());
            let fragments: Vec<(&str, Place)> =
                literal.fragments.iter().map(|(text, place)| (text.as_str(), *place)).collect();
            assert_eq!(fragments, expected, "{text}");
        }
    }

    #[test]
    fn questions_are_told_from_names() {
        for (text, wish) in [
            ("how are keys rotated?", Wish::Prose),
            ("rotate the keys", Wish::Prose),
            ("JobSupervisor spawn", Wish::Text),
            ("max_queued", Wish::Text),
            ("why?", Wish::Text),
        ] {
            let query = Query::parse(text).unwrap();
            assert_eq!(Plan::of(&query).wish, wish, "{text}");
        }
    }
}
