//! Hunks over the bytes of a file.

use memchr::memmem;

use super::error::{Found, Mismatch, PatchError};
use super::hunk::{Hunk, Line, Side};
use super::lines::{Lines, without_newline};
use super::shown::Shown;

/// What ends the lines of a patch when they stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnding {
    /// What ends them in the patch; a carriage return is a part of the text.
    AsWritten,
    /// CRLF, although they end in LF in the patch.
    Crlf,
}

impl LineEnding {
    /// A patch whose lines end in LF can be meant for a file whose lines all end in CRLF: written by
    /// somebody who was shown the lines without their endings. Read as it is written, it cannot fit
    /// if it expects any line, so there is only this other way to understand it. If it expects
    /// none, it is taken as it is written.
    pub(super) fn of(hunks: &[Hunk<'_>], base: &[u8]) -> Self {
        let mut lines = hunks.iter().flat_map(|hunk| &hunk.lines);
        let expects_lines = lines.clone().any(|line| line.side.is_old() && line.has_newline);
        let ends_in_lf = lines.all(|line| !line.text.ends_with(b"\r"));
        let is_meant = expects_lines && ends_in_lf && all_end_in_crlf(base);
        if is_meant { Self::Crlf } else { Self::AsWritten }
    }

    fn bytes(self) -> &'static [u8] {
        match self {
            Self::AsWritten => b"\n",
            Self::Crlf => b"\r\n",
        }
    }
}

/// Whether there are line ends, and all are CRLF.
fn all_end_in_crlf(base: &[u8]) -> bool {
    let mut ended = Lines::of(base).filter(|line| line.ends_with(b"\n")).peekable();
    ended.peek().is_some() && ended.all(|line| line.ends_with(b"\r\n"))
}

/// What hunks make of a file.
pub(super) fn apply(
    hunks: &[Hunk<'_>],
    base: &[u8],
    ending: LineEnding,
) -> Result<Vec<u8>, PatchError> {
    let mut old = Lines::of(base);
    let mut new = Output { bytes: Vec::with_capacity(base.len()), ending };
    for hunk in hunks {
        let before = old.pass(hunk.old.before - old.passed());
        if old.passed() < hunk.old.before {
            return Err(beyond_the_end(hunk, old.passed(), base, ending));
        }
        new.push(before, hunk)?;
        for line in &hunk.lines {
            if line.side.is_old() {
                let number = old.number();
                let stands = old.next();
                if !stands.is_some_and(|stands| is_same(stands, line, ending)) {
                    return Err(mismatch(hunk, line, number, stands, base, ending));
                }
            }
            if line.side != Side::Old {
                new.push_line(line, hunk)?;
            }
        }
    }
    match hunks.last() {
        None => new.bytes.extend_from_slice(old.rest()),
        Some(hunk) => new.push(old.rest(), hunk)?,
    }
    Ok(new.bytes)
}

/// The file that is being made.
struct Output {
    bytes: Vec<u8>,
    ending: LineEnding,
}

impl Output {
    fn push(&mut self, bytes: &[u8], hunk: &Hunk<'_>) -> Result<(), PatchError> {
        if !bytes.is_empty() {
            self.check_end(hunk)?;
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn push_line(&mut self, line: &Line<'_>, hunk: &Hunk<'_>) -> Result<(), PatchError> {
        self.check_end(hunk)?;
        self.bytes.extend_from_slice(line.text);
        if line.has_newline {
            self.bytes.extend_from_slice(self.ending.bytes());
        }
        Ok(())
    }

    /// More can follow only where a line has ended.
    fn check_end(&self, hunk: &Hunk<'_>) -> Result<(), PatchError> {
        match self.bytes.last() {
            None | Some(b'\n') => Ok(()),
            Some(_) => Err(PatchError::NotTheLastLine { hunk: hunk.name.clone() }),
        }
    }
}

fn is_same(stands: &[u8], line: &Line<'_>, ending: LineEnding) -> bool {
    if line.has_newline {
        stands.strip_suffix(ending.bytes()) == Some(line.text)
    } else {
        stands == line.text
    }
}

/// The file has fewer lines than come before a hunk.
fn beyond_the_end(hunk: &Hunk<'_>, lines: usize, base: &[u8], ending: LineEnding) -> PatchError {
    match hunk.lines.iter().find(|line| line.side.is_old()) {
        None => PatchError::BeyondTheEnd { hunk: hunk.name.clone(), lines },
        Some(first) => PatchError::Mismatch(Box::new(Mismatch {
            hunk: hunk.name.clone(),
            line: hunk.old.before + 1,
            expected: Shown::of(first.text),
            found: Found::End(lines),
            stands_at: stands_at(hunk, base, ending),
        })),
    }
}

/// The line of a hunk that should stand at this number does not.
fn mismatch(
    hunk: &Hunk<'_>,
    line: &Line<'_>,
    number: usize,
    stands: Option<&[u8]>,
    base: &[u8],
    ending: LineEnding,
) -> PatchError {
    PatchError::Mismatch(Box::new(Mismatch {
        hunk: hunk.name.clone(),
        line: number,
        expected: Shown::of(line.text),
        found: stands.map_or(Found::End(number - 1), |stands| difference(stands, line, ending)),
        stands_at: stands_at(hunk, base, ending),
    }))
}

/// How what stands there differs from the line of a hunk.
fn difference(stands: &[u8], line: &Line<'_>, ending: LineEnding) -> Found {
    let text = stands.strip_suffix(ending.bytes()).unwrap_or_else(|| without_newline(stands));
    if text == line.text {
        if line.has_newline { Found::LacksNewline } else { Found::HasNewline }
    } else if text.strip_suffix(b"\r") == Some(line.text) {
        Found::EndsInCrlf
    } else if line.text.strip_suffix(b"\r") == Some(text) {
        Found::EndsInLf
    } else {
        Found::Text(Shown::of(text))
    }
}

/// The first of the lines where all that a hunk expects stands, if it stands in one place only.
fn stands_at(hunk: &Hunk<'_>, base: &[u8], ending: LineEnding) -> Option<usize> {
    let mut expected = b"\n".to_vec();
    for line in hunk.lines.iter().filter(|line| line.side.is_old()) {
        expected.extend_from_slice(line.text);
        if line.has_newline {
            expected.extend_from_slice(ending.bytes());
        }
    }
    let lines = &expected[1..];
    let is_at_the_end = !lines.ends_with(b"\n");
    if lines.is_empty() {
        return None;
    }
    if is_at_the_end {
        let stands = base == lines || base.ends_with(&expected);
        return stands.then(|| line_number(base, base.len() - lines.len()));
    }
    let finder = memmem::Finder::new(&expected);
    let after = |place: usize| finder.find(&base[place..]).map(|found| place + found + 1);
    if base.starts_with(lines) {
        return after(0).is_none().then_some(1);
    }
    let first = after(0)?;
    after(first).is_none().then(|| line_number(base, first))
}

/// The number of the line that begins at this byte.
fn line_number(base: &[u8], place: usize) -> usize {
    memchr::memchr_iter(b'\n', &base[..place]).count() + 1
}
