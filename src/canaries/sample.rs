//! A measurement as it is stored: what a restart, a replay and a backtest are made of.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::adapters::metrics::{Measurement, Sample};
use crate::canaries::rule::Poll;
use crate::store::canaries::MetricRow;
use crate::store::sha256_hex;

/// What the earlier server showed for a latency that it did not have.
const MISSING_LATENCY_MS: f64 = 9999.0;

/// What it showed for an error rate that it did not have.
const MISSING_ERROR_RATE: f64 = 1.0;

/// The hash before the first measurement.
pub(super) const NO_SAMPLES: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// A measurement with its place in the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredSample {
    /// Which one it is, from 1.
    pub poll: i64,
    /// The window's clock at the look, in milliseconds.
    pub elapsed_ms: u64,
    /// What was measured of the canary.
    pub canary: Measurement,
    /// What was measured of the gate it comes from, where they are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Measurement>,
}

impl StoredSample {
    /// Reads a stored measurement; rows that came from elsewhere have none.
    pub fn of(row: &MetricRow) -> Option<Self> {
        serde_json::from_str(row.raw_data.as_deref()?).ok()
    }

    /// As the rule takes it.
    pub fn as_poll(&self) -> Poll<'_> {
        Poll {
            elapsed: Duration::from_millis(self.elapsed_ms),
            canary: &self.canary,
            baseline: self.baseline.as_ref(),
        }
    }

    /// The latency for the wire: what is missing counts as the earlier server's 9999 ms.
    pub fn shown_latency_ms(&self) -> Option<f64> {
        shown(&self.canary.latency, self.canary.latency_p95_ms, MISSING_LATENCY_MS)
    }

    /// The error rate for the wire: what is missing counts as 1.
    pub fn shown_error_rate(&self) -> Option<f64> {
        shown(&self.canary.errors, self.canary.error_rate, MISSING_ERROR_RATE)
    }

    /// Whether everything that was asked for was measured.
    pub fn data_quality(&self) -> &'static str {
        let missing =
            |sample: &Sample| matches!(sample, Sample::NoData { .. } | Sample::Error { .. });
        if missing(&self.canary.errors) || missing(&self.canary.latency) {
            "missing"
        } else if self.canary.warnings.is_empty() {
            "ok"
        } else {
            "degraded"
        }
    }
}

fn shown(sample: &Sample, value: Option<f64>, missing: f64) -> Option<f64> {
    match sample {
        Sample::NoData { .. } | Sample::Error { .. } => Some(missing),
        // Where no request came in, there is no share and no percentile.
        Sample::NotAsked | Sample::Counts { total: 0, .. } => None,
        Sample::Counts { .. } | Sample::Scalar { .. } => value,
    }
}

/// The hash over all measurements so far, from the hash before and the newest one's text.
pub(super) fn chain(before: &str, raw: &str) -> String {
    sha256_hex([before.as_bytes(), b"\n", raw.as_bytes()].concat().as_slice())
}
