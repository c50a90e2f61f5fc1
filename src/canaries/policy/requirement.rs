//! The results of evals that a promotion may require.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::canaries::policy::PolicyError;
use crate::ids::{ConfigId, TaskId};

/// A result of an eval without which nothing is promoted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requirement {
    /// The task of the eval.
    pub task_id: String,
    /// The configuration of the eval; any when it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_id: Option<String>,
    /// The number of the result that counts, such as `accuracy`.
    pub metric: String,
    /// What the lower confidence bound of that number must reach.
    #[serde(serialize_with = "super::number::write")]
    pub min: f64,
    /// How old the result may be, in seconds; 7 days when it is not set.
    #[serde(default = "a_week")]
    pub max_age_seconds: u64,
    /// How many samples the eval must have scored; 1 when it is not set.
    #[serde(default = "one")]
    pub min_samples: u64,
}

fn a_week() -> u64 {
    604_800
}

fn one() -> u64 {
    1
}

impl Requirement {
    /// Refuses what no result can meet or no eval can be named by.
    pub(super) fn check(&self) -> Result<(), PolicyError> {
        if TaskId::parse(&self.task_id).is_err() {
            return Err(PolicyError::Name { field: "requires.taskId" });
        }
        if self.config_id.as_deref().is_some_and(|id| ConfigId::parse(id).is_err()) {
            return Err(PolicyError::Name { field: "requires.configId" });
        }
        if self.metric.is_empty() || 128 < self.metric.chars().count() {
            return Err(PolicyError::Metric);
        }
        if !self.min.is_finite() {
            return Err(PolicyError::Number { field: "requires.min" });
        }
        for (field, value) in [
            ("requires.maxAgeSeconds", self.max_age_seconds),
            ("requires.minSamples", self.min_samples),
        ] {
            if value == 0 {
                return Err(PolicyError::Least { field, least: 1 });
            }
        }
        Ok(())
    }
}
