//! When is a question asked again? Pure.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use tokio::time::Instant;

use crate::clock::Timestamp;

/// How long after a question went out first it may still be asked again: whoever asked gets an error
/// within a minute of that.
pub(crate) const BUDGET: Duration = Duration::from_secs(45);

/// The longest wait before the first retry; with each further one it is three times as long, so that
/// whatever is drawn each wait is longer than the one before, up to the longest.
const FIRST: Duration = Duration::from_millis(500);

/// The longest wait of all.
const LONGEST: Duration = Duration::from_secs(8);

/// What a provider that counts requests and tokens says of each: what is left, and when there is
/// more again.
const LIMITS: &[(&str, &str)] = &[
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
    ("anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
];

/// The wait before a retry, where the provider named none; `retries` were made before, and `jitter`
/// is between 0 and 1.
pub(crate) fn wait(retries: u32, jitter: f64) -> Duration {
    let longest = FIRST.saturating_mul(3_u32.saturating_pow(retries)).min(LONGEST);
    longest.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
}

/// What is added to a wait that the provider named, so that not all come back at once.
pub(crate) fn spread(named: Duration, jitter: f64) -> Duration {
    named.mul_f64(0.1).min(Duration::from_secs(1)).mul_f64(jitter.clamp(0.0, 1.0))
}

/// How long was waited between requests: whatever made a wait long, the next is longer.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    ended: Option<Instant>,
}

impl Pace {
    /// The least wait after a request of this time.
    pub fn next(&mut self, started: Instant, ended: Instant) -> Duration {
        let before = self.ended.replace(ended);
        let waited = before.map_or(Duration::ZERO, |before| started.duration_since(before));
        waited.mul_f64(1.2)
    }
}

/// The wait that the headers of an answer name.
pub(crate) fn named<'a>(
    header: impl Fn(&'static str) -> Option<&'a str>,
    now: Timestamp,
) -> Option<Duration> {
    // The server's own time, where it says it: clocks differ.
    let now = header("date").and_then(http_date).unwrap_or(now);
    let milliseconds = header("retry-after-ms").and_then(number).map(|wait| wait / 1000.0);
    let after = || {
        let text = header("retry-after")?;
        number(text).or_else(|| Some(until(http_date(text)?, now)))
    };
    if let Some(seconds) = milliseconds.or_else(after) {
        return duration(seconds);
    }
    let spent = |&&(left, _): &&(&'static str, &'static str)| {
        header(left).and_then(number).is_some_and(|left| left <= 0.0)
    };
    let resets = LIMITS.iter().filter(spent).filter_map(|&(_, reset)| {
        let text = header(reset)?;
        moment(text, now).or_else(|| span(text)).and_then(duration)
    });
    resets.max()
}

fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

fn http_date(text: &str) -> Option<Timestamp> {
    OffsetDateTime::parse(text.trim(), &Rfc2822).ok().map(Timestamp::new)
}

fn until(moment: Timestamp, now: Timestamp) -> f64 {
    moment.since(now).as_seconds_f64()
}

/// Seconds until a moment: RFC 3339, or seconds or milliseconds since 1970.
fn moment(text: &str, now: Timestamp) -> Option<f64> {
    if let Ok(moment) = OffsetDateTime::parse(text.trim(), &Rfc3339) {
        return Some(until(Timestamp::new(moment), now));
    }
    let number = number(text)?;
    let now = now.since(Timestamp::new(OffsetDateTime::UNIX_EPOCH)).as_seconds_f64();
    match number {
        1e12.. => Some(number / 1000.0 - now),
        1e9.. => Some(number - now),
        _ => None,
    }
}

/// Seconds in a span such as `6m0s`, `1h2m3.5s`, `20ms` or `12`.
fn span(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    if let Some(seconds) = number(rest) {
        return Some(seconds);
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let amount: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        seconds += amount
            * match &rest[..unit] {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    (!text.trim().is_empty()).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named_in(headers: &[(&'static str, &'static str)]) -> Option<f64> {
        let now = Timestamp::parse("2026-01-02T03:04:05Z").unwrap();
        let find = |name: &'static str| {
            headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
        };
        named(find, now).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn a_named_wait_is_found_in_each_of_its_forms() {
        assert_eq!(named_in(&[("retry-after", "7")]), Some(7.0));
        assert_eq!(named_in(&[("retry-after", " 0.5 ")]), Some(0.5));
        assert_eq!(named_in(&[("retry-after", "-3")]), Some(0.0));
        assert_eq!(named_in(&[("retry-after", "99999")]), Some(99999.0));
        assert_eq!(named_in(&[("retry-after", "7"), ("retry-after-ms", "1500")]), Some(1.5));
        assert_eq!(named_in(&[("retry-after", "Fri, 02 Jan 2026 03:04:35 GMT")]), Some(30.0));
        let date = ("date", "Fri, 02 Jan 2026 03:04:30 GMT");
        assert_eq!(named_in(&[("retry-after", "Fri, 02 Jan 2026 03:04:35 GMT"), date]), Some(5.0));
        assert_eq!(named_in(&[("retry-after", "Fri, 02 Jan 1970 03:04:35 GMT")]), Some(0.0));
        for nonsense in ["", "soon", "1e999", "NaN", "inf"] {
            assert_eq!(named_in(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
        assert_eq!(named_in(&[("retry-after", "1e300")]), None);
    }

    #[test]
    fn limits_count_when_nothing_is_left_of_them() {
        let spent = ("x-ratelimit-remaining-tokens", "0");
        assert_eq!(named_in(&[spent, ("x-ratelimit-reset-tokens", "6m0.5s")]), Some(360.5));
        assert_eq!(named_in(&[spent, ("x-ratelimit-reset-tokens", "20ms")]), Some(0.02));
        assert_eq!(named_in(&[spent, ("x-ratelimit-reset-tokens", "7 parsecs")]), None);
        let left = ("x-ratelimit-remaining-tokens", "3");
        assert_eq!(named_in(&[left, ("x-ratelimit-reset-tokens", "6m0s")]), None);
        let anthropic = [
            ("anthropic-ratelimit-requests-remaining", "0"),
            ("anthropic-ratelimit-requests-reset", "2026-01-02T03:04:15Z"),
        ];
        assert_eq!(named_in(&anthropic), Some(10.0));
        let open_router = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1767323055000")];
        assert_eq!(named_in(&open_router), Some(10.0));
    }

    #[test]
    fn each_wait_is_longer_than_the_one_before() {
        for retries in 0..2 {
            assert!(wait(retries, 1.0).mul_f64(1.4) < wait(retries + 1, 0.0));
        }
        assert_eq!(wait(0, 0.0), Duration::from_millis(250));
        assert_eq!(wait(u32::MAX, 1.0), LONGEST);
        assert_eq!(spread(Duration::from_secs(100), 1.0), Duration::from_secs(1));
    }
}
