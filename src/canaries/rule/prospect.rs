//! How many requests a promotion needs, and how many bad ones it bears.

use crate::canaries::rule::counts::{Counts, log_conformance};
use crate::canaries::rule::limit::{Limit, real};
use crate::canaries::rule::mixture::Weighed;
use crate::canaries::rule::quality::share;
use crate::canaries::rule::rules::Rules;

/// No number above this is worth telling.
const MOST: u64 = 1_000_000_000_000;

/// Requests that go on as those before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Prospect {
    pub(super) limit: Limit,
    /// The share of bad ones.
    pub(super) share: f64,
    /// What each of them counts.
    pub(super) weight: f64,
    /// What the evidence must reach.
    pub(super) proof_at: f64,
    /// How many there are already.
    pub(super) seen: u64,
    /// How many there must be in any case.
    pub(super) least: u64,
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

    /// How many bad ones so many requests bear and still prove that the target is met; none if they
    /// are too few even without one.
    pub(super) fn most_bad(&self) -> Option<u64> {
        let bears = |bad: u64| {
            let of_all = share(bad, self.seen);
            of_all <= self.limit.allowed() && Self { share: of_all, ..*self }.is_enough(self.seen)
        };
        if !bears(0) {
            return None;
        }
        let (mut bearable, mut too_many) = (0, self.seen.saturating_add(1));
        while bearable + 1 < too_many {
            let middle = bearable + (too_many - bearable) / 2;
            *(if bears(middle) { &mut bearable } else { &mut too_many }) = middle;
        }
        Some(bearable)
    }

    fn is_enough(&self, requests: u64) -> bool {
        let weighed = real(requests) * self.weight;
        let seen = Weighed { requests: weighed, bad: weighed * self.share };
        self.least <= requests
            && log_conformance(seen, self.limit).is_none_or(|proof| self.proof_at <= proof)
    }

    /// How many more requests prove that the target is met; none if no number does.
    pub(super) fn requests_needed(&self) -> Option<u64> {
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
