//! Answering a query without the index: all files are gone through, for as long as somebody waits.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aho_corasick::AhoCorasick;

use super::find::{Contents, FoundIn, find};
use super::matching::OutOfTime;
use super::plan::Plan;
use super::query::Query;
use super::segment::{Builder, Segment, Text};
use super::snapshot::Snapshot;
use super::words::{fold, stem};
use super::{MOST_FILES, SearchError};
use crate::repo::RepoPath;
use crate::repo::root::{EntryKind, Root, WalkLimits};

/// How long files are read.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many threads read.
const THREADS: usize = 2;

/// How many bytes of text with words of the query each thread looks at closely.
const MUCH_TEXT: usize = 48 << 20;

/// Which files must be looked at closely.
struct Filter<'p> {
    plan: &'p Plan<'p>,
    /// Finds the beginnings of the words.
    words: Option<AhoCorasick>,
}

impl<'p> Filter<'p> {
    fn of(plan: &'p Plan<'p>) -> Self {
        let sought = plan.sought.iter().filter(|sought| !sought.is_left_out);
        let beginning = |sought: &'p super::plan::Sought| {
            let text = sought.literal.text.as_str();
            let text = if sought.forms.is_empty() { text } else { stem(text) };
            text.split_whitespace().next().unwrap_or(text)
        };
        let words: Vec<&str> = sought.map(beginning).collect();
        // Without it, every file is looked at.
        let words = if words.is_empty() { None } else { AhoCorasick::new(words).ok() };
        Self { plan, words }
    }

    /// Whether a text must be.
    ///
    /// # Errors
    /// The time was over before that was known.
    fn wants(&self, text: &str, until: Instant) -> Result<bool, OutOfTime> {
        if !self.words.as_ref().is_none_or(|words| words.is_match(&fold(text))) {
            return Ok(false);
        }
        for pattern in &self.plan.patterns {
            if pattern.find(text, until)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Answers a query.
///
/// # Errors
/// The root cannot be read.
pub(super) fn scan(root: &Root, query: &Query, limit: usize) -> Result<FoundIn, SearchError> {
    let until = Instant::now() + PATIENCE;
    let plan = Plan::of(query);
    let filter = Filter::of(&plan);
    let mut paths = Vec::new();
    let limits = WalkLimits { until: Some(until), ..WalkLimits::default() };
    let walked = root.walk(None, &limits, &mut |entry| {
        if entry.kind == EntryKind::File && plan.fits(entry.path.as_str()) {
            paths.push(entry.path);
        }
        if MOST_FILES <= paths.len() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let is_cut = walked.is_cut || MOST_FILES <= paths.len();
    paths.sort_unstable();
    let half = paths.len().div_ceil(THREADS).max(1);
    let parts: Vec<Read> = std::thread::scope(|scope| {
        let read = |paths| {
            let filter = &filter;
            move || read(root, paths, filter, until)
        };
        let threads: Vec<_> = paths.chunks(half).map(|paths| scope.spawn(read(paths))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
    });
    let is_whole = !is_cut && parts.iter().all(|part| part.is_whole);
    let snapshot = Snapshot::of(parts.into_iter().flat_map(|part| part.segments));
    // What was found is shown even if it took all the time.
    let until = until.max(Instant::now() + Duration::from_millis(300));
    let mut found = find(&snapshot, root, query, limit, Some(until))
        .map_err(|_in_memory| SearchError::Failed)?;
    found.is_complete &= is_whole;
    Ok(found)
}

/// What one thread read; nothing, if it failed.
#[derive(Default)]
struct Read {
    segments: Vec<Arc<Segment>>,
    is_whole: bool,
}

fn read(root: &Root, paths: &[RepoPath], filter: &Filter<'_>, until: Instant) -> Read {
    let mut read = Read { segments: Vec::new(), is_whole: true };
    let mut builder = Builder::default();
    let mut taken = 0;
    for path in paths {
        if until <= Instant::now() || MUCH_TEXT <= taken {
            read.is_whole = false;
            break;
        }
        let Some(contents) = Contents::read(root, path) else { continue };
        let wanted = contents.as_str().map_or(Ok(false), |text| filter.wants(text, until));
        let Ok(is_wanted) = wanted else {
            read.is_whole = false;
            break;
        };
        let text = contents.as_str().filter(|_| is_wanted);
        taken += text.map_or(0, str::len);
        builder.add(Text { path: path.as_str(), stamp: 0, says: text });
        if builder.is_full() {
            read.add(std::mem::take(&mut builder));
        }
    }
    read.add(builder);
    read
}

impl Read {
    fn add(&mut self, builder: Builder) {
        match builder.into_memory() {
            Ok(segment) => self.segments.push(Arc::new(segment)),
            Err(_too_large) => self.is_whole = false,
        }
    }
}
