//! From cumulative counters to what happened since the look before.
//!
//! # Invariants
//!
//! 1. Every sample is accounted for once, also across a restart of the daemon: the ledger is stored
//!    with the measurement it gave.
//! 2. Nothing from before the first look is counted.
//! 3. What cannot be seen is a gap or an error, and changes nothing: what happened meanwhile is
//!    counted when it can be seen again.
//! 4. The ledger is a function of what it is given; it asks no clock.

mod latency;
mod shelf;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::latency::{Exceedance, Histogram, by_histogram};
use self::shelf::Shelf;
use super::looked::{Bucket, ErrorCounters, Looked, Seen, Series};
use super::measurement::{Gap, Measurement, Sample};
use super::source::Look;

/// What is missing when nothing matches.
pub(super) const NO_REQUESTS: &str = "no series matches the selector of all requests";
pub(super) const NO_BUCKETS: &str = "no series matches the selector of latency buckets";

/// The most series of one selector, and of the selector of buckets.
const MOST_SERIES: usize = 64;
const MOST_BUCKETS: usize = 256;

/// How far back the first look sees: a counter that was silent for shorter is still known.
const FIRST_LOOKBACK: Duration = Duration::from_mins(5);
const SHORTEST_LOOKBACK: Duration = Duration::from_secs(30);
const LONGEST_LOOKBACK: Duration = Duration::from_mins(15);

/// Above this a floating-point number no longer counts one by one: 2^53.
const LARGEST_COUNT: f64 = 9_007_199_254_740_992.0;

/// The ledger of one gate of one canary; begins empty.
///
/// Stored as JSON beside each measurement, it goes on after a restart as if nothing had happened.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    total: Shelf,
    failed: Shelf,
    buckets: Shelf,
    /// The time between the target's samples, once it is known.
    interval_ms: Option<i64>,
    /// Failed requests that were seen before their totals.
    owed: u64,
    /// When it was last looked and everything was there.
    complete_until_ms: Option<i64>,
}

/// A look's share of the present: when it was, and how old samples may be.
#[derive(Debug, Clone, Copy)]
struct Now {
    at_ms: i64,
    patience_ms: i64,
}

impl Counters {
    /// How far back the next look must see so that nothing is lost, `now_ms` being the present in
    /// milliseconds since 1970.
    pub fn lookback(&self, poll: Duration, now_ms: i64) -> Duration {
        let Some(complete_until_ms) = self.complete_until_ms else { return FIRST_LOOKBACK };
        let since = now_ms.saturating_sub(complete_until_ms).saturating_add(self.patience_ms(poll));
        let since = Duration::from_millis(u64::try_from(since).unwrap_or(0));
        since.clamp(SHORTEST_LOOKBACK, LONGEST_LOOKBACK)
    }

    /// How old the newest sample may be: two and a half times the longer of the poll and the time
    /// between samples, so that a target that died is noticed by the third.
    fn patience_ms(&self, poll: Duration) -> i64 {
        let poll_ms = i64::try_from(poll.as_millis()).unwrap_or(i64::MAX);
        poll_ms.max(self.interval_ms.unwrap_or(0)).saturating_mul(5) / 2
    }

    /// Accounts for a look and says what happened since the one before.
    pub fn absorb(&mut self, look: &Look, looked: &Looked) -> Measurement {
        self.learn_interval(looked);
        let now = Now { at_ms: looked.at_ms, patience_ms: self.patience_ms(look.poll) };
        let errors = self.errors(&looked.errors, now);
        let (latency, latency_p95_ms) = match look.needs.latency_target_ms {
            Some(target_ms) => self.latency(&looked.latency, target_ms, now),
            None => (Sample::NotAsked, None),
        };
        let is_missing =
            |sample: &Sample| matches!(sample, Sample::NoData { .. } | Sample::Error { .. });
        if !is_missing(&errors) && !is_missing(&latency) {
            self.complete_until_ms = Some(looked.at_ms);
        }
        let warnings = looked.warnings.clone();
        Measurement { error_rate: rate(&errors), errors, latency, latency_p95_ms, warnings }
    }

