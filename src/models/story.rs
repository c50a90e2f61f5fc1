//! What is recorded of a move: the facts for the audit chain with their sentences, and the fields
//! of the events. The one place where a gate's story is worded.

use serde::Serialize;
use serde_json::{Value, json};

use crate::adapters::registry::PlaceChange;
use crate::ids::ModelId;
use crate::models::evidence::EvidenceReport;
use crate::store::gate_moves::{GateMoveRow, MoveKind};

/// A fact: its action, its details and its sentence.
pub(super) struct Fact {
    pub(super) action: &'static str,
    /// JSON.
    pub(super) details: String,
    pub(super) message: String,
}

fn named(model: Option<&str>) -> &str {
    model.unwrap_or("nothing")
}

fn because(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(": {reason}"))
}

fn on_behalf(row: &GateMoveRow) -> String {
    row.canary_id.as_ref().map_or_else(String::new, |canary| format!(" for {canary}"))
}

/// Everything about a move.
fn details(row: &GateMoveRow) -> Value {
    let evidence = row.evidence.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let cause = match (&row.canary_id, row.kind) {
        (Some(canary), _) => json!({ "kind": "canary", "canaryId": canary }),
        (None, MoveKind::Observe) => json!({ "kind": "elsewhere" }),
        (None, _) => json!({ "kind": "asked" }),
    };
    json!({
        "modelId": row.model_id,
        "gate": row.gate,
        "kind": row.kind.as_str(),
        "registry": row.registry,
        "before": row.before,
        "after": row.after,
        "cause": cause,
        "reason": row.reason,
        "evidence": evidence.unwrap_or(Value::Null),
        "move": row.id,
        "key": row.key,
    })
}

fn with(mut details: Value, more: Value) -> String {
    if let (Some(details), Value::Object(more)) = (details.as_object_mut(), more) {
        details.extend(more);
    }
    details.to_string()
}

fn json_text(details: &impl Serialize) -> String {
    serde_json::to_string(details).expect("strings and numbers are JSON")
}

/// A move is about to be made.
pub(super) fn intended(row: &GateMoveRow) -> Fact {
    let GateMoveRow { actor, gate, model_id, registry, .. } = row;
    let (before, after) = (named(row.before.as_deref()), named(row.after.as_deref()));
    let (on_behalf, because) = (on_behalf(row), because(row.reason.as_deref()));
    let message = match row.kind {
        MoveKind::Restore => format!(
            "{actor} wants {model_id} out of gate {gate}{on_behalf}, and {after} back{because}."
        ),
        MoveKind::Enter | MoveKind::Observe => format!(
            "{actor} wants {model_id} in gate {gate} of the {registry} registry{on_behalf}, in \
             place of {before}{because}."
        ),
    };
    Fact { action: "gate_intent", details: details(row).to_string(), message }
}

/// The local registry makes a move.
pub(super) fn set(change: &PlaceChange) -> Fact {
    let PlaceChange { gate, from, to, key, .. } = change;
    let after = to.as_ref().map_or("nothing", ModelId::as_str);
    let details = json!({
        "modelId": change.model, "gate": gate, "registry": "local", "before": from.holder,
        "after": to, "key": key,
    });
    let message = format!("Gate {gate} was set from {from} to {after} in the local registry.");
    Fact { action: "gate_set", details: details.to_string(), message }
}

/// The fact that everybody who knew the earlier server asks for; its details are locked.
pub(super) fn promoted(row: &GateMoveRow) -> Fact {
    /// In this order, as it always was.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Details<'a> {
        model_id: &'a str,
        gate: &'a str,
    }
    let details = json_text(&Details { model_id: &row.model_id, gate: &row.gate });
    let message = format!("{} promoted {} to gate {}.", row.actor, row.model_id, row.gate);
    Fact { action: "promote_model", details, message }
}

