//! How a canary is judged. A `Policy` is complete and valid: whatever was left out has its default,
//! and it is stored and read back as it is. `docs/canary-policy.md` explains every field.

mod choices;
mod error;
mod number;
mod request;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::choices::{Approval, GateChange, Mode, OnInconclusive, OnNoData, Step};
pub use self::error::PolicyError;
pub use self::request::{PolicyRequest, Targets};
use crate::canaries::rule::{LATENCY_SHARE, Limit};
use crate::models::{EvidenceRule, check_rules};

/// The longest window: 7 days.
pub const LONGEST_WINDOW_SECONDS: u64 = 604_800;

const DEFAULT_WINDOW_SECONDS: u64 = 300;

/// The shortest time between two polls, in seconds.
const SHORTEST_POLL: f64 = 0.1;

/// The largest latency that can be asked for, in milliseconds: a day.
const LONGEST_LATENCY: f64 = 86_400_000.0;

/// The smallest error rate other than 0 that can be asked for. Below it no window has the requests.
const SMALLEST_RATE: f64 = 0.000_001;

/// How a canary is judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "PolicyRequest")]
pub struct Policy {
    window_seconds: u64,
    targets: Targets,
    #[serde(serialize_with = "number::write")]
    poll_seconds: f64,
    #[serde(serialize_with = "number::write")]
    warmup_seconds: f64,
    #[serde(serialize_with = "number::write")]
    query_window_seconds: f64,
    #[serde(serialize_with = "number::write")]
    alpha: f64,
    #[serde(serialize_with = "number::write")]
    beta: f64,
    #[serde(serialize_with = "number::write")]
    tolerance: f64,
    #[serde(serialize_with = "number::write")]
    burstiness: f64,
    min_requests: u64,
    #[serde(serialize_with = "number::write")]
    coverage: f64,
    on_inconclusive: OnInconclusive,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_extend_seconds: Option<u64>,
    on_no_data: OnNoData,
    mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "number::write_some")]
    ratio: Option<f64>,
    approval: Approval,
    gate_change: GateChange,
    requires: Vec<EvidenceRule>,
}

impl TryFrom<PolicyRequest> for Policy {
    type Error = PolicyError;

    /// Completes and checks a policy.
    ///
    /// # Errors
    /// Something is missing, outside its range or without a meaning.
    fn try_from(asked: PolicyRequest) -> Result<Self, PolicyError> {
        let window_seconds = asked.window_seconds.unwrap_or(DEFAULT_WINDOW_SECONDS);
        let window = whole("windowSeconds", window_seconds, LONGEST_WINDOW_SECONDS)?;
        let targets = checked_targets(asked.targets.unwrap_or_default())?;
        let poll = within_window("pollSeconds", asked.poll_seconds, default_poll(window), window)?;
        let poll = ranged("pollSeconds", poll, SHORTEST_POLL, window)?;
        let warmup = within_window("warmupSeconds", asked.warmup_seconds, 0.0, window)?;
        if window < warmup + poll {
            return Err(PolicyError::Warmup);
        }
        let query = default_query_window(window);
        let query = within_window("queryWindowSeconds", asked.query_window_seconds, query, window)?;
        let beta = ranged("beta", asked.beta.unwrap_or(0.05), 0.000_001, 0.5)?;
        let tolerance = ranged("tolerance", asked.tolerance.unwrap_or(2.0), 1.05, 100.0)?;
        let fewest = fewest_requests(&targets, tolerance, beta);
        let min_requests = asked.min_requests.unwrap_or(fewest);
        whole("minRequests", min_requests, 1_000_000_000_000)?;
        let (on_inconclusive, max_extend_seconds) = extension(&asked, window_seconds)?;
        let (mode, ratio) = comparison(&asked)?;
        Ok(Self {
            window_seconds,
            targets,
            poll_seconds: poll,
            warmup_seconds: ranged("warmupSeconds", warmup, 0.0, window)?,
            query_window_seconds: ranged("queryWindowSeconds", query, 0.001, window)?,
            alpha: ranged("alpha", asked.alpha.unwrap_or(0.01), 0.000_001, 0.5)?,
            beta,
            tolerance,
            burstiness: ranged("burstiness", asked.burstiness.unwrap_or(1.0), 0.1, 10.0)?,
            min_requests,
            coverage: ranged("coverage", asked.coverage.unwrap_or(0.8), 0.01, 1.0)?,
            on_inconclusive,
            max_extend_seconds,
            on_no_data: asked.on_no_data.unwrap_or_default(),
            mode,
            ratio,
            approval: asked.approval.unwrap_or_default(),
            gate_change: asked.gate_change.unwrap_or_default(),
            requires: checked_requirements(asked.requires.unwrap_or_default())?,
        })
    }
}

