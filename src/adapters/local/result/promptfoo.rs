//! The JSON output of promptfoo, written with `--output {result}`.
//!
//! Its command exits with 100 when an assertion failed, which is a result like any other.

use std::io::Read;

use serde::Deserialize;

use super::metrics::Metrics;
use super::{ResultProblem, parse};
use crate::adapters::Metric;

#[derive(Deserialize)]
struct Document {
    results: Results,
}

#[derive(Deserialize)]
struct Results {
    stats: Stats,
}

#[derive(Deserialize)]
struct Stats {
    successes: u32,
    failures: u32,
    /// Tests that came to no answer; earlier versions counted them as failures.
    #[serde(default)]
    errors: u32,
}

pub(super) fn read(from: impl Read) -> Result<Metrics, ResultProblem> {
    let Stats { successes, failures, errors } = parse::<Document>(from)?.results.stats;
    let n = u64::from(successes) + u64::from(failures) + u64::from(errors);
    if n == 0 {
        return Err(ResultProblem::invalid("it ran no test"));
    }
    if n == u64::from(errors) {
        let message = format!("all {n} tests ended in an error");
        return Err(ResultProblem::EvalFailed(message));
    }
    let total = f64::from(successes) + f64::from(failures) + f64::from(errors);
    let rate = f64::from(successes) / total;
    let stderr = Some((rate * (1.0 - rate) / total).sqrt());
    let mut metrics = Metrics::default();
    metrics.add("pass_rate".to_owned(), Metric { value: rate, stderr, n: Some(n) })?;
    Ok(metrics)
}
