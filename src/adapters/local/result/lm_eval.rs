//! The results file of lm-evaluation-harness, written with `--output_path {result_dir}`.
//!
//! A task's numbers are keyed `<metric>,<filter>` and `<metric>_stderr,<filter>`; what is not a
//! number there (`"N/A"`, an alias) is no metric.

use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;
use serde_json::Value;

use super::metrics::{Metrics, of_part};
use super::{ResultProblem, parse};
use crate::adapters::Metric;

#[derive(Deserialize)]
struct Document {
    results: BTreeMap<String, BTreeMap<String, Value>>,
    #[serde(default, rename = "n-samples")]
    n_samples: BTreeMap<String, SampleCount>,
}

#[derive(Deserialize)]
struct SampleCount {
    effective: u64,
}

pub(super) fn read(from: impl Read) -> Result<Metrics, ResultProblem> {
    let document: Document = parse(from)?;
    let is_lone = document.results.len() == 1;
    let mut metrics = Metrics::default();
    for (task, numbers) in &document.results {
        let n = document.n_samples.get(task).map(|count| count.effective);
        for (key, value) in numbers {
            let (Some((metric, filter)), Some(value)) = (key.split_once(','), value.as_f64())
            else {
                continue;
            };
            if metric.ends_with("_stderr") {
                continue;
            }
            let stderr = numbers.get(&format!("{metric}_stderr,{filter}")).and_then(Value::as_f64);
            let name = if filter == "none" { metric } else { key };
            metrics.add(of_part(task, is_lone, name), Metric { value, stderr, n })?;
        }
    }
    Ok(metrics)
}