impl Policy {
    /// How long the canary is watched.
    pub fn window(&self) -> Duration {
        Duration::from_secs(self.window_seconds)
    }

    /// What must hold.
    pub fn targets(&self) -> Targets {
        self.targets
    }

    /// The time between two looks at the metrics.
    pub fn poll(&self) -> Duration {
        Duration::from_secs_f64(self.poll_seconds)
    }

    /// How long after the start nothing counts yet.
    pub fn warmup(&self) -> Duration {
        Duration::from_secs_f64(self.warmup_seconds)
    }

    /// How far back a scalar query looks: what `$__window` stands for.
    pub fn query_window(&self) -> Duration {
        Duration::from_secs_f64(self.query_window_seconds)
    }

    /// How likely a canary that meets its targets may be rolled back by chance.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// How likely a canary at `tolerance` times a target may seem to meet it.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// What a promotion refutes, in multiples of the targets.
    pub fn tolerance(&self) -> f64 {
        self.tolerance
    }

    /// The standard deviation of the error rate between polls, in multiples of its mean.
    pub fn burstiness(&self) -> f64 {
        self.burstiness
    }

    /// The number of requests without which nothing is promoted.
    pub fn min_requests(&self) -> u64 {
        self.min_requests
    }

    /// The share of polls that must have had data for a promotion.
    pub fn coverage(&self) -> f64 {
        self.coverage
    }

    /// What happens at the end of the window when nothing is proved.
    pub fn on_inconclusive(&self) -> OnInconclusive {
        self.on_inconclusive
    }

    /// How long the window may be extended; zero unless `onInconclusive` is `extend`.
    pub fn max_extend(&self) -> Duration {
        Duration::from_secs(self.max_extend_seconds.unwrap_or(0))
    }

    /// What happens after three polls in a row without data.
    pub fn on_no_data(&self) -> OnNoData {
        self.on_no_data
    }

    /// What the canary is compared with.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// How many times worse than its baseline a canary may be; set in mode `both` alone.
    pub fn ratio(&self) -> Option<f64> {
        self.ratio
    }

    /// Whether a step waits for a person.
    pub fn needs_approval(&self, step: Step) -> bool {
        self.approval.before.contains(&step)
    }

    /// When the model is put into the gate.
    pub fn gate_change(&self) -> GateChange {
        self.gate_change
    }

    /// Whether the model is put into the gate to be watched there; a dry run moves nothing.
    pub fn enters_at_start(&self, dry_run: bool) -> bool {
        !dry_run && self.gate_change == GateChange::AtStart
    }

    /// The results of evals without which nothing is promoted.
    pub fn requires(&self) -> &[EvidenceRule] {
        &self.requires
    }

    /// The limit on the share of failed requests, if there is one.
    pub fn error_limit(&self) -> Option<Limit> {
        self.targets.max_error_rate.map(|rate| Limit::new(rate, self.tolerance))
    }

    /// The limit on the share of slow requests, if a latency is asked for: its 95th percentile is
    /// within the target when at most 5 % of the requests are slower.
    pub fn latency_limit(&self) -> Option<Limit> {
        self.targets.latency_p95_ms.map(|_| Limit::new(LATENCY_SHARE, self.tolerance))
    }
}

