//! A report for people: what it is, what happened, what was decided on which numbers, and by which
//! hashes all of it can be checked.

use std::fmt::Write as _;

use serde_json::Value;

use crate::canaries::rule::Report;
use crate::canaries::{Point, Standing, standings};
use crate::tools::canary_status::evidence;
use crate::tools::documents::{on_one_line, parts};
use crate::tools::report::Known;
use crate::tools::subject::Subject;

/// The most looks in a table that is to be read.
const LOOKS: usize = 40;

pub(super) fn of(known: &Known) -> String {
    let parts = parts(&known.subject, known.registry, &known.decisions, &known.facts);
    let mut text = [parts.head, parts.story].concat();
    if let Subject::Canary(view) = &known.subject {
        let report = evidence(view, known.decisions.last());
        if let Some(report) = report.and_then(|json| serde_json::from_value::<Report>(json).ok()) {
            add_standings(&report, &mut text);
        }
    }
    add_decisions(known, &mut text);
    add_looks(&known.looks, &mut text);
    add_moves(known, &mut text);
    add_record(known, &mut text);
    text.push_str(&parts.numbers);
    text
}

/// Adds a table, unless it has no row.
fn add_table<const N: usize>(
    text: &mut String,
    (title, columns): (&str, [&str; N]),
    rows: impl Iterator<Item = [String; N]>,
) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n## {title}\n\n| {} |", columns.join(" | "));
    let _ = writeln!(text, "|{}", " --- |".repeat(N));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.map(|cell| harmless(&cell)).join(" | "));
    }
}

/// Words that end neither their cell nor their line, and begin no markup.
fn harmless(cell: &str) -> String {
    let line = on_one_line(cell);
    let mut text = String::with_capacity(line.len());
    for character in line.chars() {
        if matches!(character, '|' | '\\' | '<' | '`' | '[' | ']' | '*') {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

fn number(number: Option<f64>) -> String {
    number.map_or_else(|| "–".to_owned(), |number| format!("{number:.4}"))
}

fn add_standings(report: &Report, text: &mut String) {
    let rows = standings(report).into_iter().map(|(metric, standing)| {
        let Standing { breach, breach_at, proof, proof_at, requests, bad, target, .. } = standing;
        let Standing { allowed, estimate, low, high, .. } = standing;
        [
            metric.to_owned(),
            target.to_string(),
            allowed.to_string(),
            format!("{} ({bad} of {requests})", number(estimate)),
            format!("{low:.4} to {high:.4}"),
            format!("{} of {breach_at:.3}", number(breach)),
            format!("{} of {proof_at:.3}", number(proof)),
        ]
    });
    let columns = [
        "metric",
        "target",
        "bad share allowed",
        "bad share seen",
        "surely between",
        "evidence that it is broken (ln)",
        "evidence that it is met (ln)",
    ];
    add_table(text, ("Numbers", columns), rows);
}

fn add_decisions(known: &Known, text: &mut String) {
    let rows = known.decisions.iter().map(|row| {
        let record: Value = serde_json::from_str(&row.record_json).unwrap_or_default();
        let member = |name: &str| record[name].as_str().unwrap_or("–").to_owned();
        let hash = if row.is_intact() {
            row.hash.clone()
        } else {
            format!("{} is not that of the record", row.hash)
        };
        [row.at.clone(), member("decision"), member("reason"), member("by"), member("said"), hash]
    });
    let columns = ["when", "decision", "reason", "by", "said", "SHA-256 of the record"];
    add_table(text, ("Decisions", columns), rows);
}

fn add_looks(looks: &[Point], text: &mut String) {
    let step = looks.len().div_ceil(LOOKS).max(1);
    let shown =
        looks.iter().enumerate().filter(|(n, _)| (looks.len() - 1 - n).is_multiple_of(step));
    let title = if step == 1 {
        "Looks".to_owned()
    } else {
        format!("Looks, each {step}th of {}", looks.len())
    };
    let rows = shown.map(|(_, look)| {
        [
            look.poll.to_string(),
            format!("{:.1}", look.elapsed_seconds),
            number(look.latency_p95_ms),
            number(look.error_rate),
            look.data_quality.to_owned(),
        ]
    });
    let columns = ["look", "after (s)", "p95 (ms)", "error rate", "data"];
    add_table(text, (&title, columns), rows);
}

fn add_moves(known: &Known, text: &mut String) {
    let rows = known.moves.iter().map(|moved| {
        let or_nothing = |model: &Option<String>| model.clone().unwrap_or_else(|| "–".to_owned());
        [
            moved.created_at.clone(),
            moved.gate.clone(),
            or_nothing(&moved.before),
            or_nothing(&moved.after),
            moved.state.as_str().to_owned(),
            moved.actor.clone(),
            or_nothing(&moved.reason),
        ]
    });
    let columns = ["when", "gate", "before", "after", "state", "by", "reason"];
    add_table(text, ("Moves, newest first", columns), rows);
}

fn add_record(known: &Known, text: &mut String) {
    let rows = known.facts.iter().map(|fact| {
        let place = fact.id.to_string();
        [place, fact.ts.clone(), fact.actor.clone(), fact.action.clone(), fact.hash.clone()]
    });
    let columns = ["row", "when", "who", "what", "hash in the audit chain"];
    add_table(text, ("Record", columns), rows);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_in_their_cell_and_a_table_without_rows_is_none() {
        let mut text = String::new();
        let hostile = "a | b\n| c | <script>alert(1)</script> [x](y) `z` \\".to_owned();
        add_table(&mut text, ("T", ["c"]), std::iter::once([hostile]));
        let expected = "\n## T\n\n| c |\n| --- |\n| a \\| b \\| c \\| \\<script>alert(1)\\</script> \
             \\[x\\](y) \\`z\\` \\\\ |\n";
        assert_eq!(text, expected);
        text.clear();
        add_table(&mut text, ("T", ["c"]), std::iter::empty());
        assert_eq!(text, "");
    }
}
