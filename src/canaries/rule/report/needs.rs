//! How many requests a promotion still needs.

use crate::canaries::rule::counts::{Counts, log_conformance};
use crate::canaries::rule::limit::{Limit, real};
use crate::canaries::rule::mixture::Weighed;
use crate::canaries::rule::quality::share;
use crate::canaries::rule::rules::Rules;

/// No number above this is worth telling.
const MOST: u64 = 1_000_000_000_000;

/// Requests that go on as those before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::canaries::rule) struct Prospect {
    pub(in crate::canaries::rule) limit: Limit,
    /// The share of bad ones.
    pub(in crate::canaries::rule) share: f64,
    /// What each of them counts.
    pub(in crate::canaries::rule) weight: f64,
    /// What the evidence must reach.
    pub(in crate::canaries::rule) proof_at: f64,
    /// How many there are already.
    pub(in crate::canaries::rule) seen: u64,
    /// How many there must be in any case.
    pub(in crate::canaries::rule) least: u64,
}

impl Prospect {
    /// Goes on from what was seen.
    pub(super) fn of(counts: &Counts, limit: Limit, rules: &Rules) -> Self {
        let clean = counts.clean_requests;
        Self {
            limit,
            share: share(counts.clean_possibly_bad, clean),
            weight: if clean == 0 { 1.0 } else { counts.in_favour.requests / real(clean) },
            proof_at: rules.proof_at,
            seen: clean.min(MOST),
            least: rules.min_requests,
        }
    }

    fn is_enough(&self, requests: u64) -> bool {
        let weighed = real(requests) * self.weight;
        let seen = Weighed { requests: weighed, bad: weighed * self.share };
        self.least <= requests
            && log_conformance(seen, self.limit).is_none_or(|proof| self.proof_at <= proof)
    }

    /// How many more requests prove that the target is met; none if no number does.
    pub(in crate::canaries::rule) fn requests_needed(&self) -> Option<u64> {
        if self.limit.allowed() < self.share {
            return None;
        }
        let mut enough = self.seen.max(self.least).max(1);
        let mut short = self.seen;
        while !self.is_enough(enough) {
            short = enough;
            enough = enough.checked_mul(2).filter(|enough| *enough <= MOST)?;
        }
        while short + 1 < enough {
            let middle = short + (enough - short) / 2;
            if self.is_enough(middle) {
                enough = middle;
            } else {
                short = middle;
            }
        }
        Some(if self.is_enough(self.seen) { 0 } else { enough - self.seen })
    }
}
