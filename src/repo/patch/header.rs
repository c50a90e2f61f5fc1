//! What stands before the first hunk: which file, and what happens to it as a whole.

use super::error::PatchError;
use super::lines::{Lines, without_ending};
use super::shown::Shown;

/// What a patch says happens to the file as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its lines change.
    Change,
    /// It comes to be.
    Creation,
    /// It goes.
    Deletion,
}

/// What was read so far of the lines before the first hunk.
#[derive(Default)]
struct Reading {
    /// By `diff --git`.
    has_begun: bool,
    /// By `new file mode` or `deleted file mode`.
    by_mode: Option<Kind>,
    /// By `---` and `+++`.
    by_names: Option<Kind>,
}

/// Reads up to the first hunk, the header of which comes next then.
pub(super) fn parse(lines: &mut Lines<'_>, path: &str) -> Result<Kind, PatchError> {
    let mut reading = Reading::default();
    loop {
        let Some(text) = lines.peek().map(without_ending) else { return Err(PatchError::NoHunk) };
        if text.starts_with(b"@@") {
            break;
        }
        let line = lines.number();
        lines.next();
        reading.take(line, text, lines, path)?;
    }
    match (reading.by_names, reading.by_mode) {
        (Some(by_names), Some(by_mode)) if by_names != by_mode => {
            Err(PatchError::Contradiction { line: lines.passed() })
        }
        (by_names, by_mode) => Ok(by_names.or(by_mode).unwrap_or(Kind::Change)),
    }
}

impl Reading {
    fn take(
        &mut self,
        line: usize,
        text: &[u8],
        lines: &mut Lines<'_>,
        path: &str,
    ) -> Result<(), PatchError> {
        let refused = |text| PatchError::NotADiff { line, text: Shown::of(text) };
        match Start::of(text) {
            Start::Git(_) if self.has_begun || self.by_names.is_some() => {
                Err(PatchError::SeveralFiles { line })
            }
            Start::Git(names) => {
                self.has_begun = true;
                check_both_names(line, names, path)
            }
            Start::Old(_) if self.by_names.is_some() => Err(PatchError::SeveralFiles { line }),
            Start::Old(old) => {
                self.by_names = Some(read_names(line, old, lines, path)?);
                Ok(())
            }
            Start::New => Err(PatchError::HalfAHeader { line }),
            Start::Rename => Err(PatchError::Rename { line }),
            Start::Binary => Err(PatchError::Binary { line }),
            Start::Combined => Err(PatchError::Combined { line }),
            _ if !self.has_begun || self.by_names.is_some() => Err(refused(text)),
            Start::Index => Ok(()),
            Start::NewFile(b"100644") => self.set_mode(line, Kind::Creation),
            Start::DeletedFile(b"100644" | b"100755") => self.set_mode(line, Kind::Deletion),
            Start::NewFile(_) | Start::DeletedFile(_) | Start::Mode => {
                Err(PatchError::Mode { line })
            }
            Start::Other => Err(refused(text)),
        }
    }

    fn set_mode(&mut self, line: usize, kind: Kind) -> Result<(), PatchError> {
        match self.by_mode.replace(kind) {
            None => Ok(()),
            Some(_) => Err(PatchError::Contradiction { line }),
        }
    }
}

