//! The time of which the evidence is asked for.

use time::Duration;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::clock::Timestamp;

/// The longest time that can be asked for in days: a hundred years.
const LONGEST: i64 = 36_500;

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// Why a range was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// An end of it is nothing that can be read.
    #[error(
        "{0} must be an ISO 8601 time such as 2026-11-21T08:15:00Z or 2026-11-21, a number of days \
         before now such as 30d, or now"
    )]
    Form(&'static str),
    /// It ends before it begins.
    #[error("from must not lie after to")]
    Backwards,
}

/// From when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvidenceRange {
    /// The earliest time.
    pub from: Timestamp,
    /// The latest time; none for the moment at which the evidence is gathered.
    pub to: Option<Timestamp>,
}

impl EvidenceRange {
    /// Reads both ends. What lies after `now` is now.
    ///
    /// # Errors
    /// One of them has none of the known forms, or they are the wrong way round.
    pub fn parse(from: &str, to: &str, now: Timestamp) -> Result<Self, RangeError> {
        let from = moment(from, now).ok_or(RangeError::Form("from"))?;
        let to = moment(to, now).ok_or(RangeError::Form("to"))?;
        let to = Some(to).filter(|to| *to < now);
        if to.unwrap_or(now) < from {
            return Err(RangeError::Backwards);
        }
        Ok(Self { from, to })
    }
}

fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    if text == "now" {
        return Some(now);
    }
    if let Some(days) = text.strip_suffix('d') {
        let is_number = days.bytes().all(|byte| byte.is_ascii_digit());
        let days = days.parse::<i64>().ok().filter(|days| is_number && *days <= LONGEST)?;
        return Some(now.plus(-Duration::days(days)));
    }
    if let Ok(day) = time::Date::parse(text, DAY) {
        return Some(Timestamp::new(day.midnight().assume_utc()));
    }
    // In a query, the plus sign of an offset stands for a space.
    Timestamp::parse(&text.replacen(' ', "+", 1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-21T12:00:00.000Z";

    fn parse(from: &str, to: &str) -> Result<(String, Option<String>), RangeError> {
        let range = EvidenceRange::parse(from, to, Timestamp::parse(NOW).unwrap())?;
        Ok((range.from.to_string(), range.to.map(|to| to.to_string())))
    }

    #[test]
    fn every_form_of_a_moment_is_understood() {
        let from = |text| parse(text, "now").unwrap().0;
        assert_eq!(from("30d"), "2026-10-22T12:00:00.000Z");
        assert_eq!(from("0d"), NOW);
        assert_eq!(from("2026-11-21"), "2026-11-21T00:00:00.000Z");
        assert_eq!(from("2026-11-21T08:15:00.5Z"), "2026-11-21T08:15:00.500Z");
        assert_eq!(from("2026-11-21T09:15:00+01:00"), "2026-11-21T08:15:00.000Z");
        assert_eq!(from("2026-11-21T09:15:00 01:00"), "2026-11-21T08:15:00.000Z");
        assert_eq!(parse("2d", "1d").unwrap().1.unwrap(), "2026-11-20T12:00:00.000Z");
        assert_eq!(parse("2d", "2027-01-01").unwrap().1, None);
    }

    #[test]
    fn what_is_no_moment_is_refused_and_not_repeated() {
        for text in [
            "",
            "d",
            "-1d",
            "+1d",
            "1.5d",
            "36501d",
            "99999999999999999999d",
            "30",
            "x",
            "30D",
            "yesterday",
            "2026-13-01",
            "2026-11-21T25:00:00Z",
            "2026-11-21T08:15:00",
            "\r\n",
        ] {
            let refused = parse(text, "now").unwrap_err();
            assert_eq!(refused, RangeError::Form("from"), "{text:?}");
            assert_eq!(parse("30d", text).unwrap_err(), RangeError::Form("to"), "{text:?}");
        }
        assert_eq!(parse("1d", "2d"), Err(RangeError::Backwards));
        assert_eq!(parse("2027-01-01", "now"), Err(RangeError::Backwards));
    }
}
