//! Which kinds of events can be followed, and how clients are told of them. Pure.
//!
//! A kind is a name for some of the events of the log. One event can be of several kinds: a canary
//! that was aborted was also rolled back.

use serde_json::{Map, Value, json};

use crate::ids::{CanaryId, EntityKind, InvalidId, JobId, ModelId, TaskId};

/// How the events of a kind are told from others of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    /// They are not.
    Always,
    /// By this member of their payload, which has this value.
    Member(&'static str, &'static str),
}

/// A kind of events.
#[derive(Debug, PartialEq, Eq)]
pub struct EventKind {
    /// Its name; never changed once shipped.
    pub name: &'static str,
    description: &'static str,
    /// What its events are about.
    pub(super) entity: EntityKind,
    /// What the log calls them.
    pub(super) event_type: &'static str,
    pub(super) condition: Condition,
    /// Members of the payload beside those that every event about such a thing has.
    members: &'static [Member],
}

/// A member of a payload: its name, what it is, and whether it may be null or absent.
type Member = (&'static str, &'static str, Shape);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    TextOrNone,
    Object,
    Number,
    NumberOrNone,
}

impl Shape {
    fn schema(self, description: &str) -> Value {
        let kind = match self {
            Self::Text => json!("string"),
            Self::TextOrNone => json!(["string", "null"]),
            Self::Object => json!("object"),
            Self::Number => json!("number"),
            Self::NumberOrNone => json!(["number", "null"]),
        };
        json!({ "type": kind, "description": description })
    }
}

/// A way to follow fewer events.
pub(super) struct Argument {
    /// The name, in arguments and in payloads.
    pub(super) name: &'static str,
    description: &'static str,
    parse: fn(&str) -> Result<(), InvalidId>,
}

impl Argument {
    /// Whether a value can be meant.
    ///
    /// # Errors
    /// What it must be.
    pub(super) fn check(&self, value: &str) -> Result<(), InvalidId> {
        (self.parse)(value)
    }
}

/// What events about a kind of thing can be chosen by.
pub(super) fn arguments(entity: EntityKind) -> &'static [Argument] {
    const JOB: Argument = Argument {
        name: "jobId",
        description: "Only events about this job.",
        parse: |text| JobId::parse(text).map(drop),
    };
    const TASK: Argument = Argument {
        name: "taskId",
        description: "Only events about jobs of this eval task.",
        parse: |text| TaskId::parse(text).map(drop),
    };
    const CANARY: Argument = Argument {
        name: "canaryId",
        description: "Only events about this canary.",
        parse: |text| CanaryId::parse(text).map(drop),
    };
    const MODEL: Argument = Argument {
        name: "modelId",
        description: "Only events about this model, with its version if it has one.",
        parse: |text| ModelId::parse(text).map(drop),
    };
    match entity {
        EntityKind::Job => &[JOB, TASK],
        EntityKind::Canary => &[CANARY, MODEL],
        EntityKind::Model => &[MODEL],
    }
}

const REASON: Member = ("reason", "Why, if that is known.", Shape::TextOrNone);
const METRICS: Member = ("metrics", "The newest numbers.", Shape::Object);
const DECISION: Member = ("decisionId", "The decision, to be asked about.", Shape::TextOrNone);

const fn job(
    name: &'static str,
    event_type: &'static str,
    description: &'static str,
    members: &'static [Member],
) -> EventKind {
    let (entity, condition) = (EntityKind::Job, Condition::Always);
    EventKind { name, description, entity, event_type, condition, members }
}

