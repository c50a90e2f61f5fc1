//! The files in which checkpoints are written down. Pure.

use std::collections::HashSet;

use time::Duration;

use crate::clock::Timestamp;
use crate::store::checkpoints::Checkpoint;

/// The file of a day, given as `YYYY-MM-DD…`.
fn path_of_day(day: &str) -> String {
    format!("audit-checkpoints/{}.txt", day.get(..10).unwrap_or(day))
}

/// The file of a checkpoint.
pub(super) fn path_of(checkpoint: &Checkpoint) -> String {
    path_of_day(&checkpoint.ts)
}

/// The files of all days from `first` to `now`, and of the day after: clocks differ.
pub(super) fn paths_between(first: Option<&str>, now: Timestamp) -> Vec<String> {
    let first = first.and_then(|first| Timestamp::parse(first).ok()).unwrap_or(now);
    let days = now.since(first).whole_days().clamp(0, 36_500) + 2;
    (0..days).map(|day| path_of_day(&first.plus(Duration::days(day)).to_string())).collect()
}

fn line_of(checkpoint: &Checkpoint) -> String {
    let Checkpoint { size, head, ts, public_key, signature, .. } = checkpoint;
    let (key, signature) = (public_key.as_deref(), signature.as_deref());
    format!("{size} {head} {ts} {} {}", key.unwrap_or("-"), signature.unwrap_or("-"))
}

/// Adds the lines that are not there yet, and says how many that were.
pub(super) fn add_lines(mut content: Vec<u8>, checkpoints: &[&Checkpoint]) -> (Vec<u8>, usize) {
    let there: HashSet<Vec<u8>> =
        content.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let mut added = 0;
    for line in checkpoints.iter().map(|checkpoint| line_of(checkpoint)) {
        if !there.contains(line.as_bytes()) {
            content.extend_from_slice(line.as_bytes());
            content.push(b'\n');
            added += 1;
        }
    }
    (content, added)
}

/// The places and hashes that a file holds; none if it has a line that is no checkpoint.
pub(super) fn anchored_in(content: &[u8]) -> Option<Vec<(i64, String)>> {
    let text = std::str::from_utf8(content).ok()?;
    let read = |line: &str| {
        let mut words = line.split(' ');
        let size = words.next()?.parse().ok()?;
        let head = words.next()?.to_owned();
        (words.count() == 3).then_some((size, head))
    };
    text.lines().map(read).collect()
}
