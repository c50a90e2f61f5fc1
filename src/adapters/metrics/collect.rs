//! From series with labels to the counters and buckets that the ledger accounts for.

use super::looked::{Bucket, Point, Series, SeriesKey};
use super::measurement::Gap;
use crate::config::BucketUnit;

/// The label of a bucket's upper edge.
const EDGE: &str = "le";

/// A series as a server names it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Labelled {
    /// Its labels, the name as `__name__` among them.
    pub(super) labels: Vec<(String, String)>,
    pub(super) samples: Vec<Point>,
}

impl Labelled {
    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The process that a series is of: what was scraped as one.
    fn process(&self) -> SeriesKey {
        SeriesKey::of(self.pairs().filter(|(name, _)| matches!(*name, "job" | "instance")))
    }
}

/// The counters among what was found.
///
/// # Errors
/// A series is there twice, or its samples are out of order.
pub(super) fn counters(found: Vec<Labelled>) -> Result<Vec<Series>, Gap> {
    let series = found.into_iter().map(|one| Series {
        key: SeriesKey::of(one.pairs()),
        process: one.process(),
        samples: one.samples,
    });
    let series: Vec<Series> = series.collect();
    check(series.iter())?;
    Ok(series)
}

/// The buckets among what was found.
///
/// # Errors
/// A series has no edge, is there twice, or its samples are out of order.
pub(super) fn buckets(found: Vec<Labelled>, unit: BucketUnit) -> Result<Vec<Bucket>, Gap> {
    let buckets = found.into_iter().map(|one| bucket(one, unit));
    let buckets: Vec<Bucket> = buckets.collect::<Result<_, _>>()?;
    check(buckets.iter().map(|bucket| &bucket.series))?;
    Ok(buckets)
}

fn bucket(found: Labelled, unit: BucketUnit) -> Result<Bucket, Gap> {
    let edge = found.pairs().find(|(name, _)| *name == EDGE).map(|(_, edge)| edge.parse::<f64>());
    let Some(Ok(edge)) = edge.filter(|edge| edge.as_ref().is_ok_and(|edge| !edge.is_nan())) else {
        return Err("a series of the latency buckets has no label le with a number".to_owned());
    };
    let histogram = SeriesKey::of(found.pairs().filter(|(name, _)| *name != EDGE));
    // A bucket is the same one whether its edge is written 1 or 1.0.
    let written = edge.to_string();
    let labels =
        found.pairs().map(|(name, value)| (name, if name == EDGE { &written } else { value }));
    let upper_edge_ms = match unit {
        BucketUnit::Seconds => edge * 1_000.0,
        BucketUnit::Milliseconds => edge,
    };
    let series =
        Series { key: SeriesKey::of(labels), process: found.process(), samples: found.samples };
    Ok(Bucket { series, histogram, upper_edge_ms })
}

fn check<'a>(series: impl Iterator<Item = &'a Series>) -> Result<(), Gap> {
    let mut keys = Vec::new();
    for one in series {
        keys.push(one.key);
        if !one.samples.windows(2).all(|pair| pair[0].at_ms < pair[1].at_ms) {
            return Err("the samples of a series are out of order".to_owned());
        }
    }
    keys.sort_unstable();
    if keys.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err("a series is there twice".to_owned());
    }
    Ok(())
}
