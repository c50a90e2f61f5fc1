//! Reads the end of a run's output.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::regular_file::{self, Unread};
use crate::adapters::LogTail;

/// The most that is read of an output, whatever is asked for.
const MAX_BYTES: u64 = 256 * 1024;

/// Reads at most `max_bytes` from the end, from the beginning of a line if there is one. An output
/// that was never opened is empty.
pub(super) fn read(log: &Path, max_bytes: u64) -> io::Result<LogTail> {
    let mut file = match regular_file::open(log) {
        Ok(file) => file,
        Err(Unread::Absent) => return Ok(LogTail::default()),
        Err(unread) => return Err(unread.into()),
    };
    let total_bytes = file.metadata()?.len();
    let wanted = max_bytes.min(MAX_BYTES).min(total_bytes);
    let start = total_bytes - wanted;
    // One byte more tells whether the first line is whole.
    let before = start.min(1);
    file.seek(SeekFrom::Start(start - before))?;
    let mut bytes = Vec::new();
    file.take(before + wanted).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(whole_lines(&bytes, before == 1)).into_owned();
    Ok(LogTail { text, total_bytes })
}

fn whole_lines(bytes: &[u8], is_cut: bool) -> &[u8] {
    if !is_cut {
        return bytes;
    }
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) if end + 1 < bytes.len() => &bytes[end + 1..],
        // A part of a line that is longer than what was asked for.
        _ => bytes.get(1..).unwrap_or_default(),
    }
}

/// The last line that says something.
pub(super) fn last_line(log: &Path) -> io::Result<Option<String>> {
    let tail = read(log, 4 * 1024)?;
    Ok(tail.text.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(contents: &[u8], max_bytes: u64, expected: &str) {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("stdout.log");
        std::fs::write(&log, contents).unwrap();
        let tail = read(&log, max_bytes).unwrap();
        assert_eq!(tail.text, expected);
        assert_eq!(tail.total_bytes, contents.len() as u64);
    }

    #[test]
    fn a_tail_is_made_of_whole_lines() {
        check(b"", 10, "");
        check(b"one\ntwo\n", 100, "one\ntwo\n");
        check(b"one\ntwo\n", 8, "one\ntwo\n");
        check(b"one\ntwo\n", 7, "two\n");
        check(b"one\ntwo\n", 4, "two\n");
        check(b"one\ntwo\nthr", 8, "two\nthr");
        check(b"one\ntwo\n", 0, "");
        check(b"a long line without an end", 3, "end");
        check(b"a long line\n", 3, "ne\n");
        check(b"\xff\n", 10, "\u{fffd}\n");
        check(&b"0123456\n".repeat(100_000), u64::MAX, &"0123456\n".repeat(32 * 1024));
    }

    #[test]
    fn the_last_line_that_says_something_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("stderr.log");
        assert_eq!(last_line(&log).unwrap(), None);
        std::fs::write(&log, "first\nlast\n\n  \n").unwrap();
        assert_eq!(last_line(&log).unwrap().as_deref(), Some("last"));
    }
}
