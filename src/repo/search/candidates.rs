//! The files that the index offers for a query, the best first, before any of them is read.

use std::cmp::Ordering;
use std::io;

use super::filter::{Filter, MOST_WORDS};
use super::plan::{Literal, Plan, Sought};
use super::postings::{Occurrence, decode};
use super::prior::Wish;
use super::segment::{Place, Segment};
use super::snapshot::{Part, Snapshot};
use super::words::LONGEST_WORD;

/// How much a word counts that is only part of an identifier, beside a whole one.
const PART: f32 = 0.6;

/// How much another form of the word counts.
const FORM: f32 = 0.75;

/// How much a word counts that begins with what was asked for.
const BEGINNING: f32 = 0.35;

/// How much a word counts that contains what was asked for.
const INSIDE: f32 = 0.2;

/// A file that may be a hit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) path: &'a str,
    /// What the index thinks of it.
    pub(super) score: f32,
    /// The factor for its path.
    pub(super) prior: f32,
}

/// What the index offers.
#[derive(Debug)]
pub(super) struct Candidates<'a> {
    rest: Vec<Candidate<'a>>,
    /// How rare each of the sought is: the weight of a hit of it.
    pub(super) rarity: Vec<f32>,
}

impl<'a> Candidates<'a> {
    /// The best that are left.
    pub(super) fn take(&mut self, count: usize) -> Vec<Candidate<'a>> {
        if count < self.rest.len() {
            self.rest.select_nth_unstable_by(count, order);
        }
        let tail = self.rest.split_off(count.min(self.rest.len()));
        let mut best = std::mem::replace(&mut self.rest, tail);
        best.sort_unstable_by(order);
        best
    }
}

fn order(a: &Candidate<'_>, b: &Candidate<'_>) -> Ordering {
    b.score.total_cmp(&a.score).then_with(|| a.path.cmp(b.path))
}

/// A value for each file of each segment.
type PerFile<T> = Vec<Vec<T>>;

/// The files that may be hits.
///
/// # Errors
/// The file of a segment cannot be read.
pub(super) fn candidates<'a>(
    snapshot: &'a Snapshot,
    plan: &Plan<'_>,
) -> io::Result<Candidates<'a>> {
    let extent = snapshot.extent();
    let mut search = Search {
        snapshot,
        plan,
        files: as_f32(extent.files).max(1.0),
        average: (as_f32(extent.words) / as_f32(extent.files).max(1.0)).max(1.0),
        scores: per_file(snapshot, 0.0),
        covered: per_file(snapshot, 0.0),
        allowed: per_file(snapshot, true),
        buffer: Vec::new(),
    };
    let mut rarity = Vec::new();
    for sought in &plan.sought {
        rarity.push(search.add(sought)?);
    }
    for clause in &plan.of_patterns {
        let mut any = per_file(snapshot, false);
        for literal in clause {
            for (any, has) in any.iter_mut().zip(search.having(literal)?) {
                any.iter_mut().zip(has).for_each(|(any, has)| *any |= has);
            }
        }
        search.allow_only(&any);
    }
    let whole: f32 = rarity.iter().sum();
    Ok(Candidates { rest: search.into_list(whole), rarity })
}

fn per_file<T: Copy>(snapshot: &Snapshot, value: T) -> PerFile<T> {
    snapshot.parts.iter().map(|part| vec![value; part.counts.len()]).collect()
}

#[expect(clippy::cast_precision_loss, reason = "these are weights")]
fn as_f32(number: u64) -> f32 {
    number as f32
}

struct Search<'s, 'p> {
    snapshot: &'s Snapshot,
    plan: &'p Plan<'p>,
    files: f32,
    average: f32,
    scores: PerFile<f32>,
    /// How much of what was sought is there.
    covered: PerFile<f32>,
    allowed: PerFile<bool>,
    buffer: Vec<u8>,
}

