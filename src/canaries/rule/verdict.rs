//! What the evidence says, and why.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The share of failed requests.
    ErrorRate,
    /// The 95th percentile of latency.
    LatencyP95,
}

impl Metric {
    /// The metric in one stable word.
    pub fn code(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate",
            Self::LatencyP95 => "latency_p95",
        }
    }

    /// The metric as a sentence names it.
    pub fn words(self) -> &'static str {
        match self {
            Self::ErrorRate => "the error rate",
            Self::LatencyP95 => "the latency",
        }
    }
}

/// What is to be done with a canary now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    /// Watch on.
    Continue,
    /// Take it back. Once given, this verdict stays.
    RollBack {
        /// Why.
        reason: RollBackReason,
    },
    /// The window is over and the evidence shows that the targets were met.
    Promote,
    /// The window is over and the evidence shows neither.
    Inconclusive {
        /// What is missing; never empty.
        reasons: Vec<Doubt>,
    },
}

/// Why a canary is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollBackReason {
    /// Too many requests fail.
    ErrorRateBreach,
    /// Too many requests are slow.
    LatencyBreach,
    /// A metric gave nothing three times in a row.
    NoData,
}

impl RollBackReason {
    /// The reason in one stable word.
    pub fn code(self) -> &'static str {
        match self {
            Self::ErrorRateBreach => "error_rate_breach",
            Self::LatencyBreach => "latency_breach",
            Self::NoData => "no_data",
        }
    }

    pub(super) fn breach_of(metric: Metric) -> Self {
        match metric {
            Metric::ErrorRate => Self::ErrorRateBreach,
            Metric::LatencyP95 => Self::LatencyBreach,
        }
    }
}

/// What a metric lacks for a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Doubt {
    /// Which metric.
    pub metric: Metric,
    /// What it lacks.
    pub code: DoubtCode,
}

/// What can be lacking for a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DoubtCode {
    /// There was never a number.
    #[serde(rename = "inconclusive_no_data")]
    NoData,
    /// There were fewer requests than `minRequests`.
    #[serde(rename = "inconclusive_too_few_requests")]
    TooFewRequests,
    /// What was seen is worse than the target, though not by enough to be sure.
    #[serde(rename = "inconclusive_above_target")]
    AboveTarget,
    /// What was seen is as good as the target asks, but could be chance.
    #[serde(rename = "inconclusive_not_proven")]
    NotProven,
    /// Too many polls gave nothing, or nothing that counts.
    #[serde(rename = "inconclusive_coverage")]
    Coverage,
    /// What was seen last is too old.
    #[serde(rename = "inconclusive_stale")]
    Stale,
    /// The targets are broken, and the baseline is no better.
    #[serde(rename = "inconclusive_shared_with_baseline")]
    SharedWithBaseline,
}

impl DoubtCode {
    /// The doubt in one stable word.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoData => "inconclusive_no_data",
            Self::TooFewRequests => "inconclusive_too_few_requests",
            Self::AboveTarget => "inconclusive_above_target",
            Self::NotProven => "inconclusive_not_proven",
            Self::Coverage => "inconclusive_coverage",
            Self::Stale => "inconclusive_stale",
            Self::SharedWithBaseline => "inconclusive_shared_with_baseline",
        }
    }
}
