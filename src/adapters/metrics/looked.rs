//! What a look saw, before anything is concluded from it.

use sha2::{Digest as _, Sha256};

use super::measurement::Gap;
use super::source::Needs;

/// What one look at one gate saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// When it was looked, in milliseconds since 1970 by the clock that times the samples.
    pub at_ms: i64,
    /// Requests and failed requests.
    pub errors: Seen<ErrorCounters>,
    /// The buckets of latency.
    pub latency: Seen<Vec<Bucket>>,
    /// What the server warned of, each a sentence without its full stop.
    pub warnings: Vec<String>,
}

/// One number, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen<Counters> {
    /// Raw samples of counters.
    Counters(Counters),
    /// One number of a query.
    Scalar {
        /// The number, finite and not negative: a share, or milliseconds.
        value: f64,
        /// How far back the query looks, in milliseconds.
        window_ms: u64,
    },
    /// There is nothing to see.
    NoData(Gap),
    /// It could not be seen.
    Error(Gap),
    /// Nobody asked.
    NotAsked,
}

/// The counters of requests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ErrorCounters {
    /// All requests. None means that the target is there and has none yet, so that what comes
    /// later began at nothing; where that is not known, it is [`Seen::NoData`].
    pub total: Vec<Series>,
    /// Failed requests; none is no failed request.
    pub failed: Vec<Series>,
}

/// Raw samples of one counter, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Which counter.
    pub key: SeriesKey,
    /// The process it belongs to, as far as is known: counters of one process restart together.
    pub process: SeriesKey,
    /// Its samples, their times rising strictly.
    pub samples: Vec<Point>,
}

/// One bucket of a cumulative histogram.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// Its counter.
    pub series: Series,
    /// The histogram it belongs to.
    pub histogram: SeriesKey,
    /// Its upper edge in milliseconds; infinite for the bucket that holds every request.
    pub upper_edge_ms: f64,
}

/// What a counter stood at, at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// The value; finite and not negative, which the ledger checks.
    pub value: f64,
}

/// Names a series by the first 64 bits of the SHA-256 of its sorted labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey(pub(super) u64);

impl SeriesKey {
    /// Names the series with these labels, in any order.
    pub fn of<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut labels: Vec<_> = labels.into_iter().collect();
        labels.sort_unstable();
        let mut hash = Sha256::new();
        for (name, value) in labels {
            // Neither can hold the byte 255, which is never part of UTF-8.
            hash.update(name);
            hash.update([0xff]);
            hash.update(value);
            hash.update([0xff]);
        }
        let mut first = [0; 8];
        first.copy_from_slice(&hash.finalize()[..8]);
        Self(u64::from_be_bytes(first))
    }
}

impl Looked {
    /// What a target of latency that is no edge of a bucket costs, as a sentence without its full
    /// stop: requests between the edges around it are neither surely fast nor surely slow.
    pub fn latency_caveat(&self, target_ms: f64) -> Option<String> {
        let Seen::Counters(buckets) = &self.latency else { return None };
        let edges = || buckets.iter().map(|bucket| bucket.upper_edge_ms);
        if edges().any(|edge| is_same_edge(edge, target_ms)) || buckets.is_empty() {
            return None;
        }
        let below = edges().filter(|edge| *edge < target_ms).fold(0.0, f64::max);
        let above = edges().filter(|edge| target_ms < *edge).fold(f64::INFINITY, f64::min);
        Some(if above.is_finite() {
            format!("{target_ms} ms lies between the buckets {below} and {above}")
        } else {
            format!("{target_ms} ms lies above the last bucket {below}, so no breach can be proved")
        })
    }
}

/// Whether a target is this edge, give or take what seconds lose as milliseconds.
pub(super) fn is_same_edge(edge_ms: f64, target_ms: f64) -> bool {
    (edge_ms - target_ms).abs() <= target_ms * 1e-9
}

impl serde::Serialize for SeriesKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:x}", self.0))
    }
}

impl<'de> serde::Deserialize<'de> for SeriesKey {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Looked {
    /// A look that saw nothing, for the same reason everywhere.
    pub(super) fn failed(needs: Needs, at_ms: i64, why: &str) -> Self {
        let errors = if needs.errors { Seen::Error(why.to_owned()) } else { Seen::NotAsked };
        let latency = match needs.latency_target_ms {
            Some(_) => Seen::Error(why.to_owned()),
            None => Seen::NotAsked,
        };
        Self { at_ms, errors, latency, warnings: Vec::new() }
    }
}
