//! What one look at a canary's metrics gave, as the decision rule takes it and as it is stored.

use serde::{Deserialize, Serialize};

/// What was measured between the look before and this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measurement {
    /// Requests that failed.
    pub errors: Sample,
    /// Requests that took longer than the target.
    pub latency: Sample,
    /// The 95th percentile of latency in milliseconds, for people: estimated from a histogram, or
    /// as a scalar query gave it.
    pub latency_p95_ms: Option<f64>,
    /// The same share of failed requests, between 0 and 1, for people.
    pub error_rate: Option<f64>,
    /// What the source warned of, such as a partial answer; with any, the data proves nothing good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// One number of a measurement. What is missing is never a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Sample {
    /// Requests were counted; both counts of bad ones are at most `total`.
    Counts {
        /// Requests since the look before.
        total: u64,
        /// Those that certainly were bad.
        bad: u64,
        /// Those that may have been bad: more than `bad` when the target of a latency lies between
        /// two buckets of its histogram.
        possibly_bad: u64,
    },
    /// A query gave one finite number: a share between 0 and 1, or milliseconds.
    Scalar {
        /// The number.
        value: f64,
        /// How far back the query looks, in milliseconds; 0 when it takes the present value.
        window_ms: u64,
    },
    /// There is nothing to see.
    NoData {
        /// What is missing, as a sentence without its full stop.
        why: Gap,
    },
    /// The source could not be asked, or gave what cannot be understood.
    Error {
        /// What went wrong, as a sentence without its full stop.
        why: Gap,
    },
    /// Nobody asked for this number: its target is not set.
    NotAsked,
}

/// Why there is no number: a sentence without its full stop that names no key and no path.
pub type Gap = String;