/// The fact that somebody rolled a model back.
pub(super) fn rolled_back(row: &GateMoveRow) -> Fact {
    let details = json!({ "modelId": row.model_id, "gate": row.gate, "reason": row.reason });
    let GateMoveRow { actor, model_id, gate, .. } = row;
    let because = because(row.reason.as_deref());
    let message = format!("{actor} rolled {model_id} back from gate {gate}{because}.");
    Fact { action: "rollback_model", details: details.to_string(), message }
}

/// A move was made, and read back.
pub(super) fn changed(row: &GateMoveRow) -> Fact {
    let GateMoveRow { gate, registry, .. } = row;
    let (before, after) = (named(row.before.as_deref()), named(row.after.as_deref()));
    let reference =
        row.reference.as_ref().map_or_else(String::new, |reference| format!(" at {reference}"));
    let message = format!(
        "Gate {gate} went from {before} to {after}; the {registry} registry was read and shows \
         it{reference}."
    );
    let more = json!({ "verified": true, "reference": row.reference });
    Fact { action: "gate_change", details: with(details(row), more), message }
}

/// A move was not made.
pub(super) fn abandoned(row: &GateMoveRow) -> Fact {
    let before = named(row.before.as_deref());
    let why = row.trouble.as_deref().unwrap_or("the registry does not show it");
    let message =
        format!("Gate {} was not moved: {why}; {before} stands there as before.", row.gate);
    let more = json!({ "trouble": row.trouble });
    Fact { action: "gate_abandon", details: with(details(row), more), message }
}

/// Somebody else moved the gate, and it was left as it is.
pub(super) fn conflicted(row: &GateMoveRow) -> Fact {
    let found = named(row.found.as_deref());
    let wanted = named(row.after.as_deref());
    let message = format!(
        "Gate {} was left as it is: {found} stands there, which is not what this daemon put \
         there, so {wanted} was not put in its place.",
        row.gate
    );
    let more = json!({ "found": row.found });
    Fact { action: "gate_conflict", details: with(details(row), more), message }
}

/// Somebody else moved the gate, and this is when it was seen.
pub(super) fn observed(row: &GateMoveRow) -> Fact {
    let (before, after) = (named(row.before.as_deref()), named(row.after.as_deref()));
    let GateMoveRow { gate, registry, .. } = row;
    let message = format!(
        "Gate {gate} of the {registry} registry was moved elsewhere: {after} stands there where \
         {before} was known."
    );
    Fact { action: "gate_observe", details: details(row).to_string(), message }
}

/// A promotion was refused for want of evidence.
pub(super) fn refused(actor: &str, model: &str, gate: &str, report: &EvidenceReport) -> Fact {
    let why = report.refusal();
    let message = format!("{actor} wanted {model} in gate {gate} and was refused: {why}.");
    let details = json!({ "modelId": model, "gate": gate, "evidence": report });
    Fact { action: "promote_refused", details: details.to_string(), message }
}

/// The name of the event about a move that is settled, and the fields of its payload.
pub(super) fn told(row: &GateMoveRow) -> (&'static str, Value) {
    use crate::store::gate_moves::MoveState::Done;
    let evidence = row.evidence.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let evidence: EvidenceReport = evidence.unwrap_or_default();
    let metrics: serde_json::Map<String, Value> =
        evidence.items.into_iter().map(|item| (item.rule.metric, json!(item.value))).collect();
    let mut fields = json!({
        "gate": row.gate,
        "registry": row.registry,
        "before": row.before,
        "after": row.after,
        "canaryId": row.canary_id,
        "reason": row.reason,
        "metrics": metrics,
        "reference": row.reference,
    });
    let name = match (row.state, row.kind) {
        // A canary that watches a model in a gate has promoted nothing yet; it tells that itself.
        (Done, MoveKind::Enter) if row.canary_id.is_none() => "promoted",
        (Done, MoveKind::Restore) => "rolled_back",
        (state, kind) => {
            fields["kind"] = json!(kind.as_str());
            fields["state"] = json!(state.as_str());
            fields["found"] = json!(row.found);
            "update"
        }
    };
    (name, fields)
}
