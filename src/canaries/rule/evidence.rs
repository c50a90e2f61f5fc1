//! All that a canary has shown so far, in a few hundred bytes, and what follows from it.

use std::time::Duration;

use crate::adapters::metrics::Measurement;
use crate::canaries::policy::Policy;
use crate::canaries::rule::rules::{Rules, milliseconds};
use crate::canaries::rule::track::{Look, Track};
use crate::canaries::rule::verdict::{Doubt, Metric, RollBackReason, Verdict};

/// One look at a canary's metrics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Poll<'a> {
    /// When it was taken, after the start of the canary. The rule takes whole milliseconds.
    pub elapsed: Duration,
    /// What was measured since the look before.
    pub canary: &'a Measurement,
    /// The same of the gate that the canary comes from; used in mode `both` alone.
    pub baseline: Option<&'a Measurement>,
}

/// When a verdict is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// How long after the start. The rule takes whole milliseconds.
    pub elapsed: Duration,
    /// Whether the window, with its extension, is over: a promotion is possible only then.
    pub window_over: bool,
}

/// The evidence of one canary. The same polls give the same evidence, to the last bit.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    pub(super) rules: Rules,
    pub(super) errors: Option<Track>,
    pub(super) latency: Option<Track>,
    /// When the poll before was, and with that since when the next one counts.
    last_poll_ms: u64,
    /// Since when polls count.
    pub(super) from_ms: Option<u64>,
    /// All polls, those of the warm-up too.
    pub(super) polls: u32,
    /// Why and when it was decided that the canary is taken back; that stays.
    pub(super) fallen: Option<(RollBackReason, u64)>,
}

impl Evidence {
    /// No evidence yet.
    pub fn new(policy: &Policy) -> Self {
        let rules = Rules::of(policy);
        let targets = policy.targets();
        let track = |metric, limit: Option<_>, target: Option<f64>| {
            Some(Track::new(metric, limit?, target?, &rules))
        };
        Self {
            errors: track(Metric::ErrorRate, policy.error_limit(), targets.max_error_rate),
            latency: track(Metric::LatencyP95, policy.latency_limit(), targets.latency_p95_ms),
            rules,
            last_poll_ms: 0,
            from_ms: None,
            polls: 0,
            fallen: None,
        }
    }

    /// Takes one poll in. Polls come in the order of their times; what was measured before the
    /// warm-up was over proves nothing.
    pub fn observe(&mut self, poll: &Poll<'_>) {
        let at_ms = milliseconds(poll.elapsed);
        let since_ms = std::mem::replace(&mut self.last_poll_ms, at_ms);
        self.polls = self.polls.saturating_add(1);
        if since_ms < self.rules.warmup_ms {
            return;
        }
        self.from_ms.get_or_insert(since_ms);
        let warned = !poll.canary.warnings.is_empty();
        let baseline = poll.baseline.filter(|baseline| baseline.warnings.is_empty());
        if let Some(track) = &mut self.errors {
            let baseline = baseline.map(|baseline| &baseline.errors);
            let look = Look { at_ms, sample: &poll.canary.errors, warned, baseline };
            track.observe(&look, &self.rules);
        }
        if let Some(track) = &mut self.latency {
            let baseline = baseline.map(|baseline| &baseline.latency);
            let look = Look { at_ms, sample: &poll.canary.latency, warned, baseline };
            track.observe(&look, &self.rules);
        }
        if self.fallen.is_none() {
            self.fallen = self.falls().map(|reason| (reason, at_ms));
        }
    }

    fn falls(&self) -> Option<RollBackReason> {
        let breach = self.tracks().find(|track| track.breaches(&self.rules));
        let breach = breach.map(|track| RollBackReason::breach_of(track.metric));
        let is_dead = self.rules.dead_rolls_back && self.tracks().any(Track::is_dead);
        breach.or(is_dead.then_some(RollBackReason::NoData))
    }

    /// What is to be done now. A roll-back is said at any time and stays; the other side is looked at
    /// only when the window is over.
    pub fn verdict(&self, at: Moment) -> Verdict {
        if let Some((reason, _)) = self.fallen {
            return Verdict::RollBack { reason };
        }
        if !at.window_over {
            return Verdict::Continue;
        }
        let now_ms = milliseconds(at.elapsed);
        let reasons: Vec<_> = self.tracks().flat_map(|track| self.doubts(track, now_ms)).collect();
        if reasons.is_empty() { Verdict::Promote } else { Verdict::Inconclusive { reasons } }
    }

    fn doubts(&self, track: &Track, now_ms: u64) -> Vec<Doubt> {
        let codes = track.doubts(self.counted_from_ms(), now_ms, &self.rules);
        codes.into_iter().map(|code| Doubt { metric: track.metric, code }).collect()
    }

    /// The metrics that are asked for; there is at least one.
    pub(super) fn tracks(&self) -> impl Iterator<Item = &Track> {
        self.errors.iter().chain(&self.latency)
    }

    pub(super) fn counted_from_ms(&self) -> u64 {
        self.from_ms.unwrap_or(self.rules.warmup_ms)
    }
}
