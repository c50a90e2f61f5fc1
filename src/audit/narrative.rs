//! From facts to a story: pure, so that the same facts always read the same.

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
    let mut text = String::new();
    let mut day = "";
    for row in rows {
        let (date, time) = row.ts.split_once('T').unwrap_or((&row.ts, ""));
        let time = time.get(..8).unwrap_or(time);
        if day != date {
            let gap = if text.is_empty() { "" } else { "\n" };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{gap}{date} (UTC)");
            day = date;
        }
        let _ = writeln!(text, "{time} {}", row.message);
    }
    text
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
