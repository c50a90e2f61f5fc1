//! Trying a policy on the past: what would it have decided, and when?

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::adapters::metrics::{Counters, NotOffered, Past, PastError};
use crate::canaries::decision::{self, Verdict as Decision};
use crate::canaries::fold::Fold;
use crate::canaries::look::{finding, judge, when_unproved};
use crate::canaries::machine::{self, Outcome};
use crate::canaries::policy::Policy;
use crate::canaries::rule::{Evidence, Report};
use crate::canaries::sample::StoredSample;
use crate::canaries::window::Window;
use crate::canaries::{Canaries, CanaryError, watch};
use crate::clock::Timestamp;
use crate::ids::{CanaryId, GateId, ModelId};
use crate::store::canaries::{MetricRow, Phase};

/// What a policy would have decided.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backtest {
    /// What it would have come to: `PROMOTED`, `ROLLED_BACK`, `ASKED`, or `OPEN` where the past ends
    /// before the window does.
    pub decision: &'static str,
    /// Why, in one word.
    pub reason: &'static str,
    /// When, in seconds after the start.
    pub decided_after_seconds: f64,
    /// How many looks it would have taken.
    pub polls: i64,
    /// The evidence at that moment.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub evidence: Report,
}

/// Why a policy cannot be tried. The words may be shown to a client.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// Requests were counted against another latency.
    #[error(
        "{canary} counted requests slower than {counted}, so that a policy with another \
         latency_p95_ms cannot be tried on it"
    )]
    OtherLatency {
        /// The canary.
        canary: CanaryId,
        /// What it counted against.
        counted: String,
    },
    /// There was no target for the error rate.
    #[error("{0} did not count failed requests, so that max_error_rate cannot be tried on it")]
    NoErrors(CanaryId),
    /// The past cannot be looked at.
    #[error(transparent)]
    Past(#[from] PastError),
}

/// A policy that goes through measurements until it decides.
struct Trial {
    policy: Policy,
    evidence: Evidence,
    polls: i64,
    elapsed: Duration,
    /// What was decided, and why.
    decided: Option<(&'static str, &'static str)>,
}

impl Trial {
    fn new(policy: Policy) -> Self {
        let evidence = Evidence::new(&policy);
        Self { policy, evidence, polls: 0, elapsed: Duration::ZERO, decided: None }
    }

    fn window(&self) -> Window {
        Window { length: self.policy.window(), poll: self.policy.poll() }
    }

    /// Takes the next measurement, oldest first. Whether it wants more.
    fn observe(&mut self, sample: &StoredSample) -> bool {
        if self.decided.is_some() {
            return false;
        }
        self.polls += 1;
        self.elapsed = Duration::from_millis(sample.elapsed_ms);
        self.evidence.observe(&sample.as_poll());
        let verdict = judge(self.window(), &self.evidence, self.elapsed);
        let beyond = self.elapsed.saturating_sub(self.window().length);
        let settings = (when_unproved(&self.policy), false);
        let outcome = machine::outcome(Phase::Observing, finding(&verdict), beyond, settings);
        let name = match outcome {
            Outcome::GoOn => return true,
            Outcome::RollBack => Decision::RollBack,
            Outcome::Promote => Decision::Promote,
            Outcome::Ask => Decision::Ask,
        };
        self.decided = Some((name.as_str(), decision::code(&verdict)));
        false
    }

    fn result(self) -> Backtest {
        let (decision, reason) = self.decided.unwrap_or(("OPEN", "open"));
        Backtest {
            decision,
            reason,
            decided_after_seconds: self.elapsed.as_secs_f64(),
            polls: self.polls,
            evidence: self.evidence.report(self.window().moment(self.elapsed)),
        }
    }
}

impl Fold for Trial {
    fn take(&mut self, row: &MetricRow) -> bool {
        // What cannot be read proves nothing.
        StoredSample::of(row).is_none_or(|sample| self.observe(&sample))
    }
}

impl Canaries {
    /// Tries a policy on the measurements of a canary.
    ///
    /// # Errors
    /// There is no such canary, it did not measure what the policy needs, too many
    /// look at whole histories, or the store failed.
    pub async fn backtest_canary(
        &self,
        id: &CanaryId,
        policy: Policy,
    ) -> Result<Backtest, CanaryError> {
        let view = self.find(id).await?;
        let (had, wants) = (view.policy.targets(), policy.targets());
        if wants.latency_p95_ms.is_some() && wants.latency_p95_ms != had.latency_p95_ms {
            let counted =
                had.latency_p95_ms.map_or_else(|| "nothing".to_owned(), |ms| format!("{ms} ms"));
            return Err(BacktestError::OtherLatency { canary: id.clone(), counted }.into());
        }
        if wants.max_error_rate.is_some() && had.max_error_rate.is_none() {
            return Err(BacktestError::NoErrors(id.clone()).into());
        }
        Ok(self.fold(id.as_str(), Trial::new(policy)).await?.result())
    }

    /// Tries a policy on what a gate showed in the past, as if a canary had started at `from`.
    ///
    /// # Errors
    /// There is no source of metrics, it has no past, or it cannot be asked.
    pub async fn backtest_gate(
        &self,
        (model, gate): (ModelId, GateId),
        from: Timestamp,
        policy: Policy,
    ) -> Result<Backtest, CanaryError> {
        let source = self.deps.source.clone().ok_or(NotOffered::Source)?;
        source.offers().cover(watch::needs(&policy))?;
        let span = time::Duration::try_from(policy.window()).unwrap_or(time::Duration::MAX);
        let past = Past { from, to: from.plus(span), step: policy.poll() };
        let lookback = Counters::default().lookback(policy.poll(), from.unix_ms());
        let look = watch::look_at(&policy, model, gate, lookback);
        let looks = source.history(&look, past).await.map_err(BacktestError::from)?;
        let mut counters = Counters::default();
        let mut trial = Trial::new(policy);
        for (poll, (at, looked)) in (0_i64..).zip(looks) {
            let canary = counters.absorb(&look, &looked);
            // The first look is where the counters begin.
            if 0 < poll {
                let elapsed_ms = at.since(from).whole_milliseconds();
                let elapsed_ms = u64::try_from(elapsed_ms).unwrap_or(0);
                let sample = StoredSample { poll, elapsed_ms, canary, baseline: None };
                if !trial.observe(&sample) {
                    break;
                }
            }
        }
        Ok(trial.result())
    }
}
