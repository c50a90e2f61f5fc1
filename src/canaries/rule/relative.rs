//! Whether a canary is worse than the gate it comes from.
//!
//! Of m bad requests in both, those of a canary that is at most r times as bad are Binomial(m, q)
//! with q = r·n / (r·n + b) at most, given the n and b requests of both; bets on their share
//! against q hold for every course that the trouble takes, as long as both go through it.

use crate::canaries::rule::betting::Bets;
use crate::canaries::rule::counts::Tally;
use crate::canaries::rule::limit::real;
use crate::canaries::rule::rules::Rules;

/// What canary and baseline showed together.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Relative {
    bets: Bets,
    /// Polls in which the canary had requests.
    pub(super) polls: u32,
    /// Those in which the baseline had some too.
    pub(super) usable: u32,
    pub(super) requests: u64,
    pub(super) bad: u64,
}

impl Relative {
    pub(super) fn add(&mut self, canary: Tally, baseline: Option<Tally>, ratio: f64) {
        if canary.total == 0 {
            return;
        }
        self.polls = self.polls.saturating_add(1);
        let Some(baseline) = baseline.filter(|baseline| 0 < baseline.total) else { return };
        self.usable = self.usable.saturating_add(1);
        self.requests = self.requests.saturating_add(baseline.total);
        // A request of the baseline that may have been bad excuses one of the canary that was.
        self.bad = self.bad.saturating_add(baseline.possibly_bad);
        let both = real(canary.bad) + real(baseline.possibly_bad);
        if 0.0 < both {
            let weighed = ratio * real(canary.total);
            self.bets.settle(real(canary.bad) / both, weighed / (weighed + real(baseline.total)));
        }
    }

    /// Whether there is enough of a baseline to compare with; if not, the targets alone decide.
    pub(super) fn is_usable(&self) -> bool {
        self.polls <= self.usable.saturating_mul(2) && 0 < self.usable
    }

    pub(super) fn log_evidence(&self) -> f64 {
        self.bets.log_wealth()
    }

    /// Whether the canary is worse than the ratio allows, or cannot be compared.
    pub(super) fn holds_against(&self, rules: &Rules) -> bool {
        !self.is_usable() || rules.breach_at <= self.log_evidence()
    }
}
