//! Rows in columns: as wide as they need on paper, cut to the terminal on a screen.

use crate::cli::terminal::style::{Line, Style, Tone};
use crate::cli::terminal::text;

/// The space between two columns.
const GAP: &str = "  ";

/// A cell: text and its tone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Cell {
    tone: Tone,
    text: String,
}

impl Cell {
    pub(in crate::cli) fn new(tone: Tone, text: &str) -> Self {
        Self { tone, text: text::line(text).into_owned() }
    }

    pub(in crate::cli) fn plain(text: &str) -> Self {
        Self::new(Tone::Plain, text)
    }

    pub(in crate::cli) fn quiet(text: &str) -> Self {
        Self::new(Tone::Quiet, text)
    }
}

/// A table. The last column gets what is left of the line.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Table<const N: usize> {
    titles: [&'static str; N],
    rows: Vec<[Cell; N]>,
}

impl<const N: usize> Table<N> {
    pub(in crate::cli) fn new(titles: [&'static str; N]) -> Self {
        Self { titles, rows: Vec::new() }
    }

    pub(in crate::cli) fn push(&mut self, row: [Cell; N]) {
        self.rows.push(row);
    }

    /// The lines, with the titles first; none at all without rows.
    pub(in crate::cli) fn render(&self, style: Style) -> Vec<String> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let mut widths = self.titles.map(text::width);
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = text::width(&cell.text).max(*width);
            }
        }
        let titles = self.titles.map(Cell::quiet);
        let all = std::iter::once(&titles).chain(&self.rows);
        all.map(|row| Self::line(row, widths).render(style)).collect()
    }

    fn line(row: &[Cell; N], widths: [usize; N]) -> Line {
        let mut line = Line::new();
        for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
            if 0 < index {
                line = line.plain(GAP);
            }
            line = line.column(cell.tone, &cell.text, width);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["id", "what"]);
        assert!(table.render(Style::PLAIN).is_empty());
        table.push([Cell::plain("job_1"), Cell::new(Tone::Bad, "a\nb")]);
        table.push([Cell::plain("日本語"), Cell::quiet("")]);
        assert_eq!(table.render(Style::PLAIN), ["id      what", "job_1   a b", "日本語"]);
        let narrow = Style { colours: false, columns: Some(9) };
        assert_eq!(table.render(narrow)[1], "job_1   …");
        let coloured = Style { colours: true, columns: None };
        assert_eq!(table.render(coloured)[1], "job_1   \u{1b}[31ma b\u{1b}[0m");
    }
}
