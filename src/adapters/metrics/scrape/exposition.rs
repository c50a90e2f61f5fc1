//! Reading a page of metrics: the Prometheus text format 0.0.4 and OpenMetrics 1.0.
//!
//! The page is read once from front to back, and nothing of it is kept but what the caller takes.

use std::borrow::Cow;

/// How a page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// The text format: times in milliseconds.
    Text,
    /// `OpenMetrics`: times in seconds, exemplars, and an end that says so.
    OpenMetrics,
}

/// One sample of a page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(super) value: f64,
    /// Its time, if the page says it.
    pub(super) at_ms: Option<i64>,
}

/// What is wrong with a page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PageError {
    #[error("line {line} of the page of metrics cannot be read: {what}")]
    Line { line: usize, what: &'static str },
    #[error("the page of metrics is cut off: it does not end with {0}")]
    Cut(&'static str),
}

/// Hands every sample of a page to `each`, in order.
///
/// # Errors
/// The page is not of the format, or cut off. What came before was handed over.
pub(super) fn read<'a>(
    page: &'a str,
    format: Format,
    mut each: impl FnMut(Sample<'a>),
) -> Result<(), PageError> {
    let whole = match page.strip_suffix('\n') {
        Some(whole) => whole,
        None if page.is_empty() || format == Format::OpenMetrics => page,
        None => return Err(PageError::Cut("a line feed")),
    };
    for (index, line) in whole.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if format == Format::OpenMetrics && line == "# EOF" {
            return Ok(());
        }
        let mut cursor = Cursor { rest: line };
        cursor.skip_space();
        if cursor.rest.is_empty() || cursor.rest.starts_with('#') {
            continue;
        }
        let error = |what| PageError::Line { line: index + 1, what };
        each(cursor.sample(format).map_err(error)?);
    }
    match format {
        Format::Text => Ok(()),
        Format::OpenMetrics => Err(PageError::Cut("# EOF")),
    }
}

type Read<T> = Result<T, &'static str>;

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn take(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// What comes before the first character that `ends`.
    fn until(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let (before, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = rest;
        before
    }

    fn name(&mut self) -> Read<&'a str> {
        let name = self.until(|next| !next.is_ascii_alphanumeric() && !matches!(next, '_' | ':'));
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            return Err("a name is expected");
        }
        Ok(name)
    }

    fn sample(&mut self, format: Format) -> Read<Sample<'a>> {
        let mut name = None;
        if !self.rest.starts_with('{') {
            name = Some(Cow::Borrowed(self.name()?));
            self.skip_space();
        }
        let mut labels = Vec::new();
        if self.take('{') {
            self.labels(&mut name, &mut labels)?;
        }
        let name = name.ok_or("a name is expected")?;
        self.skip_space();
        let value = number(self.until(is_space))?;
        self.skip_space();
        let at_ms = match (self.rest.chars().next(), format) {
            (None, _) | (Some('#'), Format::OpenMetrics) => None,
            (Some(_), Format::Text) => {
                let time = self.until(is_space).parse::<i64>();
                Some(time.map_err(|_| "a time in milliseconds is expected")?)
            }
            (Some(_), Format::OpenMetrics) => Some(milliseconds(number(self.until(is_space))?)?),
        };
        self.skip_space();
        let is_exemplar = format == Format::OpenMetrics && self.rest.starts_with('#');
        if !self.rest.is_empty() && !is_exemplar {
            return Err("the end of the line is expected");
        }
        Ok(Sample { name, labels, value, at_ms })
    }

    /// Reads `a="b",c="d"}`; the name of a sample may be one of the texts, without a value.
    fn labels(
        &mut self,
        name: &mut Option<Cow<'a, str>>,
        labels: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>,
    ) -> Read<()> {
        loop {
            self.skip_space();
            if self.take('}') {
                return Ok(());
            }
            let is_quoted = self.rest.starts_with('"');
            let label = if is_quoted { self.quoted()? } else { Cow::Borrowed(self.name()?) };
            self.skip_space();
            if self.take('=') {
                self.skip_space();
                labels.push((label, self.quoted()?));
            } else if is_quoted && name.is_none() {
                *name = Some(label);
            } else {
                return Err("= is expected");
            }
            self.skip_space();
            if !self.take(',') && !self.rest.starts_with('}') {
                return Err("a comma or } is expected");
            }
        }
    }

    fn quoted(&mut self) -> Read<Cow<'a, str>> {
        if !self.take('"') {
            return Err("a text in quotes is expected");
        }
        let plain = self.until(|next| matches!(next, '"' | '\\'));
        if self.take('"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        while self.take('\\') {
            let mut characters = self.rest.chars();
            match characters.next() {
                Some('n') => text.push('\n'),
                Some(itself @ ('"' | '\\')) => text.push(itself),
                Some(other) => text.extend(['\\', other]),
                None => return Err("the text has no closing quote"),
            }
            self.rest = characters.as_str();
            text.push_str(self.until(|next| matches!(next, '"' | '\\')));
        }
        if self.take('"') { Ok(Cow::Owned(text)) } else { Err("the text has no closing quote") }
    }
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

fn number(text: &str) -> Read<f64> {
    text.parse().map_err(|_| "a number is expected")
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn milliseconds(seconds: f64) -> Read<i64> {
    let milliseconds = (seconds * 1_000.0).round();
    if milliseconds.abs() <= 9e15 {
        Ok(milliseconds as i64)
    } else {
        Err("a time in seconds is expected")
    }
}
