//! `canary_status`: how a canary stands, what was seen, and what was decided.

mod account;

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::account::Account;
use crate::canaries::policy::Policy;
use crate::canaries::rule::Report;
use crate::canaries::{
    CanaryView, Point, SERIES, Standings, StoredSample, decided_on, in_seconds, standings,
};
use crate::ids::{CanaryId, Entity};
use crate::store::canaries::{CanaryRow, Phase};
use crate::store::decisions::DecisionRow;
use crate::tools::schema::{object, optional_object, optional_policy, optional_text};
use crate::tools::waiting::Wait;
use crate::tools::words::{canary_phase, canary_status, data_quality, optional_data_quality};
use crate::tools::{Call, Doors, Effect, Reply, Tool, ToolError};

/// How many of the newest measurements are shown.
const SHOWN: u16 = 20;

/// How many can be.
const SHOWN_MOST: u16 = 500;

pub(super) struct CanaryStatusTool;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// The canary to look at, as `start_canary` named it.
    #[schemars(with = "String")]
    canary_id: CanaryId,
    /// How many of the newest measurements to show, 0 to 500; 20 when absent.
    #[schemars(range(max = 500))]
    observations: Option<u16>,
    /// Whether to show how the numbers and the evidence went since the start, in at most 500 points.
    #[serde(default)]
    series: bool,
    /// How many seconds to wait for its end before answering how it stands, 0 to 55; 0 when absent.
    #[schemars(range(max = 55))]
    wait_seconds: Option<u16>,
}

/// What `canary_status` and `list_canaries` both show.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    canary_id: String,
    model_id: String,
    from_gate: String,
    to_gate: String,
    #[schemars(schema_with = "canary_status")]
    status: &'static str,
    #[schemars(schema_with = "canary_phase")]
    phase: &'static str,
    created_at: String,
    updated_at: String,
    /// How it is judged, with every default, as `start_canary` takes it.
    #[schemars(schema_with = "optional_policy")]
    policy: Option<Policy>,
    dry_run: bool,
    principal: String,
    source: String,
    elapsed_seconds: f64,
    polls: i64,
    reason: Option<String>,
    decision_id: Option<String>,
    decided_at: Option<String>,
    /// What keeps it from going on.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

impl Shown {
    pub(super) fn of(row: CanaryRow) -> Self {
        Self {
            canary_id: row.canary_id,
            model_id: row.model_id,
            from_gate: row.from_gate,
            to_gate: row.to_gate,
            status: row.status.as_str(),
            phase: row.phase.as_str(),
            created_at: row.created_at,
            updated_at: row.updated_at,
            policy: serde_json::from_str(&row.policy_json).ok(),
            dry_run: row.dry_run,
            principal: row.principal,
            source: row.source,
            elapsed_seconds: in_seconds(Duration::from_millis(row.elapsed_ms.unsigned_abs())),
            polls: row.polls,
            reason: row.reason,
            decision_id: row.decision_id,
            decided_at: row.decided_at,
            trouble: row.trouble,
        }
    }
}

/// One measurement.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Observation {
    poll: i64,
    elapsed_seconds: f64,
    #[serde(rename = "latency_p95_ms")]
    latency_p95_ms: Option<f64>,
    #[serde(rename = "error_rate")]
    error_rate: Option<f64>,
    #[schemars(schema_with = "data_quality")]
    data_quality: &'static str,
    /// The measurement as it is stored.
    #[schemars(schema_with = "object")]
    measured: StoredSample,
}

impl Observation {
    fn of(sample: StoredSample) -> Self {
        Self {
            poll: sample.poll,
            elapsed_seconds: in_seconds(Duration::from_millis(sample.elapsed_ms)),
            latency_p95_ms: sample.shown_latency_ms(),
            error_rate: sample.shown_error_rate(),
            data_quality: sample.data_quality(),
            measured: sample,
        }
    }
}

/// What was decided.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Decision {
    #[serde(rename = "decisionId")]
    id: String,
    at: String,
    #[serde(rename = "decision")]
    #[schemars(schema_with = "optional_text")]
    verdict: Value,
    #[schemars(schema_with = "optional_text")]
    reason: Value,
    #[schemars(schema_with = "optional_text")]
    by: Value,
    #[schemars(schema_with = "optional_text")]
    said: Value,
    #[schemars(schema_with = "optional_object")]
    counterfactual: Value,
    hash: String,
}

impl Decision {
    pub(super) fn of(row: &DecisionRow) -> Self {
        let record: Value = serde_json::from_str(&row.record_json).unwrap_or_default();
        let member = |name: &str| record[name].clone();
        Self {
            id: row.decision_id.clone(),
            at: row.at.clone(),
            verdict: member("decision"),
            reason: member("reason"),
            by: member("by"),
            said: member("said"),
            counterfactual: member("counterfactual"),
            hash: row.hash.clone(),
        }
    }
}

