//! How text is set off: colours where they are wanted, and the room that there is.

use crate::cli::terminal::text;

/// What a piece of text is to be taken for. No meaning hangs on it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::cli) enum Tone {
    #[default]
    Plain,
    Quiet,
    Strong,
    Good,
    Busy,
    Bad,
}

impl Tone {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Quiet => Some("2"),
            Self::Strong => Some("1"),
            Self::Good => Some("32"),
            Self::Busy => Some("33"),
            Self::Bad => Some("31"),
        }
    }
}

/// What the reader's terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Style {
    /// Whether it has colours, and they are wanted.
    pub(in crate::cli) colours: bool,
    /// The columns of a line; a file or a pipe has no bound.
    pub(in crate::cli) columns: Option<usize>,
}

impl Style {
    /// Text without colours or bound, as it goes into a pipe.
    pub(in crate::cli) const PLAIN: Self = Self { colours: false, columns: None };

    /// A text in a tone.
    pub(in crate::cli) fn paint(self, tone: Tone, text: &str) -> String {
        match tone.code() {
            Some(code) if self.colours && !text.is_empty() => {
                format!("\u{1b}[{code}m{text}\u{1b}[0m")
            }
            _ => text.to_owned(),
        }
    }
}

/// A line of pieces, each with its tone; it is cut as one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::cli) struct Line(Vec<(Tone, String)>);

impl Line {
    /// An empty line.
    pub(in crate::cli) fn new() -> Self {
        Self::default()
    }

    /// Adds a piece, which is made safe for the terminal.
    #[must_use]
    pub(in crate::cli) fn add(mut self, tone: Tone, piece: &str) -> Self {
        self.0.push((tone, text::line(piece).into_owned()));
        self
    }

    /// Adds a piece without a tone.
    #[must_use]
    pub(in crate::cli) fn plain(self, piece: &str) -> Self {
        self.add(Tone::Plain, piece)
    }

    /// Adds a piece that takes just so many columns.
    #[must_use]
    pub(in crate::cli) fn column(self, tone: Tone, piece: &str, columns: usize) -> Self {
        let safe = text::line(piece);
        let fitting = text::pad(&text::clip(&safe, columns), columns);
        self.add(tone, &fitting)
    }

    /// Adds the pieces of another line.
    #[must_use]
    pub(in crate::cli) fn append(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The line as the terminal gets it.
    pub(in crate::cli) fn render(&self, style: Style) -> String {
        let mut room = style.columns.unwrap_or(usize::MAX);
        let mut rendered = String::new();
        // Spaces at the end are only the rest of a column.
        let seen = self.0.iter().rposition(|(_, piece)| !piece.trim_end().is_empty());
        for (index, (tone, piece)) in
            self.0.iter().enumerate().take(seen.map_or(0, |last| last + 1))
        {
            let piece = if Some(index) == seen { piece.trim_end() } else { piece };
            let clipped = text::clip(piece, room);
            room -= text::width(&clipped);
            rendered.push_str(&style.paint(*tone, &clipped));
        }
        rendered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_as_one_and_colours_take_no_room() {
        let line = Line::new().add(Tone::Bad, "✕ failed").plain("  ").plain("job_x\u{1b}[2J");
        assert_eq!(line.render(Style::PLAIN), "✕ failed  job_x\\u{1b}[2J");
        let narrow = Style { colours: true, columns: Some(13) };
        assert_eq!(line.render(narrow), "\u{1b}[31m✕ failed\u{1b}[0m  jo…");
        let narrower = Style { colours: false, columns: Some(4) };
        assert_eq!(line.render(narrower), "✕ f…");
        assert_eq!(Line::new().render(narrow), "");
    }

    #[test]
    fn a_column_keeps_its_width() {
        let line =
            Line::new().column(Tone::Plain, "abcdef", 4).column(Tone::Plain, "x", 3).plain("|");
        assert_eq!(line.render(Style::PLAIN), "abc…x  |");
    }
}
