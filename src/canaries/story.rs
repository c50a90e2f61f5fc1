//! What is recorded of a canary: the facts for the audit chain and their sentences, and the fields
//! of the events. The one place where a canary's story is worded.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::canaries::decision::{self, Decided, Verdict};
use crate::canaries::evidence_story;
use crate::canaries::machine::Command;
use crate::canaries::numbers::{in_seconds, milliseconds, percent, seconds};
use crate::canaries::record::{Ending, Measured, SYSTEM};
use crate::canaries::view::CanaryView;
use crate::store::canaries::CanaryStatus;
use crate::store::decisions::DecisionRow;

/// A fact: its action, its details and its sentence.
pub(super) struct Fact {
    pub(super) action: &'static str,
    pub(super) details: Value,
    pub(super) message: String,
}

/// The members that every fact about a canary has.
fn head(view: &CanaryView) -> Value {
    let row = &view.row;
    json!({
        "canaryId": row.canary_id, "modelId": row.model_id,
        "fromGate": row.from_gate, "toGate": row.to_gate,
    })
}

fn with(mut details: Value, more: Value) -> Value {
    if let (Some(details), Value::Object(more)) = (details.as_object_mut(), more) {
        details.extend(more);
    }
    details
}

/// The targets in words.
fn targets(view: &CanaryView) -> String {
    let targets = view.policy.targets();
    let errors =
        targets.max_error_rate.map(|rate| format!("at most {} of requests fail", percent(rate)));
    let latency = targets
        .latency_p95_ms
        .map(|limit| format!("95 % of requests take at most {}", milliseconds(limit)));
    [errors, latency].into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

/// What a canary's decision answers.
pub(super) fn question(view: &CanaryView) -> String {
    let row = &view.row;
    let window = seconds(view.policy.window().as_secs_f64());
    format!(
        "Does {} in {} keep its targets for {window}: {}?",
        row.model_id,
        row.to_gate,
        targets(view)
    )
}

pub(super) fn accepted(view: &CanaryView, feasibility: &Value) -> Fact {
    let row = &view.row;
    let what = if row.dry_run { "a dry run of a canary" } else { "a canary" };
    let window = seconds(view.policy.window().as_secs_f64());
    let mut message = format!(
        "{} asked for {what} of {} from {} to {}: for {window}, {}.",
        row.principal,
        row.model_id,
        row.from_gate,
        row.to_gate,
        targets(view),
    );
    if let Some(sentence) = feasibility["sentence"].as_str() {
        // Writing to a string cannot fail.
        let _ = write!(message, " {sentence}");
    }
    let details = json!({
        "dryRun": row.dry_run, "policy": &*view.policy, "source": row.source,
        "feasibility": feasibility,
    });
    Fact { action: "canary_start", details: with(head(view), details), message }
}

pub(super) fn entered(view: &CanaryView, moved: Option<&Value>) -> Fact {
    let row = &view.row;
    let message = match moved {
        None => {
            format!("{} is watched; {} is changed when it is promoted.", row.model_id, row.to_gate)
        }
        Some(moved) => match moved["before"].as_str() {
            Some(before) if before == row.model_id => {
                format!("{} stood in {} already; it is watched there.", row.model_id, row.to_gate)
            }
            Some(before) => format!(
                "{} took the place of {before} in {} and is watched there.",
                row.model_id, row.to_gate
            ),
            None => format!("{} entered {} and is watched there.", row.model_id, row.to_gate),
        },
    };
    let details = with(head(view), json!({ "move": moved }));
    Fact { action: "canary_observe", details, message }
}

pub(super) fn commanded(view: &CanaryView, command: Command, by: &str, said: Option<&str>) -> Fact {
    let because = said.map_or_else(String::new, |said| format!(": {said}"));
    let at = seconds(view.elapsed().as_secs_f64());
    let (action, message) = match command {
        Command::Pause => ("canary_pause", format!("{by} stopped its clock after {at}{because}.")),
        Command::Resume => {
            ("canary_resume", format!("{by} let its clock run on from {at}{because}."))
        }
        Command::Approve => ("canary_approve", format!("{by} approved its start{because}.")),
        Command::Abort => ("canary_abort", format!("{by} aborted it{because}.")),
        Command::PromoteNow => ("canary_promote", format!("{by} had it promoted{because}.")),
    };
    Fact { action, details: with(head(view), json!({ "reason": said })), message }
}

/// The fact that a decision was made; what the registry made of it is told afterwards.
pub(super) fn decided(view: &CanaryView, decided: &Decided, record: &DecisionRow) -> Fact {
    let details = json!({
        "phase": "decided",
        "decisionId": record.decision_id,
        "decisionHash": record.hash,
        "decision": decided.name(view.row.dry_run),
        "reason": decided.reason,
        "said": decided.said,
        "metrics": metrics(view),
    });
    let action = action(decided);
    Fact { action, details: with(head(view), details), message: verdict(view, decided) }
}

fn action(decided: &Decided) -> &'static str {
    match decided.verdict {
        Verdict::Promote => "canary_promote",
        Verdict::Ask => "canary_ask",
        Verdict::RollBack if decided.reason == decision::ABORTED => "canary_abort",
        // The window ran out without proof, which is no fault that was seen.
        Verdict::RollBack if decided.is_for_want_of_proof() => "canary_timeout",
        Verdict::RollBack => "canary_rollback",
    }
}

