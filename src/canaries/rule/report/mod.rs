//! Every number that a verdict rests on, for people, for the record of the decision and for a replay.

mod build;

use serde::{Deserialize, Serialize};

use crate::canaries::rule::quality::DataQuality;
use crate::canaries::rule::verdict::{DoubtCode, Metric, Verdict};

/// What the evidence is at one moment. Logarithms are natural.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The moment, in seconds after the start.
    pub elapsed_seconds: f64,
    /// How long the canary is to be watched, without an extension.
    pub window_seconds: f64,
    /// Whether the window was over.
    pub window_over: bool,
    /// How many times the metrics were looked at.
    pub polls: u32,
    /// What is to be done.
    pub verdict: Verdict,
    /// When it was decided to roll back, in seconds after the start.
    pub fallen_at_seconds: Option<f64>,
    /// How sure the evidence can be.
    pub strength: Strength,
    /// The level of the breach test over all metrics.
    pub alpha: f64,
    /// The level of the conformance test.
    pub beta: f64,
    /// What a promotion refutes, in multiples of the targets.
    pub tolerance: f64,
    /// The coefficient of variation of the error rate that is reckoned with.
    pub burstiness: f64,
    /// The share of polls that must speak for a promotion.
    pub coverage_needed: f64,
    /// Each metric with a target.
    pub metrics: Vec<MetricReport>,
}

/// How sure evidence can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Nothing was seen yet.
    None,
    /// A metric is known from scalar queries alone, so that there are no error rates to speak of.
    Weak,
    /// Requests were counted, and the error rates of the rule hold.
    Strong,
}

/// The evidence of one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricReport {
    /// Which.
    pub metric: Metric,
    /// What its samples are.
    pub kind: SampleKind,
    /// The target: a share of requests, or milliseconds.
    pub target: f64,
    /// Where it stands.
    pub state: MetricState,
    /// What it lacks for a promotion, were the window over now.
    pub doubts: Vec<DoubtCode>,
    /// What was counted; set when the samples are counts.
    pub counts: Option<CountsReport>,
    /// What queries gave; set when the samples are scalars.
    pub scalars: Option<ScalarsReport>,
    /// What the baseline showed; set in mode `both` when the samples are counts.
    pub baseline: Option<BaselineReport>,
    /// How well it could be seen.
    pub quality: DataQuality,
}

/// What the samples of a metric are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleKind {
    /// There was none with a number yet.
    None,
    /// Counted requests.
    Counts,
    /// Numbers of a query.
    Scalars,
}

/// Where a metric stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricState {
    /// Its target is broken.
    Breach,
    /// It gave nothing three times in a row.
    Dead,
    /// It shows neither yet.
    Open,
    /// It would be promoted, were the window over now.
    Conforms,
}

/// The evidence of counted requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountsReport {
    /// Requests.
    pub requests: u64,
    /// Those that certainly were bad.
    pub bad: u64,
    /// Those that may have been bad.
    pub possibly_bad: u64,
    /// The share of bad requests; that of possibly bad ones for latency.
    pub estimate: Option<f64>,
    /// Where that share is.
    pub interval: Interval,
    /// The share p0 that the target allows.
    pub allowed: f64,
    /// How many independent requests those are worth in the breach test.
    pub weighed_requests: f64,
    /// The bad ones among them.
    pub weighed_bad: f64,
    /// The evidence of the bets, ln K; only where the target allows a share between 0 and 1.
    pub log_k: Option<f64>,
    /// The evidence of the mixture, ln M.
    pub log_m: Option<f64>,
    /// The evidence of both, ln (K + M)/2.
    pub log_e: Option<f64>,
    /// What that must reach for a breach: ln (metrics / α).
    pub breach_at: f64,
    /// The test that a promotion needs.
    pub conformance: Conformance,
    /// When a request was seen last, in seconds after the start.
    pub last_request_seconds: Option<f64>,
}

/// The test that a promotion needs, over polls without warnings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conformance {
    /// Requests.
    pub requests: u64,
    /// Those that may have been bad.
    pub possibly_bad: u64,
    /// How many independent requests those are worth here.
    pub weighed_requests: f64,
    /// The possibly bad ones among them.
    pub weighed_possibly_bad: f64,
    /// The share that is to be refuted.
    pub refuted: f64,
    /// The evidence against it; none where everything is allowed.
    pub log_e: Option<f64>,
    /// What that must reach: ln (1 / β).
    pub proof_at: f64,
    /// Fewer requests than this are never enough.
    pub min_requests: u64,
    /// How many more are needed if the share of bad ones stays as it is; none if it is too high for
    /// any number to do.
    pub requests_needed: Option<u64>,
    /// How long those take if they come as fast as so far.
    pub seconds_needed: Option<f64>,
}

/// Where a share is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Interval {
    /// From here: by the requests that certainly were bad.
    pub low: f64,
    /// To here: by those that may have been bad, where no warning came with them.
    pub high: f64,
    /// How surely.
    pub level: f64,
    /// By which method.
    pub method: IntervalMethod,
}

/// How an interval is reckoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntervalMethod {
    /// The confidence sequence of the beta mixture: it holds at every look at once.
    AnytimeValid,
}

/// The evidence of scalar queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScalarsReport {
    /// Numbers seen.
    pub samples: u32,
    /// Those above the target.
    pub bad: u32,
    /// Those whose query looks back no further than the end of the warm-up.
    pub qualifying: u32,
    /// Those of them above the target.
    pub qualifying_bad: u32,
    /// Those of them that speak for a promotion.
    pub proving: u32,
    /// How many in a row, up to the last, are above the target.
    pub consecutive_bad: u32,
    /// How many of those are a breach.
    pub breach_at: u32,
    /// How many in a row are at least twice the target.
    pub consecutive_far: u32,
    /// How many of those are a breach.
    pub far_breach_at: u32,
    /// The last number.
    pub last: f64,
    /// The largest.
    pub worst: f64,
    /// How far back the queries look, in seconds.
    pub window_seconds: f64,
}

/// What the gate that a canary comes from showed meanwhile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BaselineReport {
    /// Requests there, in polls in which both had some.
    pub requests: u64,
    /// Those that may have been bad.
    pub possibly_bad: u64,
    /// How many times worse the canary may be.
    pub ratio: f64,
    /// The evidence that it is worse than that.
    pub log_e: f64,
    /// What that must reach.
    pub breach_at: f64,
    /// Polls in which the canary had requests.
    pub polls: u32,
    /// Those in which the baseline had some too.
    pub usable: u32,
    /// Whether that is enough to compare with; if not, the targets alone decide.
    pub is_used: bool,
}
