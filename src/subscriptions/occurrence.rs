//! What a row of the event log is for who follows a kind of events. Pure.

use serde_json::{Map, Value, json};

use crate::store::events::CommittedEvent;
use crate::store::sha256_hex;
use crate::subscriptions::catalogue::{Condition, EventKind};
use crate::subscriptions::filter::Filter;

/// How long the data of an occurrence may be, in bytes. What surrounds it always fits beside it into
/// what a webhook takes.
const LONGEST: usize = 256_000;

/// Members that an occurrence cannot do without.
const NEEDED: [&str; 6] = ["topic", "type", "ts", "jobId", "canaryId", "modelId"];

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Occurrence {
    /// Its place in the order of all events.
    pub(super) seq: i64,
    /// What it is known by, however often and however it is told.
    pub(super) event_id: String,
    pub(super) name: &'static str,
    pub(super) timestamp: String,
    pub(super) data: Map<String, Value>,
    /// About how long it is as text, in bytes.
    pub(super) length: usize,
}

impl Occurrence {
    /// What an event is among those that are followed; `None` if it is none of them.
    pub(super) fn of(kind: &EventKind, filter: &Filter, event: &CommittedEvent) -> Option<Self> {
        if event.entity.kind != kind.entity || *event.event_type != *kind.event_type {
            return None;
        }
        let payload: Map<String, Value> = serde_json::from_str(&event.payload).ok()?;
        let is_meant = match kind.condition {
            Condition::Always => true,
            Condition::Member(name, value) => {
                payload.get(name).and_then(Value::as_str) == Some(value)
            }
        };
        if !is_meant || !filter.covers(&payload) {
            return None;
        }
        let timestamp = payload.get("ts")?.as_str()?.to_owned();
        let (data, length) = shortened(payload, event.payload.len());
        let event_id = event_id(event);
        Some(Self { seq: event.seq, event_id, name: kind.name, timestamp, data, length })
    }

    /// The occurrence as clients get it; `cursor` is the position after it, where that is told.
    pub(super) fn told(&self, cursor: Option<&str>) -> Value {
        let mut told = json!({
            "eventId": self.event_id,
            "name": self.name,
            "timestamp": self.timestamp,
            "data": self.data,
        });
        if let Some(cursor) = cursor {
            told["cursor"] = json!(cursor);
        }
        told
    }
}

/// What an event is known by: its place, and what it says. A database that was put back to an earlier
/// state uses places again, but not for the same.
fn event_id(event: &CommittedEvent) -> String {
    let digest = sha256_hex(event.payload.as_bytes());
    format!("evt_{}_{}", event.seq, &digest[..16])
}

