//! Wall-clock time, behind a trait so that tests can stop it.
//!
//! The time of day is data for people. Durations are measured with [`tokio::time::Instant`], which
//! no clock change moves.

use std::fmt;

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// ISO 8601 in UTC with milliseconds, as the contract asks for everywhere.
const FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// A moment in UTC, to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(OffsetDateTime);

impl Timestamp {
    /// Takes a moment, cut to the millisecond.
    pub fn new(moment: OffsetDateTime) -> Self {
        let millisecond = moment.millisecond();
        let utc = moment.to_offset(time::UtcOffset::UTC);
        // A millisecond of a valid time is a valid millisecond.
        Self(utc.replace_millisecond(millisecond).unwrap_or(utc))
    }

    /// Reads an ISO 8601 time with any offset.
    ///
    /// # Errors
    /// The text is not such a time.
    pub fn parse(text: &str) -> Result<Self, time::error::Parse> {
        use time::format_description::well_known::Rfc3339;
        OffsetDateTime::parse(text, &Rfc3339).map(Self::new)
    }

    /// This moment moved by a signed span.
    #[must_use]
    pub fn plus(self, span: time::Duration) -> Self {
        Self(self.0.checked_add(span).unwrap_or(self.0))
    }

    /// The span from `earlier` to this; negative if this is the earlier one.
    pub fn since(self, earlier: Self) -> time::Duration {
        self.0 - earlier.0
    }

    /// Whole seconds since 1970.
    pub fn unix_seconds(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// Milliseconds since 1970.
    pub fn unix_ms(self) -> i64 {
        let milliseconds = self.0.unix_timestamp_nanos().div_euclid(1_000_000);
        i64::try_from(milliseconds).unwrap_or(i64::MAX)
    }

    /// `YYYY-MM-DD HH:MM`, for people.
    pub fn to_minute(self) -> String {
        let text = self.to_string();
        text.get(..16).unwrap_or(&text).replace('T', " ")
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.format(FORMAT).map_err(|_unformattable| fmt::Error)?;
        f.write_str(&text)
    }
}

/// Tells the time of day.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads it")]
        Timestamp::new(OffsetDateTime::now_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_are_iso_8601_with_milliseconds() {
        let moment = Timestamp::new(datetime!(2026-11-21 03:38:52.150_999 UTC));
        assert_eq!(moment.to_string(), "2026-11-21T03:38:52.150Z");
        assert_eq!(moment.to_minute(), "2026-11-21 03:38");
        assert_eq!(Timestamp::parse("2026-11-21T04:38:52.15+01:00").unwrap(), moment);
        assert_eq!(moment.unix_ms(), 1_795_232_332_150);
    }
}
