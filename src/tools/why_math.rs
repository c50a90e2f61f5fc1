//! `why_math`: the numbers behind a decision.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::adapters::Metric;
use crate::canaries::StoredSample;
use crate::clock::Timestamp;
use crate::ids::CanaryId;
use crate::store::audits::AuditRow;
use crate::store::canaries::{CanaryRow, CanaryStatus, Phase};
use crate::tools::schema::object;
use crate::tools::why::{details, facts_about};
use crate::tools::{Call, Doors, Effect, Reply, Tool, ToolError};

/// The 97.5 % quantile of the standard normal distribution: half the width of a two-sided 95 %
/// interval, in standard errors.
const Z_95: f64 = 1.959_963_984_540_054;

pub(super) struct WhyMath;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// The thing to ask about: a jobId or a canaryId.
    id: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    id: String,
    decision: Option<String>,
    reason: Option<String>,
    thresholds: Thresholds,
    observed: Observed,
    time_to_action_sec: Option<f64>,
    /// The metrics of an eval.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    statistics: BTreeMap<String, Statistic>,
    /// The last decision about a canary, with every number it was made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "object")]
    decision_record: Option<Box<RawValue>>,
    evidence: Vec<Evidence>,
}

/// Evals have none of these; the members are there for everybody.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Thresholds {
    latency_p95_ms: Option<f64>,
    max_error_rate: Option<f64>,
}

/// What was seen of a canary: the newest latency, and the error rate over all of its requests.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Observed {
    latency_p95_ms: Option<f64>,
    error_rate: Option<f64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Statistic {
    #[serde(flatten)]
    metric: Metric,
    /// `value ± 1.96 · stderr`: the normal approximation, where there is a standard error.
    #[serde(skip_serializing_if = "Option::is_none")]
    interval_95: Option<[f64; 2]>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Evidence {
    ts: String,
    action: String,
    payload_json: String,
}

#[async_trait]
impl Tool for WhyMath {
    const NAME: &'static str = "why_math";
    const TITLE: &'static str = "The numbers behind it";
    const DESCRIPTION: &'static str = "Gives the numbers behind what became of a job or a canary: \
        metrics with standard errors and intervals, or the record of the decision with every \
        number it was made of; the time it took, and the recorded facts as evidence.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let rows = facts_about(doors, &arguments.id).await?;
        match CanaryId::parse(&arguments.id) {
            Ok(id) => Ok(Reply::Answer(explain_canary(doors, &id, &rows).await?)),
            Err(_not_a_canary) => Ok(Reply::Answer(explain(arguments.id, &rows))),
        }
    }
}

async fn explain_canary(
    doors: &Doors,
    id: &CanaryId,
    rows: &[AuditRow],
) -> Result<Answer, ToolError> {
    let view = doors.canaries.find(id).await?;
    let last = doors.canaries.decisions(id).await?.pop();
    let newest = doors.canaries.samples(id, 1).await?.pop();
    let record: Value = last
        .as_ref()
        .and_then(|decision| serde_json::from_str(&decision.record_json).ok())
        .unwrap_or_default();
    let errors = record["evidence"]["metrics"]
        .as_array()
        .and_then(|metrics| metrics.iter().find(|metric| metric["metric"] == "error_rate"));
    let estimate = errors.and_then(|metric| {
        metric["counts"]["estimate"].as_f64().or(metric["scalars"]["last"].as_f64())
    });
    let targets = view.policy.targets();
    let row = &view.row;
    Ok(Answer {
        id: id.to_string(),
        decision: decision_about(row, &record),
        reason: row.reason.clone(),
        thresholds: Thresholds {
            latency_p95_ms: targets.latency_p95_ms,
            max_error_rate: targets.max_error_rate,
        },
        observed: Observed {
            latency_p95_ms: newest.as_ref().and_then(StoredSample::shown_latency_ms),
            error_rate: estimate.or(newest.as_ref().and_then(StoredSample::shown_error_rate)),
        },
        time_to_action_sec: row
            .decided_at
            .as_deref()
            .and_then(|at| {
                Some(Timestamp::parse(at).ok()?.since(Timestamp::parse(&row.created_at).ok()?))
            })
            .map(time::Duration::as_seconds_f64),
        statistics: BTreeMap::new(),
        decision_record: last.and_then(|row| RawValue::from_string(row.record_json).ok()),
        evidence: rows.iter().map(evidence).collect(),
    })
}

/// What became of a canary that is over: a dry run says what would have.
fn decision_about(row: &CanaryRow, record: &Value) -> Option<String> {
    match row.phase {
        Phase::Over if row.status == CanaryStatus::Pending => {
            record["decision"].as_str().map(str::to_owned)
        }
        Phase::Over => Some(row.status.as_str().to_owned()),
        _ => None,
    }
}

fn explain(id: String, rows: &[AuditRow]) -> Answer {
    let end = rows.iter().rev().find_map(|row| Some((decision(row)?, row)));
    let last = end.map(|(_, row)| details(row)).unwrap_or_default();
    let metrics = serde_json::from_value::<BTreeMap<String, Metric>>(last["metrics"].clone());
    let statistics = metrics.unwrap_or_default().into_iter().map(|(name, metric)| {
        let interval = |stderr| [metric.value - Z_95 * stderr, metric.value + Z_95 * stderr];
        (name, Statistic { metric, interval_95: metric.stderr.map(interval) })
    });
    Answer {
        id,
        decision: end.map(|(decision, _)| decision.to_owned()),
        reason: last["reason"].as_str().map(str::to_owned),
        thresholds: Thresholds::default(),
        observed: Observed::default(),
        time_to_action_sec: end.and_then(|(_, row)| seconds_between(rows.first()?, row)),
        statistics: statistics.collect(),
        decision_record: None,
        evidence: rows.iter().map(evidence).collect(),
    }
}

/// What a fact decided, if it is one that ends something.
fn decision(row: &AuditRow) -> Option<&'static str> {
    match row.action.as_str() {
        "job_complete" => Some("COMPLETED"),
        "job_fail" => Some("FAILED"),
        "job_cancel" if details(row)["phase"] == "done" => Some("CANCELLED"),
        _ => None,
    }
}

fn seconds_between(first: &AuditRow, last: &AuditRow) -> Option<f64> {
    let (first, last) = (Timestamp::parse(&first.ts).ok()?, Timestamp::parse(&last.ts).ok()?);
    Some(last.since(first).as_seconds_f64())
}

fn evidence(row: &AuditRow) -> Evidence {
    Evidence {
        ts: row.ts.clone(),
        action: row.action.clone(),
        payload_json: row.payload_json.clone(),
    }
}
