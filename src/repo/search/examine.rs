//! Reading a file that may be a hit: whether it is one, and which of its lines shows it best.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Instant;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::Regex;

use super::definitions::{Language, defined};
use super::matching::OutOfTime;
use super::plan::{Plan, Sought, is_apart};
use super::prior::Wish;
use super::snippet::snippet;
use super::words::fold;

/// How many occurrences are looked at in one file: its first ones.
const MOST_OCCURRENCES: usize = 1000;

/// Whether files are hits, for one query.
#[derive(Debug)]
pub(super) struct Examiner<'p> {
    plan: &'p Plan<'p>,
    /// Finds all single words and texts without gaps.
    texts: Option<AhoCorasick>,
    /// What each text that is found belongs to, and how much it counts.
    meanings: Vec<Meaning>,
    /// Phrases with gaps; they may run over several lines.
    phrases: Vec<(usize, Regex)>,
    /// How rare each of the sought is.
    rarity: Vec<f32>,
}

#[derive(Debug, Clone, Copy)]
struct Meaning {
    sought: usize,
    weight: f32,
    is_form: bool,
}

/// What is found in a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    /// The line that shows it best, from 1; none if only the path fits.
    pub(super) line: Option<u32>,
    /// That line, and what follows it if there is room.
    pub(super) snippet: String,
    /// How good the best line is.
    pub(super) score: f32,
}

/// An occurrence, before lines are told apart.
struct Occurrence {
    sought: usize,
    place: Range<usize>,
    weight: f32,
}

impl<'p> Examiner<'p> {
    /// Prepares for a query; none if it is more than can be looked for at once.
    pub(super) fn new(plan: &'p Plan<'p>, rarity: &[f32]) -> Option<Self> {
        let (mut texts, mut meanings, mut phrases) = (Vec::new(), Vec::new(), Vec::new());
        for (number, sought) in plan.sought.iter().enumerate() {
            if sought.is_left_out {
                continue;
            }
            if sought.literal.text.contains(char::is_whitespace) {
                phrases.push((number, phrase(&sought.literal.text)?));
                continue;
            }
            texts.push(sought.literal.text.as_str());
            meanings.push(Meaning { sought: number, weight: 1.0, is_form: false });
            for form in &sought.forms {
                texts.push(form);
                meanings.push(Meaning { sought: number, weight: 0.75, is_form: true });
            }
        }
        let texts = if texts.is_empty() {
            None
        } else {
            let mut builder = AhoCorasick::builder();
            Some(builder.match_kind(MatchKind::LeftmostLongest).build(&texts).ok()?)
        };
        let rarity = plan
            .sought
            .iter()
            .enumerate()
            .map(|(number, _)| rarity.get(number).copied().unwrap_or(1.0).max(0.1))
            .collect();
        Some(Self { plan, texts, meanings, phrases, rarity })
    }

    /// Looks at a file; none if it is no hit. Without a text, only its path can be one.
    ///
    /// # Errors
    /// The time was over before that was known.
    pub(super) fn examine(
        &self,
        path: &str,
        text: Option<&str>,
        until: Instant,
    ) -> Result<Option<Shown>, OutOfTime> {
        let text = text.unwrap_or("");
        let matched = self.patterns(text, until)?;
        Ok(matched.and_then(|matched| self.show(path, text, &matched)))
    }

    /// Looks at a file in which the patterns match at these places.
    fn show(&self, path: &str, text: &str, matched: &[Range<usize>]) -> Option<Shown> {
        let folded_path = fold(path);
        let needs_words = self.texts.is_some() || !self.phrases.is_empty();
        let folded = if needs_words { fold(text) } else { String::new() };
        let found = self.occurrences(text, &folded);
        if !self.is_hit(&folded_path, &folded, &found) {
            return None;
        }
        let lines = Lines::of(text, if needs_words { &folded } else { text });
        let language = Language::of(folded_path.rsplit_once('.').map_or("", |(_, e)| e));
        let best = self.best_line(&found, matched, &lines, language);
        Some(match best {
            Some((line, score, first)) => Shown {
                line: u32::try_from(line + 1).ok(),
                snippet: snippet(text, lines.start(line), first),
                score,
            },
            None => Shown { line: None, snippet: snippet(text, 0, 0), score: 0.0 },
        })
    }

