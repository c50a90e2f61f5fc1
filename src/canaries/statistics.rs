//! What canaries did since the daemon started, for the figures that are scraped.

use std::sync::atomic::{AtomicU64, Ordering};
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
}

/// What canaries did since the daemon started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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

    pub(super) fn decided(&self, verdict: Verdict, elapsed: Duration) {
        let counter = match verdict {
            Verdict::Promote => &self.promotions,
            Verdict::RollBack => &self.rollbacks,
            Verdict::Ask => &self.questions,
        };
        add(counter, 1);
        add(&self.decision_milliseconds, elapsed.as_millis());
    }

    pub(super) fn now(&self) -> CanaryFigures {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CanaryFigures {
            looks_ok: read(&self.looks_ok),
            looks_degraded: read(&self.looks_degraded),
            looks_missing: read(&self.looks_missing),
            look_microseconds: read(&self.look_microseconds),
            promotions: read(&self.promotions),
            rollbacks: read(&self.rollbacks),
            questions: read(&self.questions),
            decision_milliseconds: read(&self.decision_milliseconds),
        }
    }
}
