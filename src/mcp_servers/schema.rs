//! Is a tool's schema one that can be checked and given to a model, and what is wrong with a call's
//! arguments? Pure.
//!
//! A schema comes from somebody else's program: nothing is fetched for it, and it is bounded in
//! size, in depth, in what its references grow to, and in what its patterns may cost.

use std::collections::HashMap;

use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Value};

/// The longest schema, as JSON.
const LONGEST: usize = 64 << 10;

/// How deep a schema may be.
const DEEPEST: usize = 48;

/// How many parts a schema may have when each reference is followed once.
const MOST_PARTS: u64 = 50_000;

/// How many steps a pattern may go back.
const BACKTRACKS: usize = 100_000;

/// How large a compiled pattern may be, in bytes.
const PATTERN: usize = 1 << 20;

/// How many complaints somebody is told.
const COMPLAINTS: usize = 8;

/// How long a complaint is, in characters.
const COMPLAINT: usize = 300;

/// Checks values by a schema.
#[derive(Debug)]
pub(super) struct Checker(Validator);

impl Checker {
    /// Takes the schema of a tool's arguments.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub(super) fn of_arguments(schema: &Map<String, Value>) -> Result<Self, String> {
        if schema.get("type") != Some(&Value::from("object")) {
            return Err("its input schema does not say \"type\": \"object\"".to_owned());
        }
        Self::new(&Value::Object(schema.clone()))
    }

    /// Takes a schema.
    pub(super) fn new(schema: &Value) -> Result<Self, String> {
        let length = schema.to_string().len();
        if LONGEST < length {
            return Err(format!("its schema has {length} bytes, and {LONGEST} are allowed"));
        }
        if DEEPEST < depth(schema) {
            return Err(format!("its schema is deeper than {DEEPEST}"));
        }
        let mut sizes = Sizes { root: schema, known: HashMap::new() };
        if MOST_PARTS < sizes.of(schema)? {
            return Err("its schema refers to itself too often".to_owned());
        }
        let patterns =
            PatternOptions::fancy_regex().backtrack_limit(BACKTRACKS).size_limit(PATTERN);
        let options = jsonschema::options()
            .offline()
            .with_pattern_options(patterns)
            .should_validate_formats(false);
        let compiled = options.build(schema);
        compiled.map(Self).map_err(|error| {
            let why: String = error.to_string().chars().take(COMPLAINT).collect();
            format!("its schema cannot be used: {why}")
        })
    }

    /// Checks a value.
    ///
    /// # Errors
    /// What is wrong with it, each with its place.
    pub(super) fn check(&self, value: &Value) -> Result<(), Vec<String>> {
        let complaint = |error: jsonschema::ValidationError<'_>| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "/".to_owned() } else { place };
            let why: String = error.to_string().chars().take(COMPLAINT).collect();
            format!("{place}: {why}")
        };
        let complaints: Vec<String> =
            self.0.iter_errors(value).take(COMPLAINTS).map(complaint).collect();
        if complaints.is_empty() { Ok(()) } else { Err(complaints) }
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// How large parts of a schema are with all that they refer to.
struct Sizes<'a> {
    root: &'a Value,
    /// By the text of the reference; none while it is being found out, which is a reference to
    /// itself.
    known: HashMap<&'a str, Option<u64>>,
}

impl<'a> Sizes<'a> {
    fn of(&mut self, value: &'a Value) -> Result<u64, String> {
        let mut size = 1_u64;
        match value {
            Value::Array(items) => {
                for item in items {
                    size = size.saturating_add(self.of(item)?);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    size = size.saturating_add(self.of(member)?);
                    if matches!(name.as_str(), "$ref" | "$dynamicRef" | "$recursiveRef")
                        && let Value::String(reference) = member
                    {
                        size = size.saturating_add(self.behind(reference)?);
                    }
                }
            }
            _ => {}
        }
        Ok(size)
    }

