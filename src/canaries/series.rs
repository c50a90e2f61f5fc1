//! How did a canary's numbers and its evidence go, from its first look to its newest?

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::canaries::fold::Fold;
use crate::canaries::numbers::in_seconds;
use crate::canaries::rule::Evidence;
use crate::canaries::sample::StoredSample;
use crate::canaries::view::CanaryView;
use crate::canaries::{Canaries, CanaryError};
use crate::store::canaries::MetricRow;

/// The most points of a series for a chart.
pub const SERIES: u64 = 500;

/// One look of several.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// Which look it was, from 1.
    pub poll: i64,
    /// When it was taken, by the window's clock.
    pub elapsed_seconds: f64,
    /// When it was written down.
    pub at: String,
    /// The latency, as the wire shows it.
    #[serde(rename = "latency_p95_ms")]
    pub latency_p95_ms: Option<f64>,
    /// The error rate, as the wire shows it.
    #[serde(rename = "error_rate")]
    pub error_rate: Option<f64>,
    /// Whether everything that was asked for was measured.
    pub data_quality: &'static str,
    /// How far the evidence had grown by then, for each metric whose requests are counted.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub evidence: BTreeMap<&'static str, Grown>,
}

/// How far the evidence of a metric had grown. Logarithms are natural.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Grown {
    /// That the target is broken.
    pub breach: Option<f64>,
    /// That it is met.
    pub proof: Option<f64>,
}

/// Folds measurements, and keeps points of it that are equally far apart, the last among them.
struct Folding {
    evidence: Evidence,
    points: Vec<Point>,
    taken: u64,
    /// How many measurements there are.
    all: u64,
    /// How many points there may be.
    most: u64,
}

impl Fold for Folding {
    fn take(&mut self, row: &MetricRow) -> bool {
        if self.all <= self.taken {
            return false;
        }
        self.taken += 1;
        if let Some(sample) = StoredSample::of(row) {
            self.evidence.observe(&sample.as_poll());
            if (self.all - self.taken).is_multiple_of(self.all.div_ceil(self.most)) {
                self.points.push(point(row, &sample, &self.evidence));
            }
        }
        self.taken < self.all
    }
}

fn point(row: &MetricRow, sample: &StoredSample, evidence: &Evidence) -> Point {
    Point {
        poll: sample.poll,
        elapsed_seconds: in_seconds(Duration::from_millis(sample.elapsed_ms)),
        at: row.created_at.clone(),
        latency_p95_ms: sample.shown_latency_ms(),
        error_rate: sample.shown_error_rate(),
        data_quality: sample.data_quality(),
        evidence: evidence
            .logarithms()
            .map(|(metric, breach, proof)| (metric.code(), Grown { breach, proof }))
            .collect(),
    }
}

impl Canaries {
    /// The looks of a canary up to the one that `view` knows of, oldest first: all of them, or at
    /// most `most` that are equally far apart.
    ///
    /// # Errors
    /// [`CanaryError::Busy`], or the store's.
    pub async fn series(&self, view: &CanaryView, most: u64) -> Result<Vec<Point>, CanaryError> {
        let folding = Folding {
            evidence: Evidence::new(&view.policy),
            points: Vec::new(),
            taken: 0,
            all: u64::try_from(view.row.polls).unwrap_or(0),
            most,
        };
        Ok(self.fold(&view.row.canary_id, folding).await?.points)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::adapters::metrics::{Measurement, Sample};

    fn folded(all: u64) -> Vec<Point> {
        let policy = json!({ "windowSeconds": 600, "targets": { "max_error_rate": 0.02 } });
        let policy = serde_json::from_value(policy).unwrap();
        let evidence = Evidence::new(&policy);
        let mut folding = Folding { evidence, points: Vec::new(), taken: 0, all, most: SERIES };
        // One comes more than was known of.
        for poll in 1..=all + 1 {
            let sample = StoredSample {
                poll: i64::try_from(poll).unwrap(),
                elapsed_ms: poll * 1_000,
                canary: Measurement {
                    errors: Sample::Counts { total: 10, bad: 0, possibly_bad: 0 },
                    latency: Sample::NotAsked,
                    latency_p95_ms: None,
                    error_rate: Some(0.0),
                    warnings: Vec::new(),
                },
                baseline: None,
            };
            folding.take(&MetricRow {
                id: i64::try_from(poll).unwrap(),
                created_at: poll.to_string(),
                latency_p95_ms: None,
                error_rate: Some(0.0),
                raw_data: Some(json!(sample).to_string()),
            });
        }
        folding.points
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_series_is_even_and_short_and_ends_with_the_last_look(all in 0u64..3_000) {
            let points = folded(all);
            prop_assert!(points.len() <= usize::try_from(SERIES).unwrap());
            prop_assert!(u64::try_from(points.len()).unwrap() >= all.min(SERIES / 2));
            let places: Vec<u64> = points.iter().map(|point| point.at.parse().unwrap()).collect();
            prop_assert_eq!(places.last().copied().unwrap_or(0), all);
            let steps: Vec<u64> = places.windows(2).map(|pair| pair[1] - pair[0]).collect();
            prop_assert!(steps.windows(2).all(|pair| pair[0] == pair[1]));
            // Requests without a failure are evidence of nothing but the target's being met.
            let proofs: Vec<f64> =
                points.iter().map(|point| point.evidence["error_rate"].proof.unwrap()).collect();
            prop_assert!(proofs.is_sorted());
        }
    }
}
