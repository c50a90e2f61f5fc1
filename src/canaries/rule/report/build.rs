//! Putting a report together.

use crate::canaries::rule::counts::Counts;
use crate::canaries::rule::evidence::{Evidence, Moment};
use crate::canaries::rule::limit::{Kind, Limit, real};
use crate::canaries::rule::mixture::{Weighed, confidence_sequence};
use crate::canaries::rule::prospect::Prospect;
use crate::canaries::rule::quality::{DataQuality, share};
use crate::canaries::rule::relative::Relative;
use crate::canaries::rule::report::{
    BaselineReport, Conformance, CountsReport, Interval, IntervalMethod, MetricReport, MetricState,
    Report, SampleKind, ScalarsReport, Strength,
};
use crate::canaries::rule::rules::{Rules, milliseconds};
use crate::canaries::rule::scalars::Scalars;
use crate::canaries::rule::track::{Data, Track};
use crate::canaries::rule::verdict::Metric;

/// One in so many intervals at most misses the share.
const INTERVAL_ALPHA: f64 = 0.01;

fn seconds(milliseconds: u64) -> f64 {
    real(milliseconds) / 1_000.0
}

impl Evidence {
    /// Every number that the verdict at this moment rests on.
    pub fn report(&self, at: Moment) -> Report {
        let now_ms = milliseconds(at.elapsed);
        Report {
            elapsed_seconds: seconds(now_ms),
            window_seconds: seconds(self.rules.window_ms),
            window_over: at.window_over,
            polls: self.polls,
            verdict: self.verdict(at),
            fallen_at_seconds: self.fallen.map(|(_, at_ms)| seconds(at_ms)),
            strength: self.strength(),
            alpha: self.rules.alpha,
            beta: self.rules.beta,
            tolerance: self.rules.tolerance,
            burstiness: self.rules.burstiness,
            coverage_needed: self.rules.coverage,
            metrics: self.tracks().map(|track| self.metric(track, now_ms)).collect(),
        }
    }

    /// The logarithms of the evidence of each metric whose requests are counted: that its target is
    /// broken, and that it is met.
    pub fn logarithms(&self) -> impl Iterator<Item = (Metric, Option<f64>, Option<f64>)> {
        self.tracks().filter_map(|track| match &track.data {
            Data::Counts(counts) => Some((
                track.metric,
                counts.log_evidence(track.limit),
                counts.log_conformance(track.limit),
            )),
            Data::None | Data::Scalars(_) => None,
        })
    }

    fn strength(&self) -> Strength {
        if self.tracks().any(|track| matches!(track.data, Data::Scalars(_))) {
            Strength::Weak
        } else if self.tracks().any(|track| matches!(track.data, Data::Counts(_))) {
            Strength::Strong
        } else {
            Strength::None
        }
    }

    fn metric(&self, track: &Track, now_ms: u64) -> MetricReport {
        let (rules, from_ms) = (&self.rules, self.counted_from_ms());
        let doubts = track.doubts(from_ms, now_ms, rules);
        let state = if track.breaches(rules) {
            MetricState::Breach
        } else if track.is_dead() {
            MetricState::Dead
        } else if doubts.is_empty() {
            MetricState::Conforms
        } else {
            MetricState::Open
        };
        let (mut counts, mut scalars, mut baseline) = (None, None, None);
        let kind = match &track.data {
            Data::None => SampleKind::None,
            Data::Counts(seen) => {
                let rate = track.rate(from_ms, now_ms);
                counts = Some(counted(seen, track.limit, rules, rate));
                baseline = track.relative.as_ref().map(|relative| compared(relative, rules));
                SampleKind::Counts
            }
            Data::Scalars(seen) => {
                scalars = Some(queried(seen, rules));
                SampleKind::Scalars
            }
        };
        MetricReport {
            metric: track.metric,
            kind,
            target: track.target,
            state,
            doubts,
            counts,
            scalars,
            baseline,
            quality: self.quality(track, now_ms),
        }
    }

    fn quality(&self, track: &Track, now_ms: u64) -> DataQuality {
        let quality = &track.quality;
        DataQuality {
            polls: quality.polls,
            with_data: quality.with_data,
            no_data: quality.no_data,
            errors: quality.errors,
            warnings: quality.warned,
            consecutive_missing: quality.missing_in_a_row,
            coverage: track.coverage(self.counted_from_ms(), now_ms, &self.rules),
            last_data_seconds: quality.last_data_ms.map(seconds),
        }
    }
}

fn counted(counts: &Counts, limit: Limit, rules: &Rules, rate: Option<f64>) -> CountsReport {
    let log_e = counts.log_evidence(limit);
    let prospect = Prospect::of(counts, limit, rules);
    let requests_needed = prospect.requests_needed();
    let rate = rate.filter(|rate| 0.0 < *rate);
    CountsReport {
        requests: counts.requests,
        bad: counts.bad,
        possibly_bad: counts.possibly_bad,
        estimate: (0 < counts.requests).then(|| share(counts.possibly_bad, counts.requests)),
        interval: interval(counts, limit),
        allowed: limit.allowed(),
        weighed_requests: counts.against.requests,
        weighed_bad: counts.against.bad,
        log_k: log_e.map(|_| counts.bets.log_wealth()),
        log_m: log_e.map(|_| counts.log_mixture),
        log_e,
        breach_at: rules.breach_at,
        conformance: Conformance {
            requests: counts.clean_requests,
            possibly_bad: counts.clean_possibly_bad,
            weighed_requests: counts.in_favour.requests,
            weighed_possibly_bad: counts.in_favour.bad,
            refuted: limit.refuted(),
            log_e: counts.log_conformance(limit),
            proof_at: rules.proof_at,
            min_requests: rules.min_requests,
            requests_needed,
            seconds_needed: requests_needed.zip(rate).map(|(more, rate)| real(more) / rate),
        },
        last_request_seconds: counts.last_request_ms.map(seconds),
    }
}

fn interval(counts: &Counts, limit: Limit) -> Interval {
    let around = match limit.kind() {
        Kind::Zero => limit.refuted(),
        Kind::Share => limit.allowed(),
        Kind::Everything => 0.5,
    };
    let sequence = |seen: Weighed| confidence_sequence(seen, around, INTERVAL_ALPHA);
    Interval {
        low: sequence(counts.against).0,
        high: sequence(counts.in_favour).1,
        level: 1.0 - INTERVAL_ALPHA,
        method: IntervalMethod::AnytimeValid,
    }
}

fn queried(scalars: &Scalars, rules: &Rules) -> ScalarsReport {
    ScalarsReport {
        samples: scalars.samples,
        bad: scalars.bad,
        qualifying: scalars.qualifying,
        qualifying_bad: scalars.qualifying_bad,
        proving: scalars.proving,
        consecutive_bad: scalars.bad_in_a_row,
        breach_at: rules.bad_in_a_row,
        consecutive_far: scalars.far_in_a_row,
        far_breach_at: rules.far_in_a_row,
        last: scalars.last,
        worst: scalars.worst,
        window_seconds: seconds(scalars.window_ms),
    }
}

fn compared(relative: &Relative, rules: &Rules) -> BaselineReport {
    BaselineReport {
        requests: relative.requests,
        possibly_bad: relative.bad,
        ratio: rules.ratio.unwrap_or(1.0),
        log_e: relative.log_evidence(),
        breach_at: rules.breach_at,
        polls: relative.polls,
        usable: relative.usable,
        is_used: relative.is_usable(),
    }
}
