//! From facts to a story: pure, so that the same facts always read the same.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::clock::Timestamp;
use crate::store::audits::AuditRow;

/// A fact as one line: `[YYYY-MM-DD HH:MM] actor=<who> action=<what> details=<json>`.
pub fn line(row: &AuditRow) -> String {
    let AuditRow { actor, action, payload_json, .. } = row;
    format!("[{}] actor={actor} action={action} details={payload_json}", minute(&row.ts))
}

/// The facts as a text to be read: a sentence each, with the day where it changes.
pub fn prose(rows: &[AuditRow]) -> String {
    let (mut text, mut prose) = (String::new(), Prose::default());
    for row in rows {
        prose.tell(row, &mut text);
    }
    text
}

/// A story that is told fact by fact.
#[derive(Debug, Default)]
pub(super) struct Prose {
    day: String,
}

impl Prose {
    /// Adds a fact to the text.
    pub(super) fn tell(&mut self, row: &AuditRow, text: &mut String) {
        let (date, time) = row.ts.split_once('T').unwrap_or((&row.ts, ""));
        let time = time.get(..8).unwrap_or(time);
        // Writing to a string cannot fail.
        if self.day != date {
            let gap = if self.day.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}{date} (UTC)");
            date.clone_into(&mut self.day);
        }
        let _ = writeln!(text, "{time} {}", harmless(&row.message));
    }
}

/// A sentence on one line. What could break the line, or turn the text around in a terminal, is
/// written as its number: part of a sentence may be what a client sent.
fn harmless(sentence: &str) -> Cow<'_, str> {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !sentence.contains(hostile) {
        return Cow::Borrowed(sentence);
    }
    let escape = |c: char| {
        if hostile(c) { c.escape_unicode().to_string() } else { c.to_string() }
    };
    Cow::Owned(sentence.chars().map(escape).collect())
}

fn minute(ts: &str) -> String {
    Timestamp::parse(ts).map_or_else(|_| ts.to_owned(), Timestamp::to_minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ts: &str, message: &str) -> AuditRow {
        AuditRow {
            id: 1,
            about: None,
            ts: ts.into(),
            actor: "system".into(),
            action: "job_running".into(),
            payload_json: r#"{"jobId":"job_x"}"#.into(),
            entity_type: "job".into(),
            entity_id: "job_x".into(),
            message: message.into(),
            prev_hash: String::new(),
            hash: String::new(),
        }
    }

    #[test]
    fn a_fact_is_a_line_that_the_earlier_servers_readers_know() {
        assert_eq!(
            line(&row("2025-10-04T08:15:59.999Z", "")),
            r#"[2025-10-04 08:15] actor=system action=job_running details={"jobId":"job_x"}"#
        );
    }

    #[test]
    fn a_sentence_cannot_forge_another_line() {
        let forged = row("2026-11-21T23:59:58.000Z", "It was\n23:59:59 It \u{1b}[31m\u{202e}ran.");
        let expected = "2026-11-21 (UTC)\n\
                        23:59:58 It was\\u{a}23:59:59 It \\u{1b}[31m\\u{202e}ran.\n";
        assert_eq!(prose(&[forged]), expected);
    }

    #[test]
    fn a_story_names_the_day_once() {
        let rows = [
            row("2026-11-21T23:59:58.000Z", "It was queued."),
            row("2026-11-21T23:59:59.000Z", "It ran."),
            row("2026-11-22T00:00:01.000Z", "It completed."),
        ];
        assert_eq!(
            prose(&rows),
            "2026-11-21 (UTC)\n23:59:58 It was queued.\n23:59:59 It ran.\n\n\
             2026-11-22 (UTC)\n00:00:01 It completed.\n"
        );
    }
}