    /// Where each pattern matches first; none if one does not match.
    fn patterns(&self, text: &str, until: Instant) -> Result<Option<Vec<Range<usize>>>, OutOfTime> {
        let mut matched = Vec::new();
        for pattern in &self.plan.patterns {
            let Some(place) = pattern.find(text, until)? else { return Ok(None) };
            matched.push(place);
        }
        Ok(Some(matched))
    }

    /// Where in the folded text the sought stand.
    fn occurrences(&self, text: &str, folded: &str) -> Vec<Occurrence> {
        let mut found = Vec::new();
        for (number, phrase) in &self.phrases {
            let mut from = 0;
            while let Some(hit) = phrase.find_at(folded, from)
                && found.len() < MOST_OCCURRENCES
            {
                let place = hit.range();
                from = place.start + folded[place.clone()].chars().next().map_or(1, char::len_utf8);
                if is_apart(folded, &place) {
                    found.push(Occurrence { sought: *number, place, weight: 1.0 });
                }
            }
        }
        let Some(texts) = &self.texts else { return found };
        let is_aligned = text.len() == folded.len();
        for hit in texts.find_iter(folded) {
            if MOST_OCCURRENCES <= found.len() {
                break;
            }
            let Some(meaning) = self.meanings.get(hit.pattern().as_usize()) else { continue };
            let Some(sought) = self.plan.sought.get(meaning.sought) else { continue };
            let place = hit.range();
            let original = is_aligned.then(|| text.get(place.clone())).flatten();
            let boundary = boundary(text, folded, &place, is_aligned);
            let must_be_word = meaning.is_form && boundary == Boundary::Inside
                || sought.literal.is_apart && boundary != Boundary::Word;
            if must_be_word {
                continue;
            }
            let weight = meaning.weight
                * match boundary {
                    Boundary::Word => 1.0,
                    Boundary::Part => 0.6,
                    Boundary::Inside => 0.25,
                };
            let is_exact = original == Some(sought.text.as_str());
            let weight = if is_exact { weight * 1.2 } else { weight };
            found.push(Occurrence { sought: meaning.sought, place, weight });
        }
        found
    }

    fn is_hit(&self, path: &str, folded: &str, found: &[Occurrence]) -> bool {
        let is_in_path = |sought: &Sought| sought.literal.stands_in(path);
        let mut needs_any = false;
        let mut has_required = false;
        let mut has_any = false;
        for (number, sought) in self.plan.sought.iter().enumerate() {
            let is_found = found.iter().any(|occurrence| occurrence.sought == number);
            if sought.is_required {
                has_required = true;
                // Another text may hide one that begins within it.
                if !is_found && !is_in_path(sought) && !sought.literal.stands_in(folded) {
                    return false;
                }
            } else if !sought.is_left_out {
                needs_any = true;
                let forms = sought.forms.iter().any(|form| path.contains(form.as_str()));
                has_any |= is_found || forms || is_in_path(sought);
            }
        }
        has_any || has_required || !needs_any
    }

