//! Evidence as an argument: what an eval must have shown before a model may enter a gate.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::ids::{ConfigId, TaskId};
use crate::models::EvidenceRule;
use crate::tools::ToolError;

/// How many rules a call may have.
const MOST: usize = 16;

/// The longest name of a metric.
const NAME_LENGTH: usize = 200;

/// The oldest a job may be allowed to be, in seconds: ten years.
const OLDEST: u64 = 315_360_000;

/// What an eval must have shown.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RequiredEvidence {
    /// The eval task whose newest completed job counts.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9._-]{1,128}$"))]
    task_id: TaskId,
    /// Only jobs with this configuration; any when absent.
    #[schemars(with = "Option<String>", regex(pattern = r"^[A-Za-z0-9._-]{1,128}$"))]
    config_id: Option<ConfigId>,
    /// The metric, as the eval names it. It needs a standard error.
    #[schemars(length(min = 1, max = 200))]
    metric: String,
    /// What the lower 95 % confidence bound of the metric (value - 1.645 * stderr) must reach.
    min: f64,
    /// How old the job may be, in seconds, counted from its completion.
    #[schemars(range(min = 1, max = 315_360_000))]
    max_age_seconds: u64,
    /// How many samples the metric must rest on at least.
    #[schemars(range(min = 1))]
    min_samples: Option<u64>,
}

/// Checks what a schema cannot, and makes rules of it.
pub(super) fn rules(
    tool: &str,
    required: Vec<RequiredEvidence>,
) -> Result<Vec<EvidenceRule>, ToolError> {
    let invalid = |what: String| ToolError::InvalidArguments(format!("{tool}: {what}"));
    if MOST < required.len() {
        return Err(invalid(format!("requires must have at most {MOST} entries")));
    }
    let rule = |(n, required): (usize, RequiredEvidence)| {
        let at = |what: &str| Err(invalid(format!("requires[{n}].{what}")));
        if !(1..=NAME_LENGTH).contains(&required.metric.chars().count()) {
            return at("metric must have 1 to 200 characters");
        }
        if !required.min.is_finite() {
            return at("min must be a finite number");
        }
        if !(1..=OLDEST).contains(&required.max_age_seconds) {
            return at("maxAgeSeconds must be between 1 and 315360000");
        }
        Ok(EvidenceRule {
            task_id: required.task_id,
            config_id: required.config_id,
            metric: required.metric,
            min: required.min,
            max_age_seconds: required.max_age_seconds,
            min_samples: required.min_samples,
        })
    };
    required.into_iter().enumerate().map(rule).collect()
}