    fn behind(&mut self, reference: &'a str) -> Result<u64, String> {
        let Some(pointer) = reference.strip_prefix('#') else {
            return Err("its schema refers to something outside of it".to_owned());
        };
        if let Some(known) = self.known.get(reference) {
            return Ok(known.unwrap_or(1));
        }
        // An anchor is counted as the whole, which is more than it can be.
        let target = if pointer.starts_with('/') { self.root.pointer(pointer) } else { None };
        self.known.insert(reference, None);
        let size = self.of(target.unwrap_or(self.root))?;
        self.known.insert(reference, Some(size));
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(schema: Value) -> String {
        let Value::Object(schema) = schema else { panic!("{schema}") };
        Checker::of_arguments(&schema).expect_err("it is taken")
    }

    fn checker(schema: Value) -> Checker {
        let Value::Object(schema) = schema else { panic!("{schema}") };
        Checker::of_arguments(&schema).unwrap()
    }

    #[test]
    fn a_schema_that_would_break_every_turn_is_refused() {
        for (schema, why) in [
            (json!({}), "\"type\": \"object\""),
            (json!({ "type": "string" }), "\"type\": \"object\""),
            (json!({ "type": "object", "properties": { "a": { "type": 7 } } }), "cannot be used"),
            (
                json!({ "type": "object", "properties": { "a": { "pattern": "(" } } }),
                "cannot be used",
            ),
            (json!({ "type": "object", "$ref": "https://example.com/x.json" }), "outside"),
            (json!({ "type": "object", "$ref": "file:///etc/passwd" }), "outside"),
            (json!({ "type": "object", "description": "x".repeat(LONGEST) }), "bytes"),
        ] {
            let said = refused(schema.clone());
            assert!(said.contains(why), "{said}");
        }
        let mut deep = json!({});
        for _ in 0..=DEEPEST {
            deep = json!({ "properties": { "a": deep } });
        }
        deep["type"] = "object".into();
        assert!(refused(deep).contains("deeper"));
    }

    #[test]
    fn references_that_grow_without_end_are_refused_in_time() {
        let mut definitions = Map::new();
        for level in 0..40 {
            let next = json!({ "$ref": format!("#/$defs/l{}", level + 1) });
            definitions.insert(format!("l{level}"), json!({ "allOf": [next, next] }));
        }
        definitions.insert("l40".to_owned(), json!({ "type": "object" }));
        let schema = json!({ "type": "object", "$ref": "#/$defs/l0", "$defs": definitions });
        assert!(refused(schema).contains("too often"));
        // A tree is not that.
        let tree = json!({
            "type": "object",
            "properties": { "node": { "$ref": "#/$defs/node" } },
            "$defs": { "node": { "type": "object", "properties": {
                "left": { "$ref": "#/$defs/node" }, "right": { "$ref": "#/$defs/node" },
            } } },
        });
        let tree = checker(tree);
        assert_eq!(tree.check(&json!({ "node": { "left": { "right": {} } } })), Ok(()));
        assert!(tree.check(&json!({ "node": { "left": { "right": 1 } } })).is_err());
    }

    #[test]
    fn complaints_name_the_place() {
        let checker = checker(json!({
            "type": "object",
            "properties": {
                "job": { "type": "object", "properties": { "id": { "type": "string" } } },
                "any": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
            },
            "required": ["job"],
            "additionalProperties": false,
        }));
        assert_eq!(checker.check(&json!({ "job": { "id": "x" }, "any": null })), Ok(()));
        let said =
            checker.check(&json!({ "job": { "id": 5 }, "extra": 1 })).unwrap_err().join("; ");
        assert!(said.contains("/job/id: ") && said.contains("extra"), "{said}");
        let said = checker.check(&json!({})).unwrap_err().join("; ");
        assert!(said.starts_with("/: ") && said.contains("job"), "{said}");
    }

    #[test]
    fn a_pattern_cannot_hold_a_call_up() {
        let checker = checker(json!({
            "type": "object",
            "properties": { "a": { "type": "string", "pattern": "^(a+)+(?=b)c$" } },
        }));
        let began = std::time::Instant::now();
        assert!(checker.check(&json!({ "a": "a".repeat(40) })).is_err());
        assert!(began.elapsed() < std::time::Duration::from_secs(2));
    }
}
