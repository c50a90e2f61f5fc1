//! The choices of a policy that are words and not numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens at the end of the window when the evidence proves neither side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnInconclusive {
    /// Roll back.
    #[default]
    Rollback,
    /// Wait for a person.
    Hold,
    /// Watch on for up to `maxExtendSeconds`, then roll back.
    Extend,
}

/// What happens after three polls in a row without data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnNoData {
    /// Roll back at once.
    #[default]
    Rollback,
    /// Wait for the end of the window; missing data still counts against a promotion.
    Wait,
}

/// What a canary is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Its targets.
    #[default]
    Absolute,
    /// Its targets, and the gate it comes from: a breach that both share rolls nothing back.
    Both,
}

/// When the model is put into the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateChange {
    /// When the canary starts, so that it is watched where it will stand.
    #[default]
    AtStart,
    /// Only when it is promoted.
    AtPromotion,
}

/// A step that a person may have to approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The start of the canary.
    Start,
    /// Its promotion.
    Promote,
}

/// Which steps wait for a person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approval {
    /// The steps; none waits when this is empty.
    #[serde(default)]
    pub before: Vec<Step>,
}
