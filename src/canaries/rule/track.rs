//! The evidence of one metric: what of it could be seen, and what that shows.

use crate::adapters::metrics::Sample;
use crate::canaries::rule::counts::{Counts, Tally};
use crate::canaries::rule::limit::{Limit, real};
use crate::canaries::rule::quality::{Quality, Seen};
use crate::canaries::rule::relative::Relative;
use crate::canaries::rule::rules::{DEAD_AFTER, Rules};
use crate::canaries::rule::scalars::{Point, Scalars};
use crate::canaries::rule::verdict::{DoubtCode, Metric};

/// One metric of a canary.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Track {
    pub(super) metric: Metric,
    pub(super) limit: Limit,
    /// What a scalar is held against: a share, or milliseconds.
    pub(super) target: f64,
    pub(super) quality: Quality,
    pub(super) data: Data,
    pub(super) relative: Option<Box<Relative>>,
}

/// What a metric's samples are; the first one with a number says it, and the others must agree.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    None,
    Counts(Counts),
    Scalars(Scalars),
}

/// A sample after it was looked at closely.
enum Reading {
    Tally(Tally),
    Point(Point),
    Nothing,
    /// It failed, or contradicts itself.
    Unusable,
}

fn read(sample: &Sample) -> Reading {
    match *sample {
        Sample::Counts { total, bad, possibly_bad } => {
            Tally::new(total, bad, possibly_bad).map_or(Reading::Unusable, Reading::Tally)
        }
        Sample::Scalar { value, window_ms } if value.is_finite() && 0.0 <= value => {
            Reading::Point(Point { value, window_ms })
        }
        Sample::NoData { .. } => Reading::Nothing,
        Sample::Scalar { .. } | Sample::Error { .. } | Sample::NotAsked => Reading::Unusable,
    }
}

/// What one poll says about one metric.
pub(super) struct Look<'a> {
    pub(super) at_ms: u64,
    pub(super) sample: &'a Sample,
    pub(super) warned: bool,
    /// The same of the gate that the canary comes from, unless it came with a warning.
    pub(super) baseline: Option<&'a Sample>,
}

impl Track {
    pub(super) fn new(metric: Metric, limit: Limit, target: f64, rules: &Rules) -> Self {
        Self {
            metric,
            limit,
            target,
            quality: Quality::default(),
            data: Data::None,
            relative: rules.ratio.map(|_| Box::default()),
        }
    }

    pub(super) fn observe(&mut self, look: &Look<'_>, rules: &Rules) {
        let reading = read(look.sample);
        if matches!(self.data, Data::None) {
            self.data = match reading {
                Reading::Tally(_) => Data::Counts(Counts::default()),
                Reading::Point(_) => Data::Scalars(Scalars::default()),
                Reading::Nothing | Reading::Unusable => Data::None,
            };
        }
        let Look { at_ms, warned, .. } = *look;
        let seen = match (reading, &mut self.data) {
            (Reading::Tally(tally), Data::Counts(counts)) => {
                counts.add(tally, warned, at_ms, self.limit, rules.burstiness);
                if let (Some(relative), Some(ratio)) = (&mut self.relative, rules.ratio) {
                    let baseline = look.baseline.and_then(|sample| match read(sample) {
                        Reading::Tally(baseline) => Some(baseline),
                        _ => None,
                    });
                    relative.add(tally, baseline, ratio);
                }
                Seen::Data { warned }
            }
            (Reading::Point(point), Data::Scalars(scalars)) => {
                scalars.add(point, warned, at_ms, self.target, rules);
                Seen::Data { warned }
            }
            (Reading::Nothing, _) => Seen::Nothing,
            _ => Seen::Error,
        };
        self.quality.note(seen, at_ms);
    }

    /// Whether the target is broken for sure, and the baseline is no excuse.
    pub(super) fn breaches(&self, rules: &Rules) -> bool {
        match &self.data {
            Data::None => false,
            Data::Counts(counts) => {
                counts.breaches(self.limit, rules)
                    && self.relative.as_ref().is_none_or(|relative| relative.holds_against(rules))
            }
            Data::Scalars(scalars) => scalars.breaches(rules),
        }
    }

    pub(super) fn is_dead(&self) -> bool {
        DEAD_AFTER <= self.quality.missing_in_a_row
    }

    /// The share of polls that speak for a promotion, of those that there were or should have been
    /// since `from_ms`.
    pub(super) fn coverage(&self, from_ms: u64, now_ms: u64, rules: &Rules) -> f64 {
        match &self.data {
            Data::Scalars(scalars) => scalars.coverage(now_ms, rules),
            Data::None | Data::Counts(_) => {
                self.quality.coverage(rules.polls_in(now_ms.saturating_sub(from_ms)))
            }
        }
    }

    /// What speaks against a promotion at this moment; nothing does when it is empty.
    pub(super) fn doubts(&self, from_ms: u64, now_ms: u64, rules: &Rules) -> Vec<DoubtCode> {
        let counts = match &self.data {
            Data::None => return vec![DoubtCode::NoData],
            Data::Scalars(scalars) => return scalars.doubts(now_ms, rules),
            Data::Counts(counts) => counts,
        };
        let mut doubts = Vec::new();
        if counts.breaches(self.limit, rules) && !self.breaches(rules) {
            doubts.push(DoubtCode::SharedWithBaseline);
        }
        doubts.extend(counts.doubts(self.limit, rules));
        if self.coverage(from_ms, now_ms, rules) < rules.coverage {
            doubts.push(DoubtCode::Coverage);
        }
        let data = self.quality.last_data_ms;
        let is_seen = data.is_some_and(|last| rules.is_fresh(last, now_ms));
        if !is_seen || !counts.is_fresh(now_ms, rules) {
            doubts.push(DoubtCode::Stale);
        }
        doubts
    }

    /// Requests per second so far.
    pub(super) fn rate(&self, from_ms: u64, now_ms: u64) -> Option<f64> {
        let Data::Counts(counts) = &self.data else { return None };
        let seconds = real(now_ms.saturating_sub(from_ms)) / 1_000.0;
        (0.0 < seconds).then(|| real(counts.requests) / seconds)
    }
}
