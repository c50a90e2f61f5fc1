//! A report for programs.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::canaries::Point;
use crate::store::audits::AuditRow;
use crate::store::decisions::DecisionRow;
use crate::tools::canary_status::{Shown as ShownCanary, evidence};
use crate::tools::documents::parts;
use crate::tools::list_models::Shown as ShownModel;
use crate::tools::model_history::Shown as ShownMove;
use crate::tools::report::Known;
use crate::tools::status::Shown as ShownJob;
use crate::tools::subject::Subject;
use crate::tools::{ToolError, failed_to_write};

/// What it is, so that a reader of later years knows.
const FORM: &str = "lukhas-mcp report 1";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    #[serde(rename = "report")]
    form: &'static str,
    id: &'a str,
    kind: &'static str,
    title: String,
    updated_at: String,
    /// The program that wrote it.
    version: &'static str,
    status: Status<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    decisions: Vec<Decision<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    series: &'a [Point],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    moves: Vec<ShownMove>,
    facts: Vec<Fact<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Status<'a> {
    Job(Box<ShownJob<'a>>),
    Canary(Box<ShownCanary>),
    Model(ShownModel),
}

/// A decision with its whole record, from which it can be made again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Decision<'a> {
    #[serde(rename = "decisionId")]
    id: &'a str,
    at: &'a str,
    /// SHA-256 over the record's text.
    hash: &'a str,
    /// Whether it still is.
    intact: bool,
    record: Box<RawValue>,
}

/// A fact with its place in the audit chain.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fact<'a> {
    row: i64,
    ts: &'a str,
    actor: &'a str,
    action: &'a str,
    message: &'a str,
    details: Box<RawValue>,
    prev_hash: &'a str,
    hash: &'a str,
}

fn raw(json: &str) -> Result<Box<RawValue>, ToolError> {
    RawValue::from_string(json.to_owned()).map_err(failed_to_write)
}

fn decision(row: &DecisionRow) -> Result<Decision<'_>, ToolError> {
    Ok(Decision {
        id: &row.decision_id,
        at: &row.at,
        hash: &row.hash,
        intact: row.is_intact(),
        record: raw(&row.record_json)?,
    })
}

fn fact(row: &AuditRow) -> Result<Fact<'_>, ToolError> {
    Ok(Fact {
        row: row.id,
        ts: &row.ts,
        actor: &row.actor,
        action: &row.action,
        message: &row.message,
        details: raw(&row.payload_json)?,
        prev_hash: &row.prev_hash,
        hash: &row.hash,
    })
}

pub(super) fn of(known: &Known) -> Result<String, ToolError> {
    let parts = parts(&known.subject, known.registry, &known.decisions, &known.facts);
    let (status, evidence) = match &known.subject {
        Subject::Job(view) => (Status::Job(Box::new(ShownJob::of(&view.row)?)), None),
        Subject::Canary(view) => {
            let shown = ShownCanary::of(view.row.clone());
            (Status::Canary(Box::new(shown)), evidence(view, known.decisions.last()))
        }
        Subject::Model(found) => (Status::Model(found.clone().into()), None),
    };
    let report = Report {
        form: FORM,
        id: &known.id,
        kind: known.subject.kind().as_str(),
        title: parts.title,
        updated_at: parts.updated_at,
        version: env!("CARGO_PKG_VERSION"),
        status,
        evidence,
        decisions: known.decisions.iter().map(decision).collect::<Result<_, _>>()?,
        series: &known.looks,
        moves: known.moves.iter().cloned().map(ShownMove::from).collect(),
        facts: known.facts.iter().map(fact).collect::<Result<_, _>>()?,
    };
    let mut text = serde_json::to_string_pretty(&report).map_err(failed_to_write)?;
    text.push('\n');
    Ok(text)
}