/// What a snapshot adds to a canary: the newest look, and what the evidence amounts to, or amounted
/// to when it was decided.
#[derive(Debug, Serialize, JsonSchema)]
struct Newest {
    latency_p95_ms: Option<f64>,
    error_rate: Option<f64>,
    #[serde(rename = "dataQuality")]
    #[schemars(schema_with = "optional_data_quality")]
    data_quality: Option<&'static str>,
    #[schemars(schema_with = "optional_object")]
    evidence: Option<Standings>,
}

impl Newest {
    fn of(view: &CanaryView, series: &[Point], last: Option<&DecisionRow>) -> Self {
        let now = view.report().map(|report| standings(&report));
        Self {
            latency_p95_ms: series.last().and_then(|point| point.latency_p95_ms),
            error_rate: series.last().and_then(|point| point.error_rate),
            data_quality: series.last().map(|point| point.data_quality),
            evidence: now.or_else(|| decided_on(&last?.record_json)),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    #[serde(flatten)]
    shown: Shown,
    /// What is left of the window, in seconds of its own clock.
    remaining_seconds: f64,
    /// What the evidence amounts to: as of now, or as the last decision found it.
    #[schemars(schema_with = "optional_object")]
    evidence: Option<Value>,
    /// The newest measurements, oldest first.
    observations: Vec<Observation>,
    /// How it went since the start, oldest first, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<Vec<Point>>,
    /// Where it came to by then, as a page's snapshot shows it; with the series.
    #[serde(skip_serializing_if = "Option::is_none")]
    standing: Option<Newest>,
    /// The decisions so far, oldest first.
    decisions: Vec<Decision>,
}

#[async_trait]
impl Tool for CanaryStatusTool {
    const NAME: &'static str = "canary_status";
    const TITLE: &'static str = "Status of a canary";
    const DESCRIPTION: &'static str = "Says how a canary stands: its status and phase, what was \
        measured, what the evidence amounts to against what a verdict needs, and what was decided. \
        With waitSeconds it waits for the end, and tells of each look meanwhile.";
    const EFFECT: Effect = Effect::Reads;
    const OPENS_APP: bool = true;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(call: Call<'_>, arguments: Arguments) -> Result<Reply<Answer>, ToolError> {
        let limit = arguments.observations.unwrap_or(SHOWN);
        if SHOWN_MOST < limit {
            return Err(ToolError::InvalidArguments(format!(
                "canary_status: observations must be between 0 and {SHOWN_MOST}"
            )));
        }
        let (doors, id) = (call.doors, &arguments.canary_id);
        let wait = Wait::begin(call, Self::NAME, Entity::canary(id), arguments.wait_seconds)?;
        let mut view = doors.canaries.find(id).await?;
        if let Some(mut wait) = wait {
            let mut account = Account::to(call.client);
            account.tell(&view);
            while view.row.phase != Phase::Over && wait.goes_on().await {
                view = doors.canaries.find(id).await?;
                account.tell(&view);
            }
        }
        Ok(Reply::Answer(shown(doors, &view, (limit, arguments.series)).await?))
    }
}

/// How a canary stands, with as much of its past as is asked for.
async fn shown(
    doors: &Doors,
    view: &CanaryView,
    (observations, series): (u16, bool),
) -> Result<Answer, ToolError> {
    let id = view.canary_id();
    let samples = doors.canaries.samples(&id, observations).await?;
    let series = if series { Some(doors.canaries.series(view, SERIES).await?) } else { None };
    let decisions = doors.canaries.decisions(&id).await?;
    let newest = |series: &Vec<Point>| Newest::of(view, series, decisions.last());
    Ok(Answer {
        standing: series.as_ref().map(newest),
        shown: Shown::of(view.row.clone()),
        remaining_seconds: in_seconds(view.remaining()),
        evidence: evidence(view, decisions.last()),
        observations: samples.into_iter().map(Observation::of).collect(),
        series,
        decisions: decisions.iter().map(Decision::of).collect(),
    })
}

/// What is answered about a canary that nothing more is asked about.
pub(super) async fn status(doors: &Doors, view: &CanaryView) -> Result<Answer, ToolError> {
    shown(doors, view, (SHOWN, false)).await
}

pub(super) fn evidence(view: &CanaryView, last: Option<&DecisionRow>) -> Option<Value> {
    let now = view.report().map(|report: Report| json!(report));
    now.or_else(|| {
        let record: Value = serde_json::from_str(&last?.record_json).ok()?;
        Some(record["evidence"].clone())
    })
}
