//! Which events are told, and how: pure.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::adapters::webhook::Notification;
use crate::ids::EntityKind;
use crate::store::events::CommittedEvent;
use crate::store::sha256_hex;

/// Whether an event is a transition that webhooks are told of. Observations are none, and jobs
/// come in floods.
pub(super) fn is_told(kind: EntityKind, event_type: &str) -> bool {
    match kind {
        EntityKind::Job => false,
        EntityKind::Canary => event_type != "metric",
        EntityKind::Model => true,
    }
}

/// What a program gets.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    seq: i64,
    /// `canary.promoted`, `model.rolled_back` and so on.
    #[serde(rename = "type")]
    kind: String,
    data: &'a RawValue,
}

/// Says an event; `None` if its payload is no JSON object.
pub(super) fn notification(event: &CommittedEvent) -> Option<Notification> {
    let payload: Value = serde_json::from_str(&event.payload).ok()?;
    let data = RawValue::from_string(event.payload.to_string()).ok()?;
    let delivery = format!("{}-{}", event.seq, sha256_hex(event.payload.as_bytes()).get(..16)?);
    let kind = format!("{}.{}", event.entity.kind.as_str(), event.event_type);
    let body = Body { id: &delivery, seq: event.seq, kind, data: &data };
    let body = serde_json::to_string(&body).ok()?;
    Some(Notification { sentence: sentence(event, &payload), delivery, body })
}

/// When it happened, as its payload says.
pub(super) fn happened(event: &CommittedEvent) -> Option<String> {
    let payload: Value = serde_json::from_str(&event.payload).ok()?;
    payload["ts"].as_str().map(str::to_owned)
}

fn sentence(event: &CommittedEvent, payload: &Value) -> String {
    let text = |name: &str| payload[name].as_str().filter(|text| !text.is_empty());
    let (kind, id) = (event.entity.kind, &event.entity.id);
    let who = match (kind, text("modelId")) {
        (EntityKind::Canary, Some(model)) => format!("Canary {id} of {model}"),
        (EntityKind::Canary, None) => format!("Canary {id}"),
        (EntityKind::Model, _) => format!("Model {id}"),
        (EntityKind::Job, _) => format!("Job {id}"),
    };
    let what = match (&*event.event_type, text("status")) {
        ("started", _) => "was started".to_owned(),
        ("promoted", _) => "was promoted".to_owned(),
        ("rolled_back", _) => "was rolled back".to_owned(),
        ("update", _) if text("trouble").is_some() => {
            format!("waits, because {}", text("trouble").unwrap_or_default())
        }
        ("update", Some(status)) => match text("phase") {
            Some(phase) => format!("is {} now", phase.replace('_', " ")),
            None => format!("changed to {status}"),
        },
        (other, _) => format!("changed ({other})"),
    };
    let to = text("toGate").or_else(|| text("gate"));
    let place = match (text("fromGate"), to) {
        (Some(from), Some(to)) => format!(" (from {from} to {to})"),
        (None, Some(gate)) => format!(" in {gate}"),
        (_, None) => String::new(),
    };
    let reason = text("reason").map_or("", |reason| reason.trim_end_matches('.'));
    let colon = if reason.is_empty() { "" } else { ": " };
    format!("{who} {what}{place}{colon}{reason}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Entity;
    use serde_json::json;

    fn event(topic: &str, event_type: &str, mut payload: Value) -> CommittedEvent {
        payload["ts"] = json!("2026-11-21T00:00:00.000Z");
        CommittedEvent {
            seq: 7,
            entity: Entity::parse(topic).unwrap(),
            event_type: event_type.into(),
            payload: payload.to_string().into(),
        }
    }

    #[track_caller]
    fn check(topic: &str, event_type: &str, payload: Value, expected: &str) {
        assert_eq!(notification(&event(topic, event_type, payload)).unwrap().sentence, expected);
    }

    #[test]
    fn transitions_of_canaries_and_models_are_told_and_nothing_else() {
        assert!(is_told(EntityKind::Canary, "started"));
        assert!(is_told(EntityKind::Canary, "update"));
        assert!(is_told(EntityKind::Model, "promoted"));
        assert!(!is_told(EntityKind::Canary, "metric"));
        assert!(!is_told(EntityKind::Job, "completed"));
    }

    #[test]
    fn a_sentence_says_who_what_where_and_why() {
        let gates = json!({ "modelId": "ranker:2", "fromGate": "staging", "toGate": "production" });
        let started = "Canary canary_x of ranker:2 was started (from staging to production).";
        check("canary/canary_x", "started", gates, started);
        let why = json!({ "gate": "production", "reason": "too many errors." });
        let back = "Canary canary_x was rolled back in production: too many errors.";
        check("canary/canary_x", "rolled_back", why, back);
        check("model/ranker:2", "promoted", json!({}), "Model ranker:2 was promoted.");
        let paused = json!({ "status": "PAUSED" });
        check("canary/canary_x", "update", paused, "Canary canary_x changed to PAUSED.");
        let asks = json!({ "status": "RUNNING", "phase": "awaiting_approval" });
        check("canary/canary_x", "update", asks, "Canary canary_x is awaiting approval now.");
        let stuck = json!({ "status": "RUNNING", "trouble": "the registry is silent" });
        let waits = "Canary canary_x waits, because the registry is silent.";
        check("canary/canary_x", "update", stuck, waits);
    }

    #[test]
    fn a_body_holds_the_event_and_an_id_that_stays_the_same() {
        let event = event("model/m", "promoted", json!({ "gate": "p" }));
        let one = notification(&event).unwrap();
        assert_eq!(one, notification(&event).unwrap());
        let body: Value = serde_json::from_str(&one.body).unwrap();
        assert_eq!((&body["type"], &body["seq"]), (&json!("model.promoted"), &json!(7)));
        assert_eq!((&body["id"], &body["data"]["gate"]), (&json!(one.delivery), &json!("p")));
        assert!(one.delivery.starts_with("7-"), "{}", one.delivery);
    }
}