fn default_poll(window: f64) -> f64 {
    if 60.0 <= window { 5.0 } else { (window / 12.0).max(0.5) }
}

/// Long enough for two scrapes where the window allows it, and never most of the window.
fn default_query_window(window: f64) -> f64 {
    (window / 4.0).clamp(5.0, 60.0).min(window / 2.0)
}

fn fewest_requests(targets: &Targets, tolerance: f64, beta: f64) -> u64 {
    let errors = targets.max_error_rate;
    let slow = targets.latency_p95_ms.map(|_| LATENCY_SHARE);
    let limits = [errors, slow].into_iter().flatten().map(|rate| Limit::new(rate, tolerance));
    limits.map(|limit| limit.fewest_requests(beta)).max().unwrap_or(1)
}

fn checked_targets(targets: Targets) -> Result<Targets, PolicyError> {
    if targets.latency_p95_ms.is_none() && targets.max_error_rate.is_none() {
        return Err(PolicyError::NoTarget);
    }
    let is_rate = |rate: f64| rate == 0.0 || (SMALLEST_RATE..=1.0).contains(&rate);
    if targets.max_error_rate.is_some_and(|rate| !is_rate(rate)) {
        return Err(PolicyError::ErrorRate);
    }
    let is_latency = |latency: f64| 0.0 < latency && latency <= LONGEST_LATENCY;
    if targets.latency_p95_ms.is_some_and(|latency| !is_latency(latency)) {
        return Err(PolicyError::Latency);
    }
    Ok(targets)
}

fn checked_requirements(requires: Vec<EvidenceRule>) -> Result<Vec<EvidenceRule>, PolicyError> {
    check_rules(&requires)?;
    Ok(requires)
}

fn extension(
    asked: &PolicyRequest,
    window_seconds: u64,
) -> Result<(OnInconclusive, Option<u64>), PolicyError> {
    let choice = asked.on_inconclusive.unwrap_or_default();
    match (choice, asked.max_extend_seconds) {
        (OnInconclusive::Extend, longest) => {
            let longest = longest.unwrap_or(window_seconds);
            whole("maxExtendSeconds", longest, LONGEST_WINDOW_SECONDS)?;
            Ok((choice, Some(longest)))
        }
        (_, None) => Ok((choice, None)),
        (_, Some(_)) => Err(PolicyError::Meaningless {
            field: "maxExtendSeconds",
            with: "onInconclusive \"extend\"",
        }),
    }
}

fn comparison(asked: &PolicyRequest) -> Result<(Mode, Option<f64>), PolicyError> {
    match (asked.mode.unwrap_or_default(), asked.ratio) {
        (Mode::Both, ratio) => {
            Ok((Mode::Both, Some(ranged("ratio", ratio.unwrap_or(1.5), 1.01, 100.0)?)))
        }
        (Mode::Absolute, None) => Ok((Mode::Absolute, None)),
        (Mode::Absolute, Some(_)) => {
            Err(PolicyError::Meaningless { field: "ratio", with: "mode \"both\"" })
        }
    }
}

fn ranged(field: &'static str, value: f64, least: f64, most: f64) -> Result<f64, PolicyError> {
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(PolicyError::Range { field, least, most })
    }
}

fn within_window(
    field: &'static str,
    asked: Option<f64>,
    default: f64,
    window: f64,
) -> Result<f64, PolicyError> {
    let value = asked.unwrap_or(default);
    if window < value { Err(PolicyError::LongerThanWindow { field }) } else { Ok(value) }
}

#[expect(clippy::cast_precision_loss, reason = "it is at most 10^12")]
fn whole(field: &'static str, value: u64, most: u64) -> Result<f64, PolicyError> {
    if (1..=most).contains(&value) {
        Ok(value as f64)
    } else {
        Err(PolicyError::Range { field, least: 1.0, most: most as f64 })
    }
}
