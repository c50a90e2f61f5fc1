//! When was it, and how long? Times are UTC, as in the daemon's log, story and audit.

use crate::clock::Timestamp;

/// The time of day of an ISO 8601 time in UTC, to the second; another text stays as it is.
pub(in crate::cli) fn time_of_day(at: &str) -> String {
    match Timestamp::parse(at) {
        // The format is fixed: 2026-11-21T19:25:25.093Z.
        Ok(moment) => format!("{}Z", &moment.to_string()[11..19]),
        Err(_) => at.to_owned(),
    }
}

/// How long ago something was, in one unit; nothing is in the future.
pub(in crate::cli) fn ago(at: &str, now: Timestamp) -> String {
    match Timestamp::parse(at) {
        Ok(moment) => format!("{} ago", roughly(now.since(moment).as_seconds_f64())),
        Err(_) => at.to_owned(),
    }
}

/// The seconds from one time to another; none if one of them is no time.
pub(in crate::cli) fn seconds_between(earlier: &str, later: &str) -> Option<f64> {
    let (earlier, later) = (Timestamp::parse(earlier).ok()?, Timestamp::parse(later).ok()?);
    Some(later.since(earlier).as_seconds_f64().max(0.0))
}

/// A span in its largest whole unit: `40 s`, `3 min`, `5 h`, `2 d`.
fn roughly(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    let (unit, name) = match seconds {
        s if s < 60.0 => (1.0, "s"),
        s if s < 3600.0 => (60.0, "min"),
        s if s < 86_400.0 => (3600.0, "h"),
        _ => (86_400.0, "d"),
    };
    format!("{:.0} {name}", (seconds / unit).floor())
}

/// A span in its two largest units: `40 s`, `3 min 20 s`, `5 h 1 min`, `2 d 3 h`.
pub(in crate::cli) fn span(seconds: f64) -> String {
    const UNITS: [(f64, &str); 4] = [(86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s")];
    let seconds = seconds.max(0.0).floor();
    let largest = UNITS.iter().position(|(unit, _)| *unit <= seconds).unwrap_or(UNITS.len() - 1);
    let (unit, name) = UNITS[largest];
    let mut said = format!("{:.0} {name}", (seconds / unit).floor());
    if let Some((smaller, name)) = UNITS.get(largest + 1) {
        let rest = ((seconds % unit) / smaller).floor();
        if 0.0 < rest {
            said = format!("{said} {rest:.0} {name}");
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_shortly() {
        assert_eq!(time_of_day("2026-11-21T19:25:25.093Z"), "19:25:25Z");
        assert_eq!(time_of_day("2026-11-21T19:25:25+02:00"), "17:25:25Z");
        assert_eq!(time_of_day("never"), "never");
        let now = Timestamp::parse("2026-11-21T20:00:00Z").unwrap();
        assert_eq!(ago("2026-11-21T19:25:25.093Z", now), "34 min ago");
        assert_eq!(ago("2026-11-21T20:00:09Z", now), "0 s ago");
        assert_eq!(ago("2026-11-11T20:00:00Z", now), "10 d ago");
        assert_eq!(seconds_between("2026-11-21T20:00:00Z", "2026-11-21T20:00:01.5Z"), Some(1.5));
        assert_eq!(seconds_between("x", "2026-11-21T20:00:01.5Z"), None);
    }

    #[test]
    fn spans_have_two_units_at_most() {
        for (seconds, said) in [
            (0.4, "0 s"),
            (59.9, "59 s"),
            (60.0, "1 min"),
            (200.0, "3 min 20 s"),
            (18_061.0, "5 h 1 min"),
            (18_059.0, "5 h"),
            (183_600.0, "2 d 3 h"),
        ] {
            assert_eq!(span(seconds), said, "{seconds}");
        }
    }
}
