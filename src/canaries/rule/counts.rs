//! The evidence of counted requests.

use crate::canaries::rule::betting::Bets;
use crate::canaries::rule::limit::{Burst, Kind, Limit, real};
use crate::canaries::rule::mixture::{Weighed, ln_breach, ln_conformance};
use crate::canaries::rule::numerics::{ln_mean_exp, ln_one_plus};
use crate::canaries::rule::quality::share;
use crate::canaries::rule::rules::Rules;
use crate::canaries::rule::verdict::DoubtCode;

/// What one poll counted. Neither count of bad requests is above the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) total: u64,
    pub(super) bad: u64,
    pub(super) possibly_bad: u64,
}

impl Tally {
    /// The counts, unless they contradict one another.
    pub(super) fn new(total: u64, bad: u64, possibly_bad: u64) -> Option<Self> {
        (bad <= possibly_bad && possibly_bad <= total).then_some(Self { total, bad, possibly_bad })
    }
}

/// All that was counted.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Counts {
    pub(super) requests: u64,
    pub(super) bad: u64,
    pub(super) possibly_bad: u64,
    /// Of polls without warnings alone: what may speak for a promotion.
    pub(super) clean_requests: u64,
    pub(super) clean_possibly_bad: u64,
    /// Those that certainly were bad, weighed for the breach test.
    pub(super) against: Weighed,
    /// Those of clean polls that may have been bad, weighed for the conformance test.
    pub(super) in_favour: Weighed,
    pub(super) bets: Bets,
    pub(super) log_mixture: f64,
    /// When a request was seen last.
    pub(super) last_request_ms: Option<u64>,
}

impl Counts {
    pub(super) fn add(&mut self, tally: Tally, warned: bool, at_ms: u64, limit: Limit, burst: f64) {
        if tally.total == 0 {
            return;
        }
        self.last_request_ms = Some(at_ms);
        self.requests = self.requests.saturating_add(tally.total);
        self.bad = self.bad.saturating_add(tally.bad);
        self.possibly_bad = self.possibly_bad.saturating_add(tally.possibly_bad);
        let (total, bad) = (real(tally.total), real(tally.bad));
        if limit.kind() == Kind::Share {
            self.against.add(total, bad, Burst::new(burst, limit.allowed()).weight(total));
            self.bets.settle(bad / total, limit.allowed());
            self.log_mixture = ln_breach(self.against, limit.allowed());
        } else {
            self.against.add(total, bad, 1.0);
        }
        if !warned {
            self.clean_requests = self.clean_requests.saturating_add(tally.total);
            self.clean_possibly_bad = self.clean_possibly_bad.saturating_add(tally.possibly_bad);
            let weight = match limit.kind() {
                Kind::Share => Burst::new(burst, limit.refuted()).weight(total),
                Kind::Zero | Kind::Everything => 1.0,
            };
            self.in_favour.add(total, real(tally.possibly_bad), weight);
        }
    }

    /// The logarithm of the evidence that the target is broken; none where no evidence is weighed,
    /// because nothing or everything is allowed.
    pub(super) fn log_evidence(&self, limit: Limit) -> Option<f64> {
        (limit.kind() == Kind::Share).then(|| ln_mean_exp(self.bets.log_wealth(), self.log_mixture))
    }

    /// Whether the target is broken for sure.
    pub(super) fn breaches(&self, limit: Limit, rules: &Rules) -> bool {
        match self.log_evidence(limit) {
            Some(evidence) => rules.breach_at <= evidence,
            None => limit.kind() == Kind::Zero && 0 < self.bad,
        }
    }

    /// The logarithm of the evidence that the share of bad requests is below what is refuted.
    pub(super) fn log_conformance(&self, limit: Limit) -> Option<f64> {
        log_conformance(self.in_favour, limit)
    }

    /// What speaks against a promotion, data quality aside.
    pub(super) fn doubts(&self, limit: Limit, rules: &Rules) -> Vec<DoubtCode> {
        let mut doubts = Vec::new();
        if self.clean_requests < rules.min_requests {
            doubts.push(DoubtCode::TooFewRequests);
        }
        let clean = share(self.clean_possibly_bad, self.clean_requests);
        if limit.allowed() < clean.max(share(self.possibly_bad, self.requests)) {
            doubts.push(DoubtCode::AboveTarget);
        } else if doubts.is_empty()
            && self.log_conformance(limit).is_some_and(|proof| proof < rules.proof_at)
        {
            doubts.push(DoubtCode::NotProven);
        }
        doubts
    }

    /// Whether requests kept coming: a gap at the end of what was watched is at most as long as the
    /// gaps that coverage allows.
    pub(super) fn is_fresh(&self, now_ms: u64, rules: &Rules) -> bool {
        let Some(last) = self.last_request_ms else { return false };
        let watched = real(now_ms.saturating_sub(rules.warmup_ms));
        let silence = real(now_ms.saturating_sub(last));
        rules.is_fresh(last, now_ms) || silence <= (1.0 - rules.coverage) * watched
    }
}

/// The logarithm of the evidence that the share of bad requests is below what is refuted; none where
/// everything is allowed.
pub(super) fn log_conformance(seen: Weighed, limit: Limit) -> Option<f64> {
    match limit.kind() {
        Kind::Share => Some(ln_conformance(seen, limit.allowed(), limit.refuted())),
        Kind::Zero => Some(-seen.requests * ln_one_plus(-limit.refuted())),
        Kind::Everything => None,
    }
}
