//! Patches made and followed in the simplest way: one hunk to make, and nothing compared to follow.

use std::io::Write as _;

/// What follows a line without a newline.
pub(super) const NO_NEWLINE: &[u8] = b"\\ No newline at end of file";

/// What a text that is a patch says is to be done.
pub(super) struct Stated {
    pub(super) bytes: Vec<u8>,
    pub(super) hunks: usize,
    pub(super) added: usize,
    pub(super) removed: usize,
    pub(super) unprefixed: usize,
}

/// Does what a patch says that was accepted, without looking at what stands in the file.
pub(super) fn follow(text: &[u8], base: &[u8], as_crlf: bool) -> Stated {
    let mut stated = Stated { bytes: Vec::new(), hunks: 0, added: 0, removed: 0, unprefixed: 0 };
    let mut file: Vec<Vec<u8>> = lines(base).map(<[u8]>::to_vec).collect();
    let mut place = 0;
    let mut kept = true;
    for line in lines(text).skip_while(|line| !line.starts_with(b"@@")) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if line.starts_with(b"@@") {
            stated.hunks += 1;
            place = new_place(line);
            continue;
        }
        if without_return(line) == NO_NEWLINE {
            if kept {
                let ended = file[place - 1].pop();
                assert_eq!(ended, Some(b'\n'));
                if as_crlf {
                    file[place - 1].pop();
                }
            }
            continue;
        }
        kept = !line.starts_with(b"-");
        let is_bare = !line.starts_with(b" ") && !line.starts_with(b"+") && kept;
        let mut content = line[usize::from(!is_bare)..].to_vec();
        content.extend_from_slice(if as_crlf { b"\r\n" } else { b"\n" });
        match line.first() {
            Some(b'-') => {
                file.remove(place);
                stated.removed += 1;
            }
            Some(b' ') => {
                file[place] = content;
                place += 1;
            }
            _ => {
                file.insert(place, content);
                place += 1;
                stated.added += 1;
                stated.unprefixed += usize::from(is_bare);
            }
        }
    }
    stated.bytes = file.concat();
    stated
}

/// How many lines of the new file come before a hunk.
fn new_place(header: &[u8]) -> usize {
    let header = String::from_utf8_lossy(header);
    let range = header.split([' ', '\r']).nth(2).expect("a range of new lines");
    let mut numbers = range
        .trim_start_matches('+')
        .split(',')
        .map(|number| number.parse::<usize>().expect("a number of a line or of lines"));
    let (first, count) = (numbers.next().expect("a first line"), numbers.next().unwrap_or(1));
    if count == 0 { first } else { first - 1 }
}

/// A patch with one hunk, from the first to the last line in which two files differ, and as many
/// lines of context as there are and are asked for.
pub(super) fn between(old: &[u8], new: &[u8], context: usize) -> Vec<u8> {
    let (old, new): (Vec<_>, Vec<_>) = (lines(old).collect(), lines(new).collect());
    let shortest = old.len().min(new.len());
    let same = |pair: &(&&[u8], &&[u8])| pair.0 == pair.1;
    let before = old.iter().zip(&new).take_while(same).count();
    let after = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let after = after.min(shortest - before);
    let first = before.saturating_sub(context);
    let (old_end, new_end) = (old.len() - after, new.len() - after);
    let below = context.min(after);
    let mut text = b"--- a\n+++ b\n".to_vec();
    let range = |end: usize| match end - first {
        0 => format!("{first},0"),
        count => format!("{},{count}", first + 1),
    };
    writeln!(text, "@@ -{} +{} @@", range(old_end + below), range(new_end + below))
        .expect("writing to memory");
    let mut push = |prefix: u8, lines: &[&[u8]]| {
        for line in lines {
            text.push(prefix);
            text.extend_from_slice(line);
            if !line.ends_with(b"\n") {
                text.push(b'\n');
                text.extend_from_slice(NO_NEWLINE);
                text.push(b'\n');
            }
        }
    };
    push(b' ', &old[first..before]);
    push(b'-', &old[before..old_end]);
    push(b'+', &new[before..new_end]);
    push(b' ', &old[old_end..old_end + below]);
    text
}

pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}

pub(super) fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
