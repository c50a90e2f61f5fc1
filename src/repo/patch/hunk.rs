//! One hunk: where it stands in the old and the new file, and its lines.

use super::error::{Counted, HunkName, PatchError};
use super::header::begins_a_file;
use super::lines::{Lines, without_ending, without_newline};
use super::shown::Shown;

/// What follows a line that has no newline.
const NO_NEWLINE: &[u8] = b"\\ No newline at end of file";

/// The most digits that the number of a line can have.
const LONGEST_NUMBER: usize = 10;

/// One hunk, with as many lines as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hunk<'text> {
    pub(super) name: HunkName,
    pub(super) old: Range,
    pub(super) new: Range,
    pub(super) lines: Vec<Line<'text>>,
    /// Whether one of them had no prefix.
    pub(super) repaired: bool,
}

/// Neighbouring lines of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    /// How many lines come before them.
    pub(super) before: usize,
    pub(super) count: usize,
}

/// A line of a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'text> {
    pub(super) side: Side,
    /// Without prefix and LF.
    pub(super) text: &'text [u8],
    pub(super) has_newline: bool,
}

/// The files that have a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Both,
    Old,
    New,
}

impl Side {
    pub(super) fn is_old(self) -> bool {
        self != Self::New
    }

    fn is_new(self) -> bool {
        self != Self::Old
    }
}

impl Hunk<'_> {
    pub(super) fn added(&self) -> usize {
        self.lines.iter().filter(|line| line.side == Side::New).count()
    }

    pub(super) fn removed(&self) -> usize {
        self.lines.iter().filter(|line| line.side == Side::Old).count()
    }
}

impl Range {
    pub(super) fn is_at_the_top(self) -> bool {
        self.before == 0
    }

    fn end(self) -> usize {
        self.before + self.count
    }

    /// From the first line and the number of lines. Without lines, the first is the one that they
    /// would follow.
    fn new(first: u32, count: u32) -> Option<Self> {
        let first = usize::try_from(first).ok()?;
        let count = usize::try_from(count).ok()?;
        let before = if count == 0 { first } else { first.checked_sub(1)? };
        Some(Self { before, count })
    }

    /// Reads `<first>` or `<first>,<count>`, and gives what follows.
    fn parse(text: &[u8]) -> Option<(Self, &[u8])> {
        let (first, rest) = number(text)?;
        let (count, rest) = match rest.strip_prefix(b",") {
            None => (1, rest),
            Some(rest) => number(rest)?,
        };
        Some((Self::new(first, count)?, rest))
    }
}

fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if LONGEST_NUMBER < length {
        return None;
    }
    let (digits, rest) = text.split_at(length);
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

/// Reads all hunks, up to the end of the patch.
pub(super) fn parse_all<'text>(lines: &mut Lines<'text>) -> Result<Vec<Hunk<'text>>, PatchError> {
    let mut hunks: Vec<Hunk<'text>> = Vec::new();
    while lines.peek().is_some() {
        let hunk = parse(lines, hunks.len() + 1)?;
        check_place(hunks.last(), &hunk)?;
        hunks.push(hunk);
    }
    Ok(hunks)
}

fn parse<'text>(lines: &mut Lines<'text>, number: usize) -> Result<Hunk<'text>, PatchError> {
    let line = lines.number();
    let text = without_ending(lines.next().unwrap_or_default());
    if text.starts_with(b"@@@") {
        return Err(PatchError::Combined { line });
    }
    let (old, new, header) =
        parse_header(text).ok_or_else(|| PatchError::HunkHeader { line, text: Shown::of(text) })?;
    let name = HunkName { number, header };
    if old.count == 0 && new.count == 0 {
        return Err(PatchError::EmptyHunk { hunk: name });
    }
    let body = lines.clone();
    match parse_lines(lines, old.count, new.count)? {
        Some((read, repaired)) if lines.peek().is_none_or(|next| next.starts_with(b"@@")) => {
            Ok(Hunk { name, old, new, lines: read, repaired })
        }
        Some(_) if begins_a_file(lines) => Err(PatchError::SeveralFiles { line: lines.number() }),
        _ => Err(PatchError::Counts {
            hunk: name,
            old: old.count,
            new: new.count,
            found: count(body),
        }),
    }
}

