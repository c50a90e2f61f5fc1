//! What a session found: tables, goals with verdicts, and all that was skipped.
//!
//! The text is Markdown whose columns line up, so that it reads as well on a terminal.

use std::fmt::{self, Display, Write};

use serde::Serialize;

use crate::stats::Sample;

/// Beyond this spread of its rounds, nothing is judged by a figure.
const NOISE_LIMIT: f64 = 0.25;

/// Why nothing can be judged by a figure, if its rounds lie too far apart.
pub fn noise(figure: &Sample) -> Option<String> {
    let spread = figure.spread().filter(|spread| *spread > NOISE_LIMIT)?;
    Some(format!("noisy, the rounds spread by {:.0} %", spread * 100.0))
}

/// A table of text cells.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(title: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self { title: title.to_owned(), columns, rows: Vec::new() }
    }

    /// Adds a row; it has one cell a column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = || std::iter::once(&self.columns).chain(&self.rows);
        let width = |column: usize| {
            lines().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max()
        };
        let widths: Vec<_> = (0..self.columns.len()).map(|at| width(at).unwrap_or(0)).collect();
        writeln!(out, "### {}\n", self.title)?;
        for (index, line) in lines().enumerate() {
            for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
                if column == 0 {
                    write!(out, "| {cell:<width$} ")?;
                } else {
                    write!(out, "| {cell:>width$} ")?;
                }
            }
            writeln!(out, "|")?;
            if index == 0 {
                for (column, width) in widths.iter().enumerate() {
                    let rule = "-".repeat(width + 1);
                    write!(out, "|{rule}{}", if column == 0 { "-" } else { ":" })?;
                }
                writeln!(out, "|")?;
            }
        }
        Ok(())
    }
}

/// What became of a goal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// Reached.
    Met,
    /// Not reached.
    Missed,
    /// Not judged, and why.
    NotJudged(String),
}

impl Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Met => out.write_str("met"),
            Self::Missed => out.write_str("MISSED"),
            Self::NotJudged(reason) => write!(out, "not judged: {reason}"),
        }
    }
}

/// A figure that is to be reached.
#[derive(Debug, Clone, Serialize)]
pub struct Goal {
    name: String,
    target: String,
    measured: String,
    verdict: Verdict,
}

/// Which side of the limit is the good one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// The figure is at most this.
    AtMost(f64),
    /// The figure is at least this.
    AtLeast(f64),
}

impl Goal {
    /// Judges a figure, unless there is none or `doubt` says why it proves nothing.
    pub fn judge(name: &str, bound: Bound, measured: Option<f64>, doubt: Option<&str>) -> Self {
        let (target, reached) = match bound {
            Bound::AtMost(limit) => (format!("≤ {limit}"), measured.map(|value| value <= limit)),
            Bound::AtLeast(limit) => (format!("≥ {limit}"), measured.map(|value| value >= limit)),
        };
        let verdict = match (reached, doubt) {
            (None, doubt) => Verdict::NotJudged(doubt.unwrap_or("not measured").to_owned()),
            (Some(_), Some(doubt)) => Verdict::NotJudged(doubt.to_owned()),
            (Some(true), None) => Verdict::Met,
            (Some(false), None) => Verdict::Missed,
        };
        let measured = measured.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
        Self { name: name.to_owned(), target, measured, verdict }
    }
}

/// What one part of the benchmark contributes.
#[derive(Debug, Default, Serialize)]
pub struct Section {
    /// For people.
    pub tables: Vec<Table>,
    /// Judged.
    pub goals: Vec<Goal>,
    /// All values, for programs.
    pub data: serde_json::Value,
}

/// A whole session.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Facts on the machine and the programs.
    pub machine: Vec<(String, String)>,
    /// The parts, in the order they ran.
    pub sections: Vec<Section>,
    /// What could not be measured for want of a tool or program, with a hint.
    pub skipped: Vec<String>,
    /// Parts that broke off.
    pub failed: Vec<String>,
}

impl Report {
    /// The process's exit code: 0 all judged goals met, 1 one missed, 2 a part broke off, 3
    /// something was not judged or skipped.
    pub fn exit_code(&self) -> u8 {
        let verdicts = || self.goals().map(|goal| &goal.verdict);
        if !self.failed.is_empty() {
            2
        } else if verdicts().any(|verdict| *verdict == Verdict::Missed) {
            1
        } else if !self.skipped.is_empty() || verdicts().any(|verdict| *verdict != Verdict::Met) {
            3
        } else {
            0
        }
    }

    /// The Markdown block.
    pub fn markdown(&self) -> String {
        let mut text = String::from("## Benchmark\n\n");
        for (name, value) in &self.machine {
            push(&mut text, format_args!("- {name}: {value}\n"));
        }
        text.push_str("\nFigures are the median of the rounds (lowest–highest).\n");
        for table in self.sections.iter().flat_map(|section| &section.tables) {
            push(&mut text, format_args!("\n{table}"));
        }
        let mut goals = Table::new("Goals", &["goal", "target", "measured", "verdict"]);
        for goal in self.goals() {
            let verdict = goal.verdict.to_string();
            goals.row([goal.name.clone(), goal.target.clone(), goal.measured.clone(), verdict]);
        }
        push(&mut text, format_args!("\n{goals}\nSkipped: {}\n", self.skipped.len()));
        for line in &self.skipped {
            push(&mut text, format_args!("- SKIPPED {line}\n"));
        }
        for line in &self.failed {
            push(&mut text, format_args!("- FAILED {line}\n"));
        }
        text
    }

    fn goals(&self) -> impl Iterator<Item = &Goal> {
        self.sections.iter().flat_map(|section| &section.goals)
    }
}

fn push(text: &mut String, arguments: fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_missed_or_left_open() {
        let verdict = |bound, value, doubt| Goal::judge("x", bound, value, doubt).verdict;
        assert_eq!(verdict(Bound::AtMost(2.0), Some(2.0), None), Verdict::Met);
        assert_eq!(verdict(Bound::AtLeast(2.0), Some(1.9), None), Verdict::Missed);
        let noisy = verdict(Bound::AtMost(2.0), Some(9.0), Some("noisy"));
        assert_eq!(noisy, Verdict::NotJudged("noisy".into()));
        let absent = verdict(Bound::AtMost(2.0), None, None);
        assert_eq!(absent, Verdict::NotJudged("not measured".into()));
    }

    #[test]
    fn a_table_lines_up_as_markdown() {
        let mut table = Table::new("T", &["a", "long"]);
        table.row(["x".into(), "1–2".into()]);
        let expected = "### T\n\n| a | long |\n|---|-----:|\n| x |  1–2 |\n";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn a_missed_goal_outweighs_a_skip_and_a_failure_both() {
        let mut report = Report::default();
        assert_eq!(report.exit_code(), 0);
        report.skipped.push("nchan".into());
        assert_eq!(report.exit_code(), 3);
        let goal = Goal::judge("x", Bound::AtMost(1.0), Some(2.0), None);
        report.sections.push(Section { goals: vec![goal], ..Section::default() });
        assert_eq!(report.exit_code(), 1);
        report.failed.push("stall".into());
        assert_eq!(report.exit_code(), 2);
    }
}