impl<'s> Search<'s, '_> {
    /// Scores the files that have it; returns how rare it is.
    fn add(&mut self, sought: &Sought) -> io::Result<f32> {
        if sought.is_left_out {
            return Ok(0.0);
        }
        let mut best = per_file(self.snapshot, 0.0f32);
        let literal = &sought.literal;
        if !literal.is_word() {
            for (fragment, _) in &literal.fragments {
                self.exact(fragment, 0.5, &mut best)?;
            }
            let has = self.having(literal)?;
            if sought.is_required {
                self.allow_only(&has);
            } else {
                keep_only(&mut best, &has);
            }
        } else if sought.is_required {
            let has = self.containing(literal, &mut best)?;
            self.allow_only(&has);
        } else {
            self.exact(&literal.text, 1.0, &mut best)?;
            for form in &sought.forms {
                self.exact(form, FORM, &mut best)?;
            }
            if best.iter().flatten().all(|value| *value <= 0.0) {
                let _all = self.containing(literal, &mut best)?;
            }
        }
        Ok(self.sum_up(&best))
    }

    /// Adds what was found of one of the sought; returns how rare it is.
    fn sum_up(&mut self, best: &PerFile<f32>) -> f32 {
        let found = best.iter().flatten().filter(|value| 0.0 < **value).count();
        let found = as_f32(found as u64);
        let rarity = (1.0 + (self.files - found + 0.5).max(0.0) / (found + 0.5)).ln();
        for ((scores, covered), best) in self.scores.iter_mut().zip(&mut self.covered).zip(best) {
            for ((score, covered), best) in scores.iter_mut().zip(covered).zip(best) {
                if 0.0 < *best {
                    *score += rarity * best;
                    *covered += rarity;
                }
            }
        }
        rarity
    }

    /// Scores the files with words that contain the one that was asked for; returns which may.
    fn containing(
        &mut self,
        literal: &Literal,
        best: &mut PerFile<f32>,
    ) -> io::Result<PerFile<bool>> {
        let mut has = per_file(self.snapshot, true);
        let place = literal.fragments.first().map_or(Place::Inside, |(_, place)| *place);
        let word = literal.text.as_bytes();
        for (of, part) in self.snapshot.parts.iter().enumerate() {
            let vocabulary = &part.segment.vocabulary;
            let all = vocabulary.with(word, place, MOST_WORDS);
            let is_all = all.is_some() && word.len() < LONGEST_WORD;
            let some = || vocabulary.with(word, Place::Start, MOST_WORDS);
            let some = all.or_else(some).or_else(|| vocabulary.with(word, Place::Whole, 1));
            for number in some.unwrap_or_default() {
                let weight = match vocabulary.word(number) {
                    Some(whole) if whole == word => 1.0,
                    Some(longer) if longer.starts_with(word) => BEGINNING,
                    Some(_) | None => INSIDE,
                };
                self.word(of, number, weight, best)?;
            }
            if is_all && let (Some(has), Some(best)) = (has.get_mut(of), best.get(of)) {
                let long = Filter::new(&part.segment).long_words()?;
                let found = best.iter().zip(long).map(|(best, long)| 0.0 < *best || long);
                *has = found.collect();
            }
        }
        Ok(has)
    }

    fn exact(&mut self, word: &str, weight: f32, best: &mut PerFile<f32>) -> io::Result<()> {
        for of in 0..self.snapshot.parts.len() {
            let Some(part) = self.snapshot.parts.get(of) else { continue };
            if let Some(number) = part.segment.vocabulary.find(word.as_bytes()) {
                self.word(of, number, weight, best)?;
            }
        }
        Ok(())
    }

    /// Scores the files of one segment that have a word of its vocabulary.
    fn word(
        &mut self,
        of: usize,
        number: usize,
        weight: f32,
        best: &mut PerFile<f32>,
    ) -> io::Result<()> {
        let (Some(part), Some(best)) = (self.snapshot.parts.get(of), best.get_mut(of)) else {
            return Ok(());
        };
        let Part { segment, counts } = part;
        segment.postings(number, &mut self.buffer)?;
        for posting in decode(&self.buffer) {
            let doc = posting.doc as usize;
            if !counts.get(doc).copied().unwrap_or(false) {
                continue;
            }
            let value = weight * self.worth(posting.occurrence, segment, doc);
            if let Some(best) = best.get_mut(doc) {
                *best = best.max(value);
            }
        }
        Ok(())
    }

    /// What an occurrence counts, before how rare the word is.
    fn worth(&self, occurrence: Occurrence, segment: &Segment, doc: usize) -> f32 {
        let frequency = occurrence.frequency();
        let length = as_f32(segment.documents.length(doc).into()) / self.average;
        let mut worth = frequency * 2.2 / (frequency + 1.2 * (0.4 + 0.6 * length));
        if occurrence.is(Occurrence::DEFINED) {
            worth *= if self.plan.wish == Wish::Prose { 1.2 } else { 2.0 };
        }
        if occurrence.is(Occurrence::HEADING) {
            worth *= 1.8;
        }
        if occurrence.is(Occurrence::IN_NAME) {
            worth += 1.6;
        }
        if occurrence.is(Occurrence::IN_PATH) {
            worth += 0.6;
        }
        if occurrence.is(Occurrence::WHOLE) { worth } else { PART * worth }
    }

    /// Which files may contain a literal.
    fn having(&self, literal: &Literal) -> io::Result<PerFile<bool>> {
        let parts = self.snapshot.parts.iter().map(|part| {
            let files = Filter::new(&part.segment).literal(literal)?;
            Ok(files.unwrap_or_else(|| vec![true; part.counts.len()]))
        });
        parts.collect()
    }

    fn allow_only(&mut self, has: &PerFile<bool>) {
        for (allowed, has) in self.allowed.iter_mut().zip(has) {
            allowed.iter_mut().zip(has).for_each(|(allowed, has)| *allowed &= has);
        }
    }

    fn into_list(self, whole: f32) -> Vec<Candidate<'s>> {
        let is_choice = self.plan.sought.iter().any(|sought| !sought.is_required)
            && !self.plan.sought.iter().any(|sought| sought.is_required);
        let mut list = Vec::new();
        for (of, part) in self.snapshot.parts.iter().enumerate() {
            for (number, counts) in part.counts.iter().enumerate() {
                let is_allowed = get(&self.allowed, of, number).unwrap_or(false);
                let score = get(&self.scores, of, number).unwrap_or(0.0);
                if !counts || !is_allowed || is_choice && score <= 0.0 {
                    continue;
                }
                let documents = &part.segment.documents;
                let (Some(path), Some(prior)) = (documents.path(number), documents.prior(number))
                else {
                    continue;
                };
                if !self.plan.fits(path) {
                    continue;
                }
                let covered = get(&self.covered, of, number).unwrap_or(0.0);
                let coverage = if 0.0 < whole { covered / whole } else { 1.0 };
                let prior = prior.factor(self.plan.wish);
                let score = (score * (0.2 + 0.8 * coverage * coverage) + 0.01) * prior;
                list.push(Candidate { path, score, prior });
            }
        }
        list
    }
}

fn get<T: Copy>(of_all: &PerFile<T>, of: usize, number: usize) -> Option<T> {
    of_all.get(of)?.get(number).copied()
}

fn keep_only(best: &mut PerFile<f32>, has: &PerFile<bool>) {
    for (best, has) in best.iter_mut().zip(has) {
        for (best, has) in best.iter_mut().zip(has) {
            if !has {
                *best = 0.0;
            } else if *best == 0.0 {
                *best = 0.1;
            }
        }
    }
}
