//! How is the body of a request put together? Pure.
//!
//! The descriptions of tools are by far the longest part of it, and are in every request: they are
//! written from where they are, without a copy.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

/// The body of a request, in which a tool is a `T`.
#[derive(Debug, Serialize)]
pub(crate) struct Body<T> {
    /// All but the tools.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
    /// The tools.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<T>,
}

impl<T: Serialize> Body<T> {
    /// The body as it is sent.
    pub fn to_text(&self) -> String {
        // Its keys are strings and its numbers are finite, so it can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A schema of an object, as providers want it: with its type and with properties.
#[derive(Debug)]
pub(crate) struct Parameters<'a>(pub &'a Value);

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let schema = self.0.as_object();
        for (key, value) in schema.into_iter().flatten() {
            map.serialize_entry(key, value)?;
        }
        for (key, usual) in [("type", json!("object")), ("properties", json!({}))] {
            if schema.is_none_or(|schema| !schema.contains_key(key)) {
                map.serialize_entry(key, &usual)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_one_of_an_object() {
        let written = |schema: &Value| serde_json::to_value(Parameters(schema)).unwrap();
        let empty = json!({ "type": "object", "properties": {} });
        for schema in [json!({}), json!(null), json!({ "type": "object" })] {
            assert_eq!(written(&schema), empty);
        }
        let whole = json!({ "type": "object", "properties": { "a": true }, "required": ["a"] });
        assert_eq!(written(&whole), whole);
    }
}