    fn learn_interval(&mut self, looked: &Looked) {
        let totals = match &looked.errors {
            Seen::Counters(counters) => counters.total.as_slice(),
            _ => &[],
        };
        let buckets = match &looked.latency {
            Seen::Counters(buckets) => buckets.as_slice(),
            _ => &[],
        };
        let series = totals.iter().chain(buckets.iter().map(|bucket| &bucket.series));
        if let Some(richest) = series.max_by_key(|series| series.samples.len()) {
            let pairs = richest.samples.windows(2);
            let mut gaps: Vec<i64> = pairs.map(|pair| pair[1].at_ms - pair[0].at_ms).collect();
            gaps.sort_unstable();
            self.interval_ms = gaps.get(gaps.len() / 2).copied().or(self.interval_ms);
        }
    }

    fn errors(&mut self, seen: &Seen<ErrorCounters>, now: Now) -> Sample {
        let counters = match seen {
            Seen::Counters(counters) => counters,
            Seen::Scalar { value, .. } if 1.0 < *value => {
                let why = format!("the query of errors gave {value}, and a share is at most 1");
                return Sample::Error { why };
            }
            other => return passed_on(other),
        };
        let ErrorCounters { total, failed } = counters;
        let checked = check(total.iter(), MOST_SERIES, "all requests")
            .and_then(|()| check(failed.iter(), MOST_SERIES, "failed requests"));
        if let Err(why) = checked {
            return Sample::Error { why };
        }
        if self.total.is_replaced(total.iter()) {
            (self.total, self.failed, self.owed) = (Shelf::default(), Shelf::default(), 0);
        }
        let newest = newest(total.iter());
        // Samples that came after the totals were read wait for the next look.
        let failed: Vec<Series> = failed.iter().map(|series| until(series, newest)).collect();
        let gap = gap(newest, now, NO_REQUESTS);
        if !self.total.has_begun() || gap.is_none() {
            let restarts = self.total.restarts_of_processes(&total.iter().collect::<Vec<_>>());
            let progress = |shelf: &Shelf, series: &[Series]| -> f64 {
                series.iter().map(|one| shelf.progress(one, one.process, &restarts)).sum()
            };
            let all = whole(progress(&self.total, total));
            let seen = whole(progress(&self.failed, &failed)).saturating_add(self.owed);
            self.total.settle(total.iter(), 2 * MOST_SERIES);
            self.failed.settle(failed.iter(), 2 * MOST_SERIES);
            let bad = seen.min(all);
            self.owed = seen - bad;
            if gap.is_none() {
                return Sample::Counts { total: all, bad, possibly_bad: bad };
            }
        }
        Sample::NoData { why: gap.unwrap_or_default() }
    }

    fn latency(
        &mut self,
        seen: &Seen<Vec<Bucket>>,
        target_ms: f64,
        now: Now,
    ) -> (Sample, Option<f64>) {
        let buckets = match seen {
            Seen::Counters(buckets) => buckets,
            Seen::Scalar { value, .. } => return (passed_on(seen), Some(*value)),
            other => return (passed_on(other), None),
        };
        let series = || buckets.iter().map(|bucket| &bucket.series);
        if let Err(why) = check(series(), MOST_BUCKETS, "latency buckets") {
            return (Sample::Error { why }, None);
        }
        if self.buckets.is_replaced(series()) {
            self.buckets = Shelf::default();
        }
        let gap = gap(newest(series()), now, NO_BUCKETS);
        if gap.is_some() && self.buckets.has_begun() {
            return (Sample::NoData { why: gap.unwrap_or_default() }, None);
        }
        let grouped: Vec<_> = buckets.iter().map(|one| (&one.series, one.histogram)).collect();
        let restarts = self.buckets.falls(&grouped);
        let counted = by_histogram(buckets.iter().map(|one| {
            let count = self.buckets.progress(&one.series, one.histogram, &restarts);
            (one.histogram, one.upper_edge_ms, count)
        }));
        let histograms: Option<Vec<_>> = counted.into_iter().map(Histogram::new).collect();
        let Some(histograms) = histograms else {
            let why = "a latency histogram has no bucket le=\"+Inf\"".to_owned();
            return (Sample::Error { why }, None);
        };
        self.buckets.settle(series(), 2 * MOST_BUCKETS);
        match gap {
            Some(why) => (Sample::NoData { why }, None),
            None => (exceedance(&histograms, target_ms), p95(histograms)),
        }
    }
}

