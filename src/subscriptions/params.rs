//! The params of the methods: what may be there, and what it must be. Pure.
//!
//! They are read by hand, because the words of a general parser repeat what was sent, and a secret is
//! among it.

use serde_json::{Map, Value};

use crate::subscriptions::catalogue::{EventKind, find};
use crate::subscriptions::error::{EventsError, Missing};
use crate::subscriptions::filter::Filter;

/// The longest name, cursor, address and secret, in bytes.
const LONGEST: usize = 2_048;

/// The params of one request.
#[derive(Clone, Copy)]
pub(super) struct Params<'a> {
    members: &'a Map<String, Value>,
    /// What stands before a name in errors.
    within: &'static str,
}

/// What somebody wants to follow.
#[derive(Debug, Clone)]
pub(super) struct Followed {
    /// The kind's place among all.
    pub(super) place: usize,
    pub(super) kind: &'static EventKind,
    pub(super) filter: Filter,
}

/// How long somebody wants to be told, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Lifetime {
    /// As long as is usual.
    Usual,
    /// As long as it may be.
    Longest,
    /// About so long; it may be nonsense, as it is brought into bounds and never refused.
    About(f64),
}

fn invalid(why: String) -> EventsError {
    EventsError::InvalidParams(why)
}

impl<'a> Params<'a> {
    /// Reads the params of a method that needs some.
    pub(super) fn of(params: &'a Value) -> Result<Self, EventsError> {
        let members =
            params.as_object().ok_or_else(|| invalid("params must be an object".to_owned()))?;
        Ok(Self { members, within: "" })
    }

    fn get(self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn must(self, name: &str, what: &str) -> EventsError {
        invalid(format!("{}{name} must be {what}", self.within))
    }

    /// A text; none where it is absent or null.
    pub(super) fn text(self, name: &str) -> Result<Option<&'a str>, EventsError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().filter(|text| text.len() <= LONGEST);
        text.map(Some)
            .ok_or_else(|| self.must(name, &format!("a string of at most {LONGEST} bytes")))
    }

    /// A text that has to be there.
    pub(super) fn needed_text(self, name: &str) -> Result<&'a str, EventsError> {
        self.text(name)?.ok_or_else(|| self.must(name, "there and a string"))
    }

    /// A whole number from 0 on; none where it is absent or null.
    pub(super) fn number(self, name: &str) -> Result<Option<u64>, EventsError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_u64().map(Some).ok_or_else(|| self.must(name, "a whole number from 0 on"))
    }

    /// An object that has to be there.
    pub(super) fn needed_object(self, name: &'static str) -> Result<Self, EventsError> {
        let within = match name {
            "delivery" => "delivery.",
            _ => "",
        };
        match self.get(name).and_then(Value::as_object) {
            Some(members) => Ok(Self { members, within }),
            None => Err(self.must(name, "there and an object")),
        }
    }

    /// What `name` and `arguments` say.
    pub(super) fn followed(self) -> Result<Followed, EventsError> {
        let name = self.needed_text("name")?;
        let none = Map::new();
        let arguments = match self.get("arguments") {
            None => &none,
            Some(value) => value.as_object().ok_or_else(|| self.must("arguments", "an object"))?,
        };
        let (place, kind) = find(name).ok_or(EventsError::NotFound(Missing::Event))?;
        Ok(Followed { place, kind, filter: Filter::read(kind, arguments)? })
    }

    /// What `ttlMs` says.
    pub(super) fn lifetime(self) -> Result<Lifetime, EventsError> {
        match self.members.get("ttlMs") {
            None => Ok(Lifetime::Usual),
            Some(Value::Null) => Ok(Lifetime::Longest),
            Some(value) => match value.as_f64() {
                Some(about) => Ok(Lifetime::About(about)),
                None => Err(self.must("ttlMs", "a number of milliseconds or null")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(params: &Value, words: &str) {
        let refused = Params::of(params).and_then(Params::followed).unwrap_err();
        let said = refused.to_string();
        assert!(said.contains(words) && !said.contains("hush"), "{params}: {said}");
    }

    #[test]
    fn params_that_cannot_be_meant_are_refused_without_being_repeated() {
        check(&json!(null), "params must be an object");
        check(&json!(["job.queued"]), "params must be an object");
        check(&json!({}), "name must be there");
        check(&json!({ "name": 7 }), "name must be a string");
        check(&json!({ "name": "h".repeat(2_049) }), "name must be a string of at most 2048");
        check(&json!({ "name": "hush" }), "events/list tells");
        check(
            &json!({ "name": "job.queued", "arguments": ["hush"] }),
            "arguments must be an object",
        );
        let params = json!({ "delivery": "hush", "ttlMs": "hush", "maxAgeMs": -1 });
        let params = Params::of(&params).unwrap();
        for refused in [
            params.needed_object("delivery").map(drop),
            params.lifetime().map(drop),
            params.number("maxAgeMs").map(drop),
        ] {
            assert!(!refused.unwrap_err().to_string().contains("hush"));
        }
        let delivery = json!({ "delivery": { "url": 7 } });
        let delivery = Params::of(&delivery).unwrap().needed_object("delivery").unwrap();
        let said = delivery.needed_text("url").unwrap_err().to_string();
        assert!(said.starts_with("delivery.url must"), "{said}");
    }

    #[test]
    fn absent_is_null_but_for_a_lifetime() {
        for params in [json!({}), json!({ "cursor": null, "maxAgeMs": null })] {
            let params = Params::of(&params).unwrap();
            assert_eq!(params.text("cursor").unwrap(), None);
            assert_eq!(params.number("maxAgeMs").unwrap(), None);
        }
        let lifetime = |params: Value| Params::of(&params).unwrap().lifetime().unwrap();
        assert_eq!(lifetime(json!({})), Lifetime::Usual);
        assert_eq!(lifetime(json!({ "ttlMs": null })), Lifetime::Longest);
        assert_eq!(lifetime(json!({ "ttlMs": -5 })), Lifetime::About(-5.0));
    }
}
