//! A policy as it is asked for: what is left out takes its default.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::canaries::policy::choices::{Approval, GateChange, Mode, OnInconclusive, OnNoData};
use crate::models::EvidenceRule;

/// What must hold. At least one of the two is set.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Targets {
    /// The 95th percentile of latency must not be above this many milliseconds.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "super::number::write_some"
    )]
    #[schemars(range(min = 0.001))]
    pub latency_p95_ms: Option<f64>,
    /// The share of failed requests must not be above this; between 0 and 1.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "super::number::write_some"
    )]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_error_rate: Option<f64>,
}

/// How a canary is judged, as a caller says it.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PolicyRequest {
    /// How long the canary is watched, in seconds, from 1 to 604800; 300 when it is not set.
    #[schemars(range(min = 1, max = 604_800))]
    pub window_seconds: Option<u64>,
    /// What must hold: `latency_p95_ms`, `max_error_rate` or both.
    pub targets: Option<Targets>,
    /// How often its metrics are looked at, in seconds.
    #[schemars(range(min = 0.1))]
    pub poll_seconds: Option<f64>,
    /// How long after the start nothing counts yet, in seconds; 0 when it is not set.
    #[schemars(range(min = 0.0))]
    pub warmup_seconds: Option<f64>,
    /// How far back a scalar query looks, in seconds: what `$__window` stands for.
    #[schemars(range(min = 0.001))]
    pub query_window_seconds: Option<f64>,
    /// How likely a canary that meets its targets may be rolled back by chance; 0.01.
    #[schemars(range(min = 0.000_001, max = 0.5))]
    pub alpha: Option<f64>,
    /// How likely a canary at `tolerance` times a target may seem to meet it; 0.05.
    #[schemars(range(min = 0.000_001, max = 0.5))]
    pub beta: Option<f64>,
    /// What a promotion refutes, in multiples of the targets; 2.
    #[schemars(range(min = 1.05, max = 100.0))]
    pub tolerance: Option<f64>,
    /// How much the error rate itself wavers from poll to poll: its standard deviation in multiples
    /// of its mean; 1.
    #[schemars(range(min = 0.1, max = 10.0))]
    pub burstiness: Option<f64>,
    /// Without this many requests nothing is promoted.
    #[schemars(range(min = 1, max = 1_000_000_000_000u64))]
    pub min_requests: Option<u64>,
    /// The share of polls that must have had data for a promotion; 0.8.
    #[schemars(range(min = 0.01, max = 1.0))]
    pub coverage: Option<f64>,
    /// What happens when the window ends and nothing is proved.
    pub on_inconclusive: Option<OnInconclusive>,
    /// How long the window may be extended, in seconds; `windowSeconds` when it is not set.
    #[schemars(range(min = 1, max = 604_800))]
    pub max_extend_seconds: Option<u64>,
    /// What happens after three polls in a row without data.
    pub on_no_data: Option<OnNoData>,
    /// What the canary is compared with.
    pub mode: Option<Mode>,
    /// How many times worse than the gate it comes from a canary may be in mode `both`; 1.5.
    #[schemars(range(min = 1.01, max = 100.0))]
    pub ratio: Option<f64>,
    /// Which steps wait for a person.
    pub approval: Option<Approval>,
    /// When the model is put into the gate.
    pub gate_change: Option<GateChange>,
    /// Results of evals without which nothing is promoted; up to 20.
    #[schemars(length(max = 20))]
    pub requires: Option<Vec<EvidenceRule>>,
}
