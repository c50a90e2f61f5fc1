//! Which few of the evidence's numbers does a reader follow from look to look? Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::canaries::rule::{MetricReport, Report};

/// Each metric whose requests are counted, by its word, and how far its evidence has grown.
pub type Standings = BTreeMap<&'static str, Standing>;

/// How far the evidence of one metric has grown. Logarithms are natural.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// The logarithm of the evidence that the target is broken; nothing where it cannot be.
    pub breach: Option<f64>,
    /// What that must reach.
    pub breach_at: f64,
    /// The logarithm of the evidence that the target is met; nothing where it cannot but be.
    pub proof: Option<f64>,
    /// What that must reach at the end of the window.
    pub proof_at: f64,
    /// Requests that were counted.
    pub requests: u64,
    /// Those of them that certainly were bad.
    pub bad: u64,
    /// How many more are needed for a proof if the share of bad ones stays as it is; nothing where
    /// no number does.
    pub requests_needed: Option<u64>,
    /// How many seconds those take if they come as fast as so far.
    pub seconds_needed: Option<f64>,
    /// The target: a share of requests, or milliseconds.
    pub target: f64,
    /// The share of bad requests that the target allows.
    pub allowed: f64,
    /// The share of bad requests.
    pub estimate: Option<f64>,
    /// Where that share is at least, surely.
    pub low: f64,
    /// Where it is at most.
    pub high: f64,
}

/// Takes them out of a report.
pub fn standings(report: &Report) -> Standings {
    report.metrics.iter().filter_map(standing).collect()
}

fn standing(report: &MetricReport) -> Option<(&'static str, Standing)> {
    let counts = report.counts.as_ref()?;
    let proof = &counts.conformance;
    let standing = Standing {
        breach: counts.log_e,
        breach_at: counts.breach_at,
        proof: proof.log_e,
        proof_at: proof.proof_at,
        requests: counts.requests,
        bad: counts.bad,
        requests_needed: proof.requests_needed,
        seconds_needed: proof.seconds_needed,
        target: report.target,
        allowed: counts.allowed,
        estimate: counts.estimate,
        low: counts.interval.low,
        high: counts.interval.high,
    };
    Some((report.metric.code(), standing))
}