    /// The best line, how good it is, and where in the text the first hit of it is.
    fn best_line(
        &self,
        found: &[Occurrence],
        matched: &[Range<usize>],
        lines: &Lines<'_>,
        language: Language,
    ) -> Option<(usize, f32, usize)> {
        let mut of_lines: BTreeMap<usize, (Vec<(usize, f32)>, usize)> = BTreeMap::new();
        // The line that was looked at last, and what it defines.
        let mut seen: Option<(usize, Option<Range<usize>>)> = None;
        for occurrence in found {
            let line = lines.of_folded(occurrence.place.start);
            let place = lines.unfold(line, occurrence.place.start);
            if seen.as_ref().is_none_or(|(of, _)| *of != line) {
                seen = Some((line, defined(lines.text(line), language)));
            }
            let name = seen.as_ref().and_then(|(_, name)| name.as_ref());
            let is_defined = name.is_some_and(|name| name.contains(&(place - lines.start(line))));
            let boost = match (is_defined, self.plan.wish) {
                (false, _) => 1.0,
                (true, Wish::Prose) => 1.8,
                (true, Wish::Text) => 2.0,
            };
            let rarity = self.rarity.get(occurrence.sought).copied().unwrap_or(1.0);
            let value = rarity * occurrence.weight * boost;
            let (values, first) = of_lines.entry(line).or_insert((Vec::new(), place));
            *first = (*first).min(place);
            match values.iter_mut().find(|(sought, _)| *sought == occurrence.sought) {
                Some((_, best)) => *best = best.max(value),
                None => values.push((occurrence.sought, value)),
            }
        }
        for place in matched {
            let line = lines.of_text(place.start);
            let (values, first) = of_lines.entry(line).or_insert((Vec::new(), place.start));
            values.push((usize::MAX, 1.0));
            *first = (*first).min(place.start);
        }
        let mut best: Option<(usize, f32, usize)> = None;
        for (line, (values, first)) in &of_lines {
            let mut score: f32 = values.iter().map(|(_, value)| value).sum();
            for beside in [line.checked_sub(1), line.checked_add(1)].into_iter().flatten() {
                let others = of_lines.get(&beside).map(|(values, _)| values.as_slice());
                for (sought, value) in others.unwrap_or_default() {
                    if !values.iter().any(|(own, _)| own == sought) {
                        score += 0.4 * value;
                    }
                }
            }
            if best.is_none_or(|(_, other, _)| other < score) {
                best = Some((*line, score, *first));
            }
        }
        best
    }
}

/// A phrase, whose gaps may be any.
fn phrase(text: &str) -> Option<Regex> {
    let words: Vec<String> = text.split_whitespace().map(regex::escape).collect();
    Regex::new(&words.join(r"\s+")).ok()
}

/// How a hit stands among the letters around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Boundary {
    Word,
    Part,
    Inside,
}

fn boundary(text: &str, folded: &str, place: &Range<usize>, is_aligned: bool) -> Boundary {
    if is_apart(folded, place) {
        return Boundary::Word;
    }
    let before = folded[..place.start].chars().next_back();
    let after = folded[place.end..].chars().next();
    let starts =
        !before.is_some_and(char::is_alphanumeric) || is_aligned && begins_part(text, place.start);
    let ends =
        !after.is_some_and(char::is_alphanumeric) || is_aligned && begins_part(text, place.end);
    if starts && ends { Boundary::Part } else { Boundary::Inside }
}

/// Whether a part of an identifier in mixed case begins at a place.
fn begins_part(text: &str, place: usize) -> bool {
    let before = text.get(..place).and_then(|text| text.chars().next_back());
    let here = text.get(place..).and_then(|text| text.chars().next());
    here.is_some_and(char::is_uppercase) && before.is_some_and(|c| !c.is_uppercase())
}

/// Where the lines of a text begin, and those of the same text folded.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    folded: Option<Vec<usize>>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str, folded: &str) -> Self {
        let is_aligned = text.len() == folded.len();
        Self { text, starts: starts(text), folded: (!is_aligned).then(|| starts(folded)) }
    }

    fn of_text(&self, place: usize) -> usize {
        self.starts.partition_point(|start| *start <= place).saturating_sub(1)
    }

    fn of_folded(&self, place: usize) -> usize {
        let starts = self.folded.as_ref().unwrap_or(&self.starts);
        starts.partition_point(|start| *start <= place).saturating_sub(1)
    }

    /// A place of the folded text, in the text; about, if folding changed its length.
    fn unfold(&self, line: usize, place: usize) -> usize {
        let Some(folded) = &self.folded else { return place };
        let within = place - folded.get(line).copied().unwrap_or(place);
        self.text.floor_char_boundary(self.start(line) + within)
    }

    fn start(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(0)
    }

    fn text(&self, line: usize) -> &'t str {
        let end = self.starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        self.text.get(self.start(line)..end).unwrap_or("")
    }
}

fn starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect()
}
