//! The patch that undoes another, made from its text.

use super::diff::lines;

/// Exchanges the sides; nothing if that makes no patch: an executable file can be deleted by one,
/// and not created.
pub(super) fn of(text: &[u8]) -> Option<Vec<u8>> {
    let mut reverse = Vec::new();
    let mut old_name: &[u8] = b"";
    let mut is_in_hunks = false;
    for line in lines(text) {
        let (line, end) = match line.strip_suffix(b"\n") {
            Some(line) => (line, b"\n".as_slice()),
            None => (line, b"".as_slice()),
        };
        if line.starts_with(b"@@") {
            is_in_hunks = true;
            reverse.extend_from_slice(&exchanged_ranges(line));
        } else if is_in_hunks {
            let (first, rest) = line.split_at(usize::from(!line.is_empty()));
            reverse.extend_from_slice(match first {
                b"-" => b"+",
                b"+" => b"-",
                other => other,
            });
            reverse.extend_from_slice(rest);
        } else if let Some(name) = line.strip_prefix(b"--- ") {
            old_name = name;
            continue;
        } else if let Some(name) = line.strip_prefix(b"+++ ") {
            reverse.extend([b"--- ", name, b"\n+++ ", old_name].concat());
        } else if let Some(mode) = line.strip_prefix(b"new file mode ") {
            reverse.extend([b"deleted file mode ", mode].concat());
        } else if let Some(mode) = line.strip_prefix(b"deleted file mode ") {
            if mode.starts_with(b"100755") {
                return None;
            }
            reverse.extend([b"new file mode ", mode].concat());
        } else {
            reverse.extend_from_slice(line);
        }
        reverse.extend_from_slice(end);
    }
    Some(reverse)
}

fn exchanged_ranges(header: &[u8]) -> Vec<u8> {
    let mut parts = header.splitn(4, |byte| *byte == b' ');
    let mut part = || parts.next().expect("four parts of the header of a hunk");
    let (begin, old, new, rest) = (part(), part(), part(), part());
    [begin, b" -", &new[1..], b" +", &old[1..], b" ", rest].concat()
}