/// What a line before the first hunk is, by how it begins.
enum Start<'text> {
    Git(&'text [u8]),
    Old(&'text [u8]),
    New,
    Index,
    NewFile(&'text [u8]),
    DeletedFile(&'text [u8]),
    Mode,
    Rename,
    Binary,
    Combined,
    Other,
}

impl<'text> Start<'text> {
    fn of(text: &'text [u8]) -> Self {
        let after = |start: &str| text.strip_prefix(start.as_bytes());
        let begins = |starts: &[&str]| starts.iter().any(|start| after(start).is_some());
        if let Some(names) = after("diff --git ") {
            Self::Git(names)
        } else if let Some(name) = after("--- ") {
            Self::Old(name)
        } else if let Some(mode) = after("new file mode ") {
            Self::NewFile(mode)
        } else if let Some(mode) = after("deleted file mode ") {
            Self::DeletedFile(mode)
        } else if begins(&["+++ "]) {
            Self::New
        } else if begins(&["index "]) {
            Self::Index
        } else if begins(&["old mode ", "new mode "]) {
            Self::Mode
        } else if begins(&["rename ", "copy ", "similarity index "]) {
            Self::Rename
        } else if begins(&["GIT binary patch", "Binary files "]) {
            Self::Binary
        } else if begins(&["diff --cc ", "diff --combined "]) {
            Self::Combined
        } else {
            Self::Other
        }
    }
}

/// Whether a line begins another file: `diff --git`, or `---` with `+++` below it.
pub(super) fn begins_a_file(lines: &Lines<'_>) -> bool {
    let mut lines = lines.clone();
    match lines.next().map(Start::of) {
        Some(Start::Git(_)) => true,
        Some(Start::Old(_)) => lines.next().is_some_and(|next| next.starts_with(b"+++ ")),
        _ => false,
    }
}

/// The line with `---` was read; the one with `+++` follows.
fn read_names(
    line: usize,
    old: &[u8],
    lines: &mut Lines<'_>,
    path: &str,
) -> Result<Kind, PatchError> {
    let new = lines.peek().map(without_ending).and_then(|text| text.strip_prefix(b"+++ "));
    let new = new.ok_or(PatchError::HalfAHeader { line })?;
    lines.next();
    match (read_name(line, old, path)?, read_name(line + 1, new, path)?) {
        (Name::File, Name::File) => Ok(Kind::Change),
        (Name::Nothing, Name::File) => Ok(Kind::Creation),
        (Name::File, Name::Nothing) => Ok(Kind::Deletion),
        (Name::Nothing, Name::Nothing) => Err(PatchError::Contradiction { line }),
    }
}

/// What a name stands for.
enum Name {
    File,
    Nothing,
}

fn read_name(line: usize, text: &[u8], path: &str) -> Result<Name, PatchError> {
    // What follows a tab is a time.
    let name = text.split(|byte| *byte == b'\t').next().unwrap_or_default();
    if name == b"/dev/null" {
        Ok(Name::Nothing)
    } else if unquoted(name).is_some_and(|name| is_name_of(&name, path)) {
        Ok(Name::File)
    } else {
        Err(another_file(line, name, path))
    }
}

/// The two names of `diff --git`, which have one length, because a file that is not moved has the
/// same name twice.
fn check_both_names(line: usize, names: &[u8], path: &str) -> Result<(), PatchError> {
    let middle = names.len() / 2;
    let both = [&names[..middle], names.get(middle + 1..).unwrap_or_default()];
    let fits = names.get(middle) == Some(&b' ')
        && both.iter().all(|name| unquoted(name).is_some_and(|name| is_name_of(&name, path)));
    if fits { Ok(()) } else { Err(another_file(line, names, path)) }
}

fn another_file(line: usize, name: &[u8], path: &str) -> PatchError {
    PatchError::AnotherFile { line, name: Shown::of(name), path: Shown::of(path.as_bytes()) }
}

/// Whether a name can mean the file at `path`: it is `a` or `b`, or after such a directory the path
/// or its last names.
fn is_name_of(name: &[u8], path: &str) -> bool {
    let path = path.as_bytes();
    let is_end_of_path = |name: &[u8]| {
        let directory = path.strip_suffix(name);
        !name.is_empty() && directory.is_some_and(|it| it.is_empty() || it.ends_with(b"/"))
    };
    let within = name.strip_prefix(b"a/").or_else(|| name.strip_prefix(b"b/"));
    matches!(name, b"a" | b"b") || is_end_of_path(name) || within.is_some_and(is_end_of_path)
}

/// A name without the quotes that git puts around one with unusual characters; nothing if what is
/// between them is not as git writes it.
fn unquoted(name: &[u8]) -> Option<Vec<u8>> {
    let Some(quoted) = name.strip_prefix(b"\"") else { return Some(name.to_vec()) };
    let mut rest = quoted.strip_suffix(b"\"")?;
    let mut bytes = Vec::with_capacity(rest.len());
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (byte, length) = match rest {
            [b'\\', ..] => (b'\\', 1),
            [b'"', ..] => (b'"', 1),
            [b't', ..] => (b'\t', 1),
            [high @ b'0'..=b'3', middle @ b'0'..=b'7', low @ b'0'..=b'7', ..] => {
                ((high - b'0') << 6 | (middle - b'0') << 3 | (low - b'0'), 3)
            }
            _ => return None,
        };
        bytes.push(byte);
        rest = &rest[length..];
    }
    Some(bytes)
}
