//! The JSON log of inspect-ai, written with `--log-format json --log-dir {result_dir}`.
//!
//! Its command exits with 0 even when the eval ended in an error, so the log's own status decides.

use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;
use serde_json::Value;

use super::metrics::{Metrics, of_part};
use super::{ResultProblem, parse};
use crate::adapters::Metric;

const STANDARD_ERROR: &str = "stderr";

#[derive(Deserialize)]
struct Log {
    status: String,
    #[serde(default)]
    results: Option<Results>,
    #[serde(default)]
    error: Option<EvalError>,
}

#[derive(Deserialize)]
struct EvalError {
    message: String,
}

#[derive(Deserialize)]
struct Results {
    #[serde(default)]
    completed_samples: Option<u64>,
    #[serde(default)]
    scores: Vec<Score>,
}

#[derive(Deserialize)]
struct Score {
    name: String,
    /// Fewer than were completed if a scorer passed over some.
    #[serde(default)]
    scored_samples: Option<u64>,
    metrics: BTreeMap<String, ScoreMetric>,
}

#[derive(Deserialize)]
struct ScoreMetric {
    value: Value,
}

pub(super) fn read(from: impl Read) -> Result<Metrics, ResultProblem> {
    let log: Log = parse(from)?;
    if log.status != "success" {
        let why = log.error.map_or_else(String::new, |error| format!(": {}", error.message));
        return Err(ResultProblem::EvalFailed(format!("it ended as {:?}{why}", log.status)));
    }
    let results = log.results.ok_or_else(|| ResultProblem::invalid("it has no scores"))?;
    let is_lone = results.scores.len() == 1;
    let mut metrics = Metrics::default();
    for score in &results.scores {
        let n = score.scored_samples.or(results.completed_samples);
        let stderr = score.metrics.get(STANDARD_ERROR).and_then(|metric| metric.value.as_f64());
        let estimate = estimate_of(score);
        for (name, metric) in &score.metrics {
            let Some(value) = metric.value.as_f64() else { continue };
            if name == STANDARD_ERROR && estimate.is_some() {
                continue;
            }
            let stderr = stderr.filter(|_| estimate == Some(name));
            metrics.add(of_part(&score.name, is_lone, name), Metric { value, stderr, n })?;
        }
    }
    Ok(metrics)
}

/// The metric that a score's standard error is of: the accuracy, the mean, or the only one there is.
fn estimate_of(score: &Score) -> Option<&String> {
    let mut others = score.metrics.keys().filter(|name| *name != STANDARD_ERROR);
    let usual = others.clone().find(|name| ["accuracy", "mean"].contains(&name.as_str()));
    usual.or_else(|| others.next().filter(|_| others.next().is_none()))
}
