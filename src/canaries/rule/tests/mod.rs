//! The rule on scripted canaries.

mod counts;
mod properties;
mod quality;
mod scalars;

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::adapters::metrics::{Measurement, Sample};
use crate::canaries::policy::Policy;

pub(super) fn policy(settings: Value) -> Policy {
    serde_json::from_value(settings).unwrap()
}

/// Errors alone, at most 2 %.
pub(super) fn two_percent() -> Policy {
    policy(json!({"targets": {"max_error_rate": 0.02}}))
}

pub(super) fn counts(total: u64, bad: u64) -> Sample {
    Sample::Counts { total, bad, possibly_bad: bad }
}

pub(super) fn scalar(value: f64, window_ms: u64) -> Sample {
    Sample::Scalar { value, window_ms }
}

pub(super) fn nothing() -> Sample {
    Sample::NoData { why: "no series matches".to_owned() }
}

pub(super) fn failure() -> Sample {
    Sample::Error { why: "the source answered 500".to_owned() }
}

pub(super) fn measured(errors: Sample, latency: Sample) -> Measurement {
    Measurement { errors, latency, latency_p95_ms: None, error_rate: None, warnings: Vec::new() }
}

pub(super) fn errors(sample: Sample) -> Measurement {
    measured(sample, Sample::NotAsked)
}

pub(super) fn warned(sample: Sample) -> Measurement {
    Measurement { warnings: vec!["partial answer".to_owned()], ..errors(sample) }
}

/// A canary under a script: one entry per poll.
pub(super) struct Script {
    pub(super) evidence: Evidence,
    poll: Duration,
    window: Duration,
    pub(super) elapsed: Duration,
}

impl Script {
    pub(super) fn new(policy: &Policy) -> Self {
        let (poll, window) = (policy.poll(), policy.window());
        Self { evidence: Evidence::new(policy), poll, window, elapsed: Duration::ZERO }
    }

    pub(super) fn see(&mut self, canary: &Measurement) -> Verdict {
        self.see_both(canary, None)
    }

    pub(super) fn see_both(
        &mut self,
        canary: &Measurement,
        baseline: Option<&Measurement>,
    ) -> Verdict {
        self.elapsed += self.poll;
        self.evidence.observe(&Poll { elapsed: self.elapsed, canary, baseline });
        self.verdict()
    }

    pub(super) fn verdict(&self) -> Verdict {
        self.evidence.verdict(self.now())
    }

    pub(super) fn report(&self) -> Report {
        self.evidence.report(self.now())
    }

    fn now(&self) -> Moment {
        // The last poll may come a little before the window's end.
        let window_over = self.window <= self.elapsed + self.poll / 2;
        Moment { elapsed: self.elapsed, window_over }
    }

    /// Shows the same at every poll until there is a verdict.
    pub(super) fn go_on(&mut self, canary: &Measurement) -> Verdict {
        loop {
            let verdict = self.see(canary);
            if verdict != Verdict::Continue {
                return verdict;
            }
        }
    }
}

pub(super) fn rolled_back(reason: RollBackReason) -> Verdict {
    Verdict::RollBack { reason }
}

/// What is lacking, if the verdict is that something is.
pub(super) fn lacking(verdict: &Verdict) -> Vec<DoubtCode> {
    match verdict {
        Verdict::Inconclusive { reasons } => reasons.iter().map(|doubt| doubt.code).collect(),
        other => panic!("{other:?}"),
    }
}
