//! What counters stood at when they were last seen, and how far they have come since.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::adapters::metrics::looked::{Point, Series, SeriesKey};

/// The counters of one selector.
///
/// A counter that was there at the first look begins at what it stood at then. One that comes later
/// began at nothing, and so did one whose process restarted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Shelf {
    /// Whether there was a first look.
    began: bool,
    last: BTreeMap<SeriesKey, Last>,
}

/// The newest sample that is accounted for: its time and its value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Last(i64, f64);

/// When something restarted: the times of the first samples after it.
pub(super) type Restarts = BTreeSet<(SeriesKey, i64)>;

/// One step of a counter from a sample to the next.
struct Step {
    from: Last,
    to: Last,
}

impl Shelf {
    /// Whether a look has been absorbed.
    pub(super) fn has_begun(&self) -> bool {
        self.began
    }

    /// Whether every known series is gone and others are there: the target was named anew, and what
    /// its counters stand at has nothing to do with what was counted.
    pub(super) fn is_replaced<'a>(&self, mut series: impl Iterator<Item = &'a Series>) -> bool {
        let mut seen = false;
        let known = series.any(|one| {
            seen = true;
            self.last.contains_key(&one.key)
        });
        seen && !known && !self.last.is_empty()
    }

    /// The processes among these series whose counters, taken together, fell. One counter alone
    /// may look as if it went on when it soon passed what it stood at before.
    pub(super) fn restarts_of_processes(&self, series: &[&Series]) -> Restarts {
        let mut sums: BTreeMap<(SeriesKey, i64), (f64, f64)> = BTreeMap::new();
        for one in series {
            for step in self.steps(one).filter(|_| self.last.contains_key(&one.key)) {
                let sum = sums.entry((one.process, step.to.0)).or_default();
                *sum = (sum.0 + step.from.1, sum.1 + step.to.1);
            }
        }
        sums.into_iter().filter(|(_, (from, to))| to < from).map(|(what, _)| what).collect()
    }

    /// Where any of these series, which always restart together, fell.
    pub(super) fn falls(&self, series: &[(&Series, SeriesKey)]) -> Restarts {
        let falls = series.iter().flat_map(|(one, group)| {
            let steps = self.steps(one).filter(|step| step.to.1 < step.from.1);
            steps.map(|step| (*group, step.to.0))
        });
        falls.collect()
    }

    /// The steps of a series since it was last seen; none of a new one at the first look.
    fn steps<'a>(&self, series: &'a Series) -> impl Iterator<Item = Step> + use<'a> {
        let known = self.last.get(&series.key).copied();
        let began = self.began;
        let mut from = known.unwrap_or(Last(i64::MIN, 0.0));
        let new = series.samples.iter().filter(move |_| began);
        new.filter_map(move |&Point { at_ms, value }| {
            let step = Step { from, to: Last(at_ms, value) };
            // What is older was accounted for.
            (from.0 < at_ms).then(|| {
                from = step.to;
                step
            })
        })
    }

    /// How far a series has come since it was last seen. `group` restarts as a whole.
    pub(super) fn progress(&self, series: &Series, group: SeriesKey, restarts: &Restarts) -> f64 {
        let increase = |step: Step| {
            let (Last(after, from), Last(until, to)) = (step.from, step.to);
            let first = (group, after.saturating_add(1));
            let restarted = restarts.range(first..=(group, until)).next().is_some();
            if to < from || restarted { to } else { to - from }
        };
        self.steps(series).map(increase).sum()
    }

    /// Remembers the newest sample of each series, and at most `most` of those seen lately.
    pub(super) fn settle<'a>(&mut self, series: impl Iterator<Item = &'a Series>, most: usize) {
        self.began = true;
        for one in series {
            if let Some(newest) = one.samples.last() {
                let last = self.last.entry(one.key).or_insert(Last(i64::MIN, 0.0));
                if last.0 < newest.at_ms {
                    *last = Last(newest.at_ms, newest.value);
                }
            }
        }
        if most < self.last.len() {
            let mut times: Vec<i64> = self.last.values().map(|last| last.0).collect();
            times.sort_unstable_by(|a, b| b.cmp(a));
            let oldest = times[most - 1];
            self.last.retain(|_, last| oldest <= last.0);
        }
    }
}
