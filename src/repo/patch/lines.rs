//! Lines of bytes, each with its number.

use memchr::memchr;

/// The lines of a text in their order. Only LF ends a line.
#[derive(Debug, Clone)]
pub(super) struct Lines<'text> {
    rest: &'text [u8],
    passed: usize,
}

impl<'text> Lines<'text> {
    pub(super) fn of(text: &'text [u8]) -> Self {
        Self { rest: text, passed: 0 }
    }

    /// The number of the line that comes next, from 1.
    pub(super) fn number(&self) -> usize {
        self.passed + 1
    }

    /// How many lines were passed.
    pub(super) fn passed(&self) -> usize {
        self.passed
    }

    /// What was not passed yet.
    pub(super) fn rest(&self) -> &'text [u8] {
        self.rest
    }

    /// The line that comes next, with its LF if it has one.
    pub(super) fn peek(&self) -> Option<&'text [u8]> {
        self.clone().next()
    }

    /// Passes this many lines and gives their bytes; less if there are less.
    pub(super) fn pass(&mut self, count: usize) -> &'text [u8] {
        let begin = self.rest;
        for _ in self.by_ref().take(count) {}
        &begin[..begin.len() - self.rest.len()]
    }
}

impl<'text> Iterator for Lines<'text> {
    type Item = &'text [u8];

    fn next(&mut self) -> Option<&'text [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr(b'\n', self.rest).map_or(self.rest.len(), |place| place + 1);
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.passed += 1;
        Some(line)
    }
}

/// A line without its LF.
pub(super) fn without_newline(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

/// A line of which only the text counts, as in headers: without its LF or CRLF.
pub(super) fn without_ending(line: &[u8]) -> &[u8] {
    let line = without_newline(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
