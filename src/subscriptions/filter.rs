//! Which events of a kind are meant: the arguments of a subscription. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::ids::Entity;
use crate::store::events::EventFilter;
use crate::subscriptions::catalogue::{EventKind, arguments};
use crate::subscriptions::error::EventsError;

/// Members that a payload must have, by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter(BTreeMap<&'static str, Box<str>>);

impl Filter {
    /// Reads the arguments for a kind.
    ///
    /// # Errors
    /// They do not fit the kind's schema.
    pub(super) fn read(kind: &EventKind, given: &Map<String, Value>) -> Result<Self, EventsError> {
        let known = arguments(kind.entity);
        let mut chosen = BTreeMap::new();
        for (name, value) in given {
            let Some(argument) = known.iter().find(|argument| argument.name == name) else {
                let names: Vec<&str> = known.iter().map(|argument| argument.name).collect();
                let why = format!("arguments may only have {}", names.join(" and "));
                return Err(EventsError::InvalidParams(why));
            };
            let Some(text) = value.as_str() else {
                let why = format!("arguments.{} must be a string", argument.name);
                return Err(EventsError::InvalidParams(why));
            };
            if let Err(error) = argument.check(text) {
                let why = format!("arguments.{}: {error}", argument.name);
                return Err(EventsError::InvalidParams(why));
            }
            chosen.insert(argument.name, text.into());
        }
        Ok(Self(chosen))
    }

    /// The arguments as JSON, the same text for the same arguments.
    pub(super) fn canonical(&self) -> String {
        serde_json::to_string(&self.0).expect("a map of strings is JSON")
    }

    /// Whether a payload has what was asked for.
    pub(super) fn covers(&self, payload: &Map<String, Value>) -> bool {
        self.0
            .iter()
            .all(|(name, value)| payload.get(*name).and_then(Value::as_str) == Some(&**value))
    }

    /// The one thing that all such events are about, if there is one.
    pub(super) fn entity(&self, kind: &EventKind) -> Option<Entity> {
        let id = self.0.get(kind.entity.id_member())?;
        Some(Entity { kind: kind.entity, id: id.clone() })
    }

    /// The rows of the log among which such events are.
    pub(super) fn rows(&self, kind: &EventKind) -> EventFilter {
        self.entity(kind).map_or(EventFilter::Kind(kind.entity), EventFilter::Entity)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::subscriptions::catalogue::find;

    fn read(kind: &str, given: Value) -> Result<Filter, EventsError> {
        let Value::Object(given) = given else { panic!("no object") };
        Filter::read(find(kind).unwrap().1, &given)
    }

    #[test]
    fn the_same_arguments_are_the_same_text() {
        let one = read("canary.metric", json!({ "modelId": "m:1", "canaryId": "canary_x" }));
        let other = read("canary.metric", json!({ "canaryId": "canary_x", "modelId": "m:1" }));
        let text = r#"{"canaryId":"canary_x","modelId":"m:1"}"#;
        assert_eq!(one.unwrap().canonical(), text);
        assert_eq!(other.unwrap().canonical(), text);
        assert_eq!(read("job.queued", json!({})).unwrap().canonical(), "{}");
    }

    #[test]
    fn arguments_that_cannot_be_meant_are_refused_without_being_repeated() {
        for (kind, given, words) in [
            ("job.queued", json!({ "hush": "x" }), "jobId and taskId"),
            ("job.queued", json!({ "canaryId": "canary_x" }), "jobId and taskId"),
            ("model.promoted", json!({ "jobId": "job_x" }), "modelId"),
            ("job.queued", json!({ "jobId": 7 }), "arguments.jobId must be a string"),
            ("job.queued", json!({ "jobId": null }), "arguments.jobId must be a string"),
            ("job.queued", json!({ "jobId": "hush" }), "job_[A-Za-z0-9_-]{1,64}"),
            ("job.queued", json!({ "taskId": "../hush" }), "taskId must match"),
            ("canary.metric", json!({ "modelId": "hush\n" }), "modelId must match"),
        ] {
            let refused = read(kind, given.clone()).unwrap_err();
            assert!(matches!(refused, EventsError::InvalidParams(_)));
            let said = refused.to_string();
            assert!(said.contains(words) && !said.contains("hush"), "{given}: {said}");
        }
    }
}