/// Leaves out the longest members of a payload until it is short enough, and says which.
fn shortened(mut payload: Map<String, Value>, length: usize) -> (Map<String, Value>, usize) {
    let mut length = length;
    let mut omitted = Vec::new();
    while LONGEST < length {
        let size = |value: &Value| value.to_string().len();
        let others = payload.iter().filter(|(name, _)| !NEEDED.contains(&name.as_str()));
        let longest = others.max_by_key(|(_, value)| size(value)).map(|(name, _)| name.clone());
        let Some((name, value)) = longest.and_then(|name| payload.remove_entry(&name)) else {
            break;
        };
        length = length.saturating_sub(size(&value) + name.len());
        omitted.push(name);
    }
    if !omitted.is_empty() {
        payload.insert("omitted".to_owned(), json!(omitted));
    }
    (payload, length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Entity;
    use crate::subscriptions::catalogue::{KINDS, find};

    fn event(topic: &str, event_type: &str, mut payload: Value) -> CommittedEvent {
        let entity = Entity::parse(topic).unwrap();
        payload["topic"] = json!(topic);
        payload["type"] = json!(event_type);
        payload["ts"] = json!("2026-11-21T00:00:00.000Z");
        payload[entity.kind.id_member()] = json!(entity.id);
        let (event_type, payload) = (event_type.into(), payload.to_string().into());
        CommittedEvent { seq: 7, entity, event_type, payload }
    }

    fn all() -> Filter {
        Filter::read(&KINDS[0], &Map::new()).unwrap()
    }

    #[track_caller]
    fn check(event: &CommittedEvent, expected: &[&str]) {
        let is_of = |kind: &&EventKind| Occurrence::of(kind, &all(), event).is_some();
        let kinds: Vec<&str> = KINDS.iter().filter(is_of).map(|kind| kind.name).collect();
        assert_eq!(kinds, expected, "{event:?}");
    }

    #[test]
    fn a_row_of_the_log_is_what_its_name_and_its_payload_say() {
        let job = |name| event("job/job_x", name, json!({ "status": "X" }));
        check(&job("queued"), &["job.queued"]);
        check(&job("running"), &["job.running"]);
        check(&job("update"), &["job.progress"]);
        check(&job("completed"), &["job.completed"]);
        check(&job("failed"), &["job.failed"]);
        check(&job("cancelled"), &["job.cancelled"]);
        check(&job("promoted"), &[]);
        let canary = |name, payload| event("canary/canary_x", name, payload);
        check(&canary("started", json!({})), &["canary.started"]);
        check(&canary("metric", json!({})), &["canary.metric"]);
        check(&canary("update", json!({ "phase": "paused" })), &["canary.updated"]);
        let awaits = json!({ "phase": "awaiting_approval" });
        check(&canary("update", awaits), &["canary.updated", "canary.awaiting_approval"]);
        let failed = json!({ "status": "FAILED" });
        check(&canary("update", failed), &["canary.updated", "canary.failed"]);
        check(&canary("promoted", json!({})), &["canary.promoted"]);
        let breach = json!({ "reason": "breach" });
        check(&canary("rolled_back", breach), &["canary.rolled_back"]);
        let aborted = json!({ "reason": "aborted" });
        check(&canary("rolled_back", aborted), &["canary.rolled_back", "canary.aborted"]);
        let model = |name| event("model/ranker:2", name, json!({ "gate": "p" }));
        check(&model("promoted"), &["model.promoted"]);
        check(&model("rolled_back"), &["model.rolled_back"]);
        check(&model("update"), &["model.updated"]);
        check(&model("metric"), &[]);
    }

    #[test]
    fn arguments_choose_among_the_events_of_a_kind() {
        let started = event("canary/canary_x", "started", json!({ "modelId": "ranker:2" }));
        let chosen = |arguments: Value| {
            let (_, kind) = find("canary.started").unwrap();
            let filter = Filter::read(kind, arguments.as_object().unwrap()).unwrap();
            Occurrence::of(kind, &filter, &started).is_some()
        };
        assert!(chosen(json!({})));
        assert!(chosen(json!({ "canaryId": "canary_x" })));
        assert!(chosen(json!({ "canaryId": "canary_x", "modelId": "ranker:2" })));
        assert!(!chosen(json!({ "canaryId": "canary_y", "modelId": "ranker:2" })));
        assert!(!chosen(json!({ "modelId": "ranker" })));
    }

    #[test]
    fn an_occurrence_is_told_the_same_each_time() {
        let completed = event("job/job_x", "completed", json!({ "result": { "a": 1 } }));
        let (_, kind) = find("job.completed").unwrap();
        let one = Occurrence::of(kind, &all(), &completed).unwrap();
        assert_eq!(Occurrence::of(kind, &all(), &completed), Some(one.clone()));
        let told = one.told(Some("here"));
        assert_eq!(told["eventId"], one.event_id);
        assert!(one.event_id.starts_with("evt_7_") && one.event_id.len() == 22);
        assert_eq!(told["timestamp"], "2026-11-21T00:00:00.000Z");
        assert_eq!((&told["data"]["result"]["a"], &told["cursor"]), (&json!(1), &json!("here")));
        assert_eq!(one.told(None).get("cursor"), None);
    }

    #[test]
    fn what_is_too_long_is_told_without_its_longest_members() {
        let long = json!({
            "result": "x".repeat(300_000), "short": "y", "other": "z".repeat(200_000),
        });
        let (_, kind) = find("job.completed").unwrap();
        let told = Occurrence::of(kind, &all(), &event("job/job_x", "completed", long)).unwrap();
        let text = told.told(Some(&"c".repeat(64))).to_string();
        assert!(text.len() <= crate::adapters::callback::LONGEST_BODY, "{}", text.len());
        let data = &told.data;
        assert_eq!((&data["short"], &data["omitted"]), (&json!("y"), &json!(["result"])));
        assert_eq!(
            (data.get("result"), data["other"].as_str().map(str::len)),
            (None, Some(200_000))
        );
        // Nothing more can be left out, and nothing that is longer can be an id.
        let (all, _) = shortened(long_ids(), 1_000_000);
        assert!(all["topic"].is_string() && all["jobId"].is_string());
    }

    fn long_ids() -> Map<String, Value> {
        let payload = json!({ "topic": "job/job_x", "jobId": "job_x", "a": 1 });
        payload.as_object().unwrap().clone()
    }

    #[test]
    fn what_is_no_object_or_has_no_time_is_not_told() {
        let (_, kind) = find("job.queued").unwrap();
        for payload in ["[]", "7", "{", "{}", r#"{"ts":7}"#] {
            let mut event = event("job/job_x", "queued", json!({}));
            event.payload = payload.into();
            assert_eq!(Occurrence::of(kind, &all(), &event), None, "{payload}");
        }
    }
}