fn exceedance(histograms: &[Histogram], target_ms: f64) -> Sample {
    let each = histograms.iter().map(|histogram| histogram.exceedance(target_ms));
    let sum = each.fold(Exceedance::default(), |sum, one| Exceedance {
        total: sum.total + one.total,
        bad: sum.bad + one.bad,
        possibly_bad: sum.possibly_bad + one.possibly_bad,
    });
    let total = whole(sum.total);
    let (bad, possibly_bad) = (whole(sum.bad).min(total), whole(sum.possibly_bad).min(total));
    Sample::Counts { total, bad, possibly_bad }
}

fn p95(histograms: Vec<Histogram>) -> Option<f64> {
    Histogram::sum(histograms)?.p95_ms()
}

/// What is no counter, as a sample.
fn passed_on<Counters>(seen: &Seen<Counters>) -> Sample {
    match seen {
        Seen::Scalar { value, window_ms } => {
            Sample::Scalar { value: *value, window_ms: *window_ms }
        }
        Seen::NoData(why) => Sample::NoData { why: why.clone() },
        Seen::Error(why) => Sample::Error { why: why.clone() },
        Seen::Counters(_) | Seen::NotAsked => Sample::NotAsked,
    }
}

/// Refuses what cannot be counted.
fn check<'a>(series: impl Iterator<Item = &'a Series>, most: usize, what: &str) -> Result<(), Gap> {
    let mut n_series = 0;
    for one in series {
        n_series += 1;
        let is_count = |value: f64| (0.0..=LARGEST_COUNT).contains(&value);
        if let Some(point) = one.samples.iter().find(|point| !is_count(point.value)) {
            return Err(format!(
                "a counter of {what} stands at {}, which no count is",
                point.value
            ));
        }
    }
    if most < n_series {
        return Err(format!("the selector of {what} matches {n_series} series; {most} may match"));
    }
    Ok(())
}

fn newest<'a>(series: impl Iterator<Item = &'a Series>) -> Option<i64> {
    series.filter_map(|one| one.samples.last()).map(|point| point.at_ms).max()
}

/// What is missing, if something is.
fn gap(newest: Option<i64>, now: Now, without: &str) -> Option<Gap> {
    let Some(newest) = newest else { return Some(without.to_owned()) };
    let age_ms = now.at_ms.saturating_sub(newest);
    (now.patience_ms < age_ms)
        .then(|| format!("the target's newest sample is {} s old", age_ms / 1_000))
}

/// A series without its samples after a moment.
fn until(series: &Series, newest: Option<i64>) -> Series {
    let mut cut = series.clone();
    cut.samples.retain(|point| newest.is_some_and(|newest| point.at_ms <= newest));
    cut
}

/// A count, which counters keep as a floating-point number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counters are checked to be neither negative nor above 2^53"
)]
fn whole(count: f64) -> u64 {
    count.round() as u64
}

#[expect(clippy::cast_precision_loss, reason = "a share for people")]
fn rate(errors: &Sample) -> Option<f64> {
    match *errors {
        Sample::Counts { total, bad, .. } => (0 < total).then(|| bad as f64 / total as f64),
        Sample::Scalar { value, .. } => Some(value),
        _ => None,
    }
}