/// A decision as a sentence that an auditor understands, with what it rests on and what would have
/// changed it.
fn verdict(view: &CanaryView, decided: &Decided) -> String {
    let report = view.report();
    let at = seconds(view.elapsed().as_secs_f64());
    let would = view.row.dry_run && decided.by == SYSTEM;
    let mut text = match (decided.verdict, would) {
        (Verdict::Promote, false) => format!("To be promoted after {at}"),
        (Verdict::Promote, true) => format!("It would be promoted after {at}"),
        (Verdict::RollBack, false) => format!("To be rolled back after {at}"),
        (Verdict::RollBack, true) => format!("It would be rolled back after {at}"),
        (Verdict::Ask, _) => format!("Somebody has to decide after {at}"),
    };
    if decided.by != SYSTEM {
        // Writing to a string cannot fail.
        let _ = write!(text, ", by {}", decided.by);
    }
    let because = decided.said.as_deref().map_or_else(String::new, |said| format!(": {said}"));
    let _ = write!(text, ", because {}{because}.", decision::in_words(&decided.reason));
    if let Some(report) = &report {
        for metric in &report.metrics {
            let _ = write!(text, " {}", evidence_story::of_metric(metric));
        }
        if let Some(counterfactual) = decided.counterfactual(report) {
            let _ = write!(text, " {}", counterfactual.sentence);
        }
    }
    if let Some(evals) = decided.evals.as_ref().and_then(|evals| evals["items"].as_array()) {
        for sentence in evals.iter().filter_map(|item| item["sentence"].as_str()) {
            let _ = write!(text, " Eval: {sentence}.");
        }
    }
    text
}

/// The fact that the registry has done its part.
pub(super) fn ended(view: &CanaryView, ending: &Ending) -> Fact {
    let row = &view.row;
    let (gate, model) = (&row.to_gate, &row.model_id);
    let registry = ending.gate["registry"].as_str().unwrap_or_default();
    let verified = format!("as read back from the {registry} registry");
    let (action, message) = match ending.status {
        CanaryStatus::Promoted => {
            ("canary_promote", format!("Promoted: {model} stands in {gate}, {verified}."))
        }
        status => {
            let head = if status == CanaryStatus::Failed { "Failed" } else { "Rolled back" };
            let message = if ending.gate["conflict"] == true {
                let found = ending.gate["found"].as_str().unwrap_or("nothing");
                format!(
                    "{head}: {gate} was left as it is, because somebody else put {found} there \
                     in the meantime."
                )
            } else if ending.gate["holder"] == **model {
                format!(
                    "{head}: {model} stood in {gate} before this canary and was left there, as \
                     there was nothing to put back; roll it back with rollback_model."
                )
            } else if ending.gate["unchanged"] == true {
                format!(
                    "{head}: {model} does not stand in {gate} by this canary, so that there was nothing to put back."
                )
            } else {
                match ending.gate["after"].as_str() {
                    Some(before) => {
                        format!("{head}: {gate} was put back from {model} to {before}, {verified}.")
                    }
                    None => format!("{head}: {model} left {gate} again, {verified}."),
                }
            };
            ("canary_rollback", message)
        }
    };
    let details = json!({
        "phase": "done", "status": ending.status.as_str(), "reason": row.reason,
        "decisionId": row.decision_id, "gate": ending.gate,
    });
    Fact { action, details: with(head(view), details), message }
}

/// The newest numbers, as the wire shows them.
fn metrics(view: &CanaryView) -> Value {
    match &view.newest {
        None => json!({ "latency_p95_ms": null, "error_rate": null }),
        Some(sample) => json!({
            "latency_p95_ms": sample.shown_latency_ms(),
            "error_rate": sample.shown_error_rate(),
        }),
    }
}

/// The members that every event about a canary has beside its own.
fn fields(view: &CanaryView) -> Value {
    let row = &view.row;
    let mut fields = json!({
        "status": row.status.as_str(), "phase": row.phase.as_str(), "modelId": row.model_id,
        "fromGate": row.from_gate, "toGate": row.to_gate, "gate": view.watched_gate(),
    });
    if row.dry_run {
        fields["dryRun"] = json!(true);
    }
    fields
}

pub(super) fn started(view: &CanaryView) -> (&'static str, Value) {
    ("started", with(fields(view), json!({ "policy": &*view.policy })))
}

pub(super) fn updated(view: &CanaryView) -> (&'static str, Value) {
    (
        "update",
        with(fields(view), json!({ "reason": view.row.reason, "trouble": view.row.trouble })),
    )
}

pub(super) fn metric(view: &CanaryView, measured: &Measured) -> (&'static str, Value) {
    let sample = &measured.sample;
    let mut more = json!({
        "latency_p95_ms": sample.shown_latency_ms(),
        "error_rate": sample.shown_error_rate(),
        "source": view.row.source,
        "dataQuality": sample.data_quality(),
        "poll": sample.poll,
        "elapsedSeconds": in_seconds(view.elapsed()),
        "remainingSeconds": in_seconds(view.remaining()),
    });
    if !measured.standings.is_empty() {
        more["evidence"] = json!(measured.standings);
    }
    ("metric", with(fields(view), more))
}

/// The event of a model that a canary let stay in its gate.
pub(super) fn model_promoted(view: &CanaryView, ending: &Ending) -> (&'static str, Value) {
    let row = &view.row;
    let fields = json!({
        "gate": row.to_gate, "canaryId": row.canary_id, "reason": row.reason,
        "metrics": metrics(view), "registry": ending.gate["registry"],
        "after": row.model_id, "reference": ending.gate["reference"],
    });
    ("promoted", fields)
}

/// The event of a canary that is over.
pub(super) fn over(view: &CanaryView) -> (&'static str, Value) {
    let name = match view.row.status {
        CanaryStatus::Promoted => "promoted",
        CanaryStatus::RolledBack => "rolled_back",
        _ => "update",
    };
    let more = json!({
        "metrics": metrics(view), "reason": view.row.reason, "decisionId": view.row.decision_id,
    });
    (name, with(fields(view), more))
}
