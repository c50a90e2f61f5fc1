//! The evidence of scalar queries: a number per poll, without the requests behind it.

use crate::canaries::rule::quality::share;
use crate::canaries::rule::rules::Rules;
use crate::canaries::rule::verdict::DoubtCode;

/// One number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) value: f64,
    pub(super) window_ms: u64,
}

/// All that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Scalars {
    /// How far back the queries look at most.
    pub(super) window_ms: u64,
    pub(super) samples: u32,
    /// Samples above the target.
    pub(super) bad: u32,
    /// Samples whose query looks back no further than the warm-up's end.
    pub(super) qualifying: u32,
    pub(super) qualifying_bad: u32,
    /// Those that qualify, meet the target and came without a warning.
    pub(super) proving: u32,
    pub(super) bad_in_a_row: u32,
    pub(super) far_in_a_row: u32,
    pub(super) last: f64,
    pub(super) worst: f64,
    pub(super) last_proving_ms: Option<u64>,
}

impl Scalars {
    pub(super) fn add(
        &mut self,
        point: Point,
        warned: bool,
        at_ms: u64,
        target: f64,
        rules: &Rules,
    ) {
        self.window_ms = self.window_ms.max(point.window_ms);
        self.worst = if self.samples == 0 { point.value } else { self.worst.max(point.value) };
        self.last = point.value;
        self.samples = self.samples.saturating_add(1);
        let qualifies = rules.warmup_ms.saturating_add(point.window_ms) <= at_ms;
        self.qualifying = self.qualifying.saturating_add(u32::from(qualifies));
        if target < point.value {
            self.bad = self.bad.saturating_add(1);
            self.qualifying_bad = self.qualifying_bad.saturating_add(u32::from(qualifies));
            self.bad_in_a_row = self.bad_in_a_row.saturating_add(1);
            let far = 2.0 * target <= point.value;
            self.far_in_a_row = if far { self.far_in_a_row.saturating_add(1) } else { 0 };
        } else {
            (self.bad_in_a_row, self.far_in_a_row) = (0, 0);
            if qualifies && !warned {
                self.proving = self.proving.saturating_add(1);
                self.last_proving_ms = Some(at_ms);
            }
        }
    }

    pub(super) fn breaches(&self, rules: &Rules) -> bool {
        rules.bad_in_a_row <= self.bad_in_a_row || rules.far_in_a_row <= self.far_in_a_row
    }

    /// The share of polls that speak for a promotion, of all in the time in which one could.
    pub(super) fn coverage(&self, now_ms: u64, rules: &Rules) -> f64 {
        let begins_ms = rules.warmup_ms.saturating_add(self.window_ms);
        let expected = rules.polls_in(now_ms.saturating_sub(begins_ms));
        share(self.proving.into(), expected.max(self.qualifying.into()))
    }

    /// What speaks against a promotion.
    pub(super) fn doubts(&self, now_ms: u64, rules: &Rules) -> Vec<DoubtCode> {
        if self.qualifying == 0 {
            return vec![DoubtCode::NoData];
        }
        if 0 < self.qualifying_bad {
            return vec![DoubtCode::AboveTarget];
        }
        let mut doubts = Vec::new();
        if self.coverage(now_ms, rules) < rules.coverage {
            doubts.push(DoubtCode::Coverage);
        }
        if !self.last_proving_ms.is_some_and(|last| rules.is_fresh(last, now_ms)) {
            doubts.push(DoubtCode::Stale);
        }
        doubts
    }
}
