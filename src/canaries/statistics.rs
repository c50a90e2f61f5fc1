//! What canaries did since the daemon started, for the figures that are scraped.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::canaries::decision::Verdict;
use crate::canaries::sample::StoredSample;

/// Counters; each only grows.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    looks_ok: AtomicU64,
    looks_degraded: AtomicU64,
    looks_missing: AtomicU64,
    look_microseconds: AtomicU64,
    promotions: AtomicU64,
    rollbacks: AtomicU64,
    questions: AtomicU64,
    decision_milliseconds: AtomicU64,
    /// By decision and reason; the program has a few dozen of them.
    reasons: Mutex<BTreeMap<(&'static str, String), u64>>,
}

/// How often a decision was made for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionReason {
    /// `promoted`, `rolled_back` or `asked`.
    pub decision: &'static str,
    /// Why, in one word.
    pub reason: String,
    /// How often.
    pub times: u64,
}

/// What canaries did since the daemon started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CanaryFigures {
    /// Looks that saw everything that was asked for.
    pub looks_ok: u64,
    /// Looks that came with a warning.
    pub looks_degraded: u64,
    /// Looks to which something was missing.
    pub looks_missing: u64,
    /// Time spent asking for metrics, in microseconds.
    pub look_microseconds: u64,
    /// Decisions to promote.
    pub promotions: u64,
    /// Decisions to roll back.
    pub rollbacks: u64,
    /// Decisions to have somebody decide.
    pub questions: u64,
    /// Time from the start of the window to the decision, all together, in milliseconds.
    pub decision_milliseconds: u64,
    /// The decisions by their reasons; those that were never made are not among them.
    pub reasons: Vec<DecisionReason>,
}

fn add(counter: &AtomicU64, n: u128) {
    counter.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
}

impl Statistics {
    pub(super) fn looked(&self, sample: &StoredSample, took: Duration) {
        let counter = match sample.data_quality() {
            "ok" => &self.looks_ok,
            "degraded" => &self.looks_degraded,
            _ => &self.looks_missing,
        };
        add(counter, 1);
        add(&self.look_microseconds, took.as_micros());
    }

    pub(super) fn decided(&self, verdict: Verdict, reason: String, elapsed: Duration) {
        let (counter, decision) = match verdict {
            Verdict::Promote => (&self.promotions, "promoted"),
            Verdict::RollBack => (&self.rollbacks, "rolled_back"),
            Verdict::Ask => (&self.questions, "asked"),
        };
        add(counter, 1);
        add(&self.decision_milliseconds, elapsed.as_millis());
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        *reasons.entry((decision, reason)).or_default() += 1;
    }

    pub(super) fn now(&self) -> CanaryFigures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = |((decision, reason), times): (&(&'static str, String), &u64)| {
            DecisionReason { decision, reason: reason.clone(), times: *times }
        };
        CanaryFigures {
            looks_ok: read(&self.looks_ok),
            looks_degraded: read(&self.looks_degraded),
            looks_missing: read(&self.looks_missing),
            look_microseconds: read(&self.look_microseconds),
            promotions: read(&self.promotions),
            rollbacks: read(&self.rollbacks),
            questions: read(&self.questions),
            decision_milliseconds: read(&self.decision_milliseconds),
            reasons: reasons.iter().map(reason).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_counted_by_their_reasons() {
        let statistics = Statistics::default();
        for (verdict, reason) in [
            (Verdict::RollBack, "no_data"),
            (Verdict::RollBack, "no_data"),
            (Verdict::RollBack, "gap"),
            (Verdict::Promote, "conforms"),
        ] {
            statistics.decided(verdict, reason.to_owned(), Duration::from_secs(3));
        }
        let now = statistics.now();
        let counted = |decision, reason: &str, times| DecisionReason {
            decision,
            reason: reason.to_owned(),
            times,
        };
        assert_eq!(
            now.reasons,
            [
                counted("promoted", "conforms", 1),
                counted("rolled_back", "gap", 1),
                counted("rolled_back", "no_data", 2),
            ]
        );
        assert_eq!((now.promotions, now.rollbacks, now.questions), (1, 3, 0));
        assert_eq!(now.decision_milliseconds, 12_000);
    }
}