/// Reads `@@ -1,2 +1,3 @@`, and gives it without the text that may follow it.
fn parse_header(text: &[u8]) -> Option<(Range, Range, Box<str>)> {
    let (old, rest) = Range::parse(text.strip_prefix(b"@@ -")?)?;
    let (new, rest) = Range::parse(rest.strip_prefix(b" +")?)?;
    let section = rest.strip_prefix(b" @@")?;
    if !matches!(section, [] | [b' ', ..]) {
        return None;
    }
    let header = &text[..text.len() - section.len()];
    Some((old, new, std::str::from_utf8(header).ok()?.into()))
}

/// Reads lines until there are as many of the old and of the new file as should be, those without a
/// prefix being additions; none if there are less, or it cannot come out even.
fn parse_lines<'text>(
    lines: &mut Lines<'text>,
    mut old: usize,
    mut new: usize,
) -> Result<Option<(Vec<Line<'text>>, bool)>, PatchError> {
    let mut read = Vec::new();
    let mut repaired = false;
    while 0 < old || 0 < new {
        let line = lines.number();
        let Some(prefixed) = lines.peek().and_then(split_prefix) else { return Ok(None) };
        lines.next();
        let (side, text) = match prefixed {
            Prefixed::Line(side, text) => (side, text),
            Prefixed::None(text) => (Side::New, text),
            Prefixed::Marker => return Err(PatchError::StrayMarker { line }),
        };
        repaired |= matches!(prefixed, Prefixed::None(_));
        let left = (
            old.checked_sub(usize::from(side.is_old())),
            new.checked_sub(usize::from(side.is_new())),
        );
        let (Some(old_left), Some(new_left)) = left else { return Ok(None) };
        (old, new) = (old_left, new_left);
        let is_marked = lines.peek().is_some_and(is_marker);
        if is_marked {
            lines.next();
        }
        read.push(Line { side, text, has_newline: !is_marked });
    }
    if lines.peek().is_some_and(is_marker) {
        return Err(PatchError::StrayMarker { line: lines.number() });
    }
    Ok(Some((read, repaired)))
}

/// How a line of a hunk begins.
#[derive(Clone, Copy)]
enum Prefixed<'text> {
    Line(Side, &'text [u8]),
    None(&'text [u8]),
    Marker,
}

/// None for a line that begins another hunk or file.
fn split_prefix(line: &[u8]) -> Option<Prefixed<'_>> {
    let text = without_newline(line);
    Some(match text {
        [b' ', text @ ..] => Prefixed::Line(Side::Both, text),
        [b'-', text @ ..] => Prefixed::Line(Side::Old, text),
        [b'+', text @ ..] => Prefixed::Line(Side::New, text),
        [b'@', b'@', ..] => return None,
        _ if text.starts_with(b"diff --git ") => return None,
        _ if is_marker(line) => Prefixed::Marker,
        _ => Prefixed::None(text),
    })
}

fn is_marker(line: &[u8]) -> bool {
    without_ending(line) == NO_NEWLINE
}

/// What a hunk has, if it reaches up to the next one.
fn count(mut lines: Lines<'_>) -> Counted {
    let mut counted = Counted::default();
    loop {
        let line = lines.number();
        match lines.next().and_then(split_prefix) {
            None => return counted,
            Some(Prefixed::Marker) => {}
            Some(Prefixed::Line(side, _)) => {
                counted.old += usize::from(side.is_old());
                counted.new += usize::from(side.is_new());
            }
            Some(Prefixed::None(_)) => {
                counted.unprefixed += 1;
                counted.first_unprefixed.get_or_insert(line);
            }
        }
    }
}

/// A hunk follows the one before it, and stands in the new file where the hunks before move it.
fn check_place(previous: Option<&Hunk<'_>>, hunk: &Hunk<'_>) -> Result<(), PatchError> {
    let (old_end, new_end) = previous.map_or((0, 0), |it| (it.old.end(), it.new.end()));
    let Some(between) = hunk.old.before.checked_sub(old_end) else {
        return Err(PatchError::Backward { hunk: hunk.name.clone() });
    };
    let before = new_end + between;
    if hunk.new.before == before {
        return Ok(());
    }
    let expected = before + usize::from(hunk.new.count != 0);
    Err(PatchError::NewStart { hunk: hunk.name.clone(), expected })
}