const fn canary(
    name: &'static str,
    (event_type, condition): (&'static str, Condition),
    description: &'static str,
    members: &'static [Member],
) -> EventKind {
    EventKind { name, description, entity: EntityKind::Canary, event_type, condition, members }
}

const fn model(
    name: &'static str,
    event_type: &'static str,
    description: &'static str,
) -> EventKind {
    const MEMBERS: &[Member] =
        &[("gate", "The gate.", Shape::Text), REASON, ("canaryId", "For it.", Shape::TextOrNone)];
    let (entity, condition) = (EntityKind::Model, Condition::Always);
    EventKind { name, description, entity, event_type, condition, members: MEMBERS }
}

/// How many kinds there are.
pub(super) const COUNT: usize = 17;

/// Every kind, in the order in which clients see them.
pub(super) static KINDS: [EventKind; COUNT] = [
    job("job.queued", "queued", "An eval was accepted and waits for a place.", &[]),
    job("job.running", "running", "An eval began to run.", &[]),
    job(
        "job.progress",
        "update",
        "An eval that runs came further.",
        &[("progress", "How far it has come.", Shape::Object)],
    ),
    job(
        "job.completed",
        "completed",
        "An eval ended with a result.",
        &[("result", "Its metrics and artifacts.", Shape::Object)],
    ),
    job(
        "job.failed",
        "failed",
        "An eval ended without a result.",
        &[("error", "What went wrong, as a sentence.", Shape::Text), REASON],
    ),
    job("job.cancelled", "cancelled", "An eval was cancelled.", &[REASON]),
    canary(
        "canary.started",
        ("started", Condition::Always),
        "A canary was started.",
        &[("policy", "What it is decided by.", Shape::Object)],
    ),
    canary(
        "canary.metric",
        ("metric", Condition::Always),
        "A canary's metrics were looked at.",
        &[
            ("latency_p95_ms", "95th percentile of latency.", Shape::NumberOrNone),
            ("error_rate", "Part of the requests that failed, 0 to 1.", Shape::NumberOrNone),
            ("elapsedSeconds", "How far its window has come.", Shape::Number),
            ("remainingSeconds", "How long its window still is.", Shape::Number),
        ],
    ),
    canary(
        "canary.updated",
        ("update", Condition::Always),
        "A canary changed in another way: it was paused or resumed, went on to another phase, waits \
         for somebody or something, or failed.",
        &[REASON],
    ),
    canary(
        "canary.awaiting_approval",
        ("update", Condition::Member("phase", "awaiting_approval")),
        "A canary kept its targets and waits for somebody to approve it.",
        &[REASON],
    ),
    canary(
        "canary.promoted",
        ("promoted", Condition::Always),
        "A canary kept its targets, and its model stays in the gate.",
        &[REASON, METRICS, DECISION],
    ),
    canary(
        "canary.rolled_back",
        ("rolled_back", Condition::Always),
        "A canary missed its targets or was aborted, and its gate was put back.",
        &[REASON, METRICS, DECISION],
    ),
    canary(
        "canary.aborted",
        ("rolled_back", Condition::Member("reason", "aborted")),
        "A canary was aborted by somebody, and its gate was put back.",
        &[METRICS, DECISION],
    ),
    canary(
        "canary.failed",
        ("update", Condition::Member("status", "FAILED")),
        "A canary could not be carried to its end.",
        &[REASON, METRICS, DECISION],
    ),
    model("model.promoted", "promoted", "A model came to stand in a gate."),
    model("model.rolled_back", "rolled_back", "A model was taken out of a gate again."),
    model("model.updated", "update", "A gate changed in another way."),
];

/// Finds a kind, with its place among all.
pub(super) fn find(name: &str) -> Option<(usize, &'static EventKind)> {
    KINDS.iter().enumerate().find(|(_, kind)| kind.name == name)
}

impl EventKind {
    /// The kind as clients are told of it.
    pub(super) fn describe(&self, offers_webhooks: bool) -> Value {
        let delivery: &[&str] =
            if offers_webhooks { &["webhook", "push", "poll"] } else { &["push", "poll"] };
        json!({
            "name": self.name,
            "description": self.description,
            "delivery": delivery,
            "inputSchema": self.input_schema(),
            "payloadSchema": self.payload_schema(),
        })
    }

    fn input_schema(&self) -> Value {
        let property = |argument: &Argument| {
            let schema = json!({ "type": "string", "description": argument.description });
            (argument.name.to_owned(), schema)
        };
        let properties: Map<String, Value> = arguments(self.entity).iter().map(property).collect();
        json!({ "type": "object", "properties": properties, "additionalProperties": false })
    }

    fn payload_schema(&self) -> Value {
        let id = self.entity.id_member();
        let mut properties = Map::new();
        let every = [
            ("topic", "What it is about, as event streams name it.", Shape::Text),
            ("type", "What event streams call it.", Shape::Text),
            ("ts", "When it happened.", Shape::Text),
            (id, "The id of what it is about.", Shape::Text),
        ];
        let of_its_thing: &[Member] = match self.entity {
            EntityKind::Job => &[
                ("status", "The job's status.", Shape::Text),
                ("taskId", "The eval task.", Shape::Text),
                ("configId", "Its configuration.", Shape::Text),
            ],
            EntityKind::Canary => &[
                ("status", "The canary's status.", Shape::Text),
                ("phase", "What is being done within the status.", Shape::Text),
                ("modelId", "The model.", Shape::Text),
                ("fromGate", "Where the model stands.", Shape::Text),
                ("toGate", "Where it is to stand.", Shape::Text),
            ],
            EntityKind::Model => &[],
        };
        for (name, description, shape) in every.iter().chain(of_its_thing).chain(self.members) {
            properties.insert((*name).to_owned(), shape.schema(description));
        }
        let omitted = "Members that were left out because the event would be too long.";
        let list = json!({
            "type": "array", "items": { "type": "string" }, "description": omitted,
        });
        properties.insert("omitted".to_owned(), list);
        json!({
            "type": "object", "properties": properties, "required": ["topic", "type", "ts", id],
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_a_name_of_its_own_that_says_what_it_is_about() {
        let names: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len());
        for (place, kind) in KINDS.iter().enumerate() {
            let about = kind.name.split_once('.').unwrap().0;
            assert_eq!(about, kind.entity.as_str());
            assert!(kind.description.ends_with('.'), "{}", kind.name);
            assert_eq!(find(kind.name), Some((place, kind)));
        }
        assert_eq!(find("job"), None);
    }

    #[test]
    fn a_kind_is_described_in_full() {
        for kind in &KINDS {
            let told = kind.describe(true);
            let (input, payload) = (&told["inputSchema"], &told["payloadSchema"]);
            assert_eq!(input["additionalProperties"], false);
            assert!(payload["properties"]["ts"].is_object());
            for schema in [input, payload] {
                for (name, property) in schema["properties"].as_object().unwrap() {
                    let text = property["description"].as_str().unwrap();
                    assert!(text.ends_with('.'), "{} {name}", kind.name);
                }
            }
            let names: Vec<_> = arguments(kind.entity).iter().map(|one| one.name).collect();
            assert!(names.contains(&kind.entity.id_member()), "{names:?}");
        }
    }
}
