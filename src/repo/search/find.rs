//! Answering a query from a snapshot of the index: candidates, and then the files themselves.

use std::io;
use std::time::{Duration, Instant};

use super::candidates::candidates;
use super::examine::Examiner;
use super::matching::OutOfTime;
use super::plan::Plan;
use super::prior::Wish;
use super::query::Query;
use super::snapshot::Snapshot;
use super::{Hit, LONGEST_TEXT};
use crate::repo::RepoPath;
use crate::repo::root::Root;

/// How many hits are weighed against one another.
const WEIGHED: usize = 64;

/// How many files are read for words that any of them may have.
const READ: usize = 96;

/// How long files are read for texts that the index cannot tell, and patterns looked for in them.
const PATIENCE: Duration = Duration::from_millis(300);

/// What was found in a snapshot.
#[derive(Debug, Default)]
pub(super) struct FoundIn {
    pub(super) hits: Vec<Hit>,
    /// Whether all files were looked at that had to be.
    pub(super) is_complete: bool,
}

/// Answers a query.
///
/// # Errors
/// The index cannot be read.
pub(super) fn find(
    snapshot: &Snapshot,
    root: &Root,
    query: &Query,
    limit: usize,
    until: Option<Instant>,
) -> io::Result<FoundIn> {
    let plan = Plan::of(query);
    let mut candidates = candidates(snapshot, &plan)?;
    let Some(examiner) = Examiner::new(&plan, &candidates.rarity) else {
        return Err(io::Error::from(io::ErrorKind::Unsupported));
    };
    let until = until.unwrap_or_else(|| Instant::now() + PATIENCE);
    let weighed = limit.max(WEIGHED);
    let mut found = FoundIn { hits: Vec::new(), is_complete: true };
    let mut read = 0;
    'all: loop {
        let batch = candidates.take(WEIGHED);
        if batch.is_empty() {
            break;
        }
        for candidate in batch {
            if weighed <= found.hits.len() || READ <= read && limit <= found.hits.len() {
                break 'all;
            }
            if until <= Instant::now() {
                found.is_complete = false;
                break 'all;
            }
            read += 1;
            let Ok(path) = RepoPath::parse(candidate.path) else { continue };
            let Some(text) = Contents::read(root, &path) else { continue };
            let shown = match examiner.examine(candidate.path, text.as_str(), until) {
                Ok(Some(shown)) => shown,
                Ok(None) => continue,
                Err(OutOfTime) => {
                    found.is_complete = false;
                    break 'all;
                }
            };
            let line = if plan.wish == Wish::Prose { 0.8 } else { 1.0 };
            let score = candidate.score + line * candidate.prior * shown.score;
            found.hits.push(Hit { path, line: shown.line, snippet: shown.snippet, score });
        }
    }
    found.hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.path.cmp(&b.path)));
    found.hits.truncate(limit);
    Ok(found)
}

/// What a file says.
#[derive(Debug)]
pub(super) enum Contents {
    /// Its text.
    Text(String),
    /// It is no text, or too long.
    Opaque,
}

impl Contents {
    /// Reads a file as it is now; none if it is gone or nothing that is read.
    pub(super) fn read(root: &Root, path: &RepoPath) -> Option<Self> {
        match root.read(path, LONGEST_TEXT) {
            Ok(file) => Some(Self::of(file.bytes)),
            Err(crate::repo::root::FileError::TooLarge { .. }) => Some(Self::Opaque),
            Err(_) => None,
        }
    }

    /// Tells text from other bytes.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        if memchr::memchr(0, bytes.get(..8192).unwrap_or(&bytes)).is_some() {
            return Self::Opaque;
        }
        String::from_utf8(bytes).map_or(Self::Opaque, Self::Text)
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Opaque => None,
        }
    }
}
