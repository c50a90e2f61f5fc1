//! How is a tool defined, and is it still the same? Pure.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::store::sha256_hex;
use crate::visible;

/// The longest description a model is given, in bytes.
const DESCRIPTION: usize = 8 << 10;

/// The longest title, in bytes.
const TITLE: usize = 200;

/// The longest name of a tool, in bytes.
const NAME: usize = 256;

/// What a server says of a tool's effects. It is a hint: nobody checks it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// It changes nothing.
    pub read_only: Option<bool>,
    /// It may take something away.
    pub destructive: Option<bool>,
    /// Once more changes nothing more.
    pub idempotent: Option<bool>,
    /// It reaches things that nobody lists.
    pub open_world: Option<bool>,
}

/// A tool as it is defined.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolDefinition {
    /// Its name, as its server has it.
    pub name: String,
    /// Its title for people.
    pub title: Option<String>,
    /// What it is for, without anything that hides in it.
    pub description: String,
    /// The schema of its arguments, as its server has it.
    pub input_schema: Arc<Map<String, Value>>,
    /// What is said of its effects.
    pub hints: Hints,
    /// A hash of all of that as its server has it.
    pub hash: String,
}

impl ToolDefinition {
    /// Reads a definition of a list of tools.
    ///
    /// # Errors
    /// The tool's name as far as it has one, and what is wrong, in a sentence.
    pub fn read(tool: &Value) -> Result<Self, (String, String)> {
        let shown = tool["name"].as_str().map(|name| visible::in_one_line(name, NAME));
        let shown = shown.unwrap_or_else(|| "a tool without a name".to_owned());
        let wrong = |why: &str| (shown.clone(), why.to_owned());
        let name = tool["name"].as_str().ok_or_else(|| wrong("it has no name"))?;
        if name.is_empty() || NAME < name.len() {
            return Err(wrong("its name is empty or too long"));
        }
        if name.chars().any(|c| c.is_control() || visible::hides(c)) {
            return Err(wrong("its name has characters that are not seen"));
        }
        let schema = tool["inputSchema"].as_object();
        let schema = schema.ok_or_else(|| wrong("its input schema is not an object"))?;
        let annotations = &tool["annotations"];
        let hint = |name: &str| annotations[name].as_bool();
        let title = tool["title"].as_str().or_else(|| annotations["title"].as_str());
        let description = tool["description"].as_str().unwrap_or_default();
        Ok(Self {
            name: name.to_owned(),
            title: title.map(|title| visible::in_one_line(title, TITLE)),
            description: visible::plain(description, DESCRIPTION),
            input_schema: Arc::new(schema.clone()),
            hints: Hints {
                read_only: hint("readOnlyHint"),
                destructive: hint("destructiveHint"),
                idempotent: hint("idempotentHint"),
                open_world: hint("openWorldHint"),
            },
            hash: hash(tool),
        })
    }
}

/// A hash of what somebody who agreed to the tool agreed to: every character of it, those among
/// them that are not shown.
fn hash(tool: &Value) -> String {
    let of = |name: &str| tool.get(name).cloned().unwrap_or(Value::Null);
    let meant =
        json!([of("name"), of("title"), of("description"), of("inputSchema"), of("annotations")]);
    let mut text = String::new();
    write_canonical(&meant, &mut text);
    sha256_hex(text.as_bytes())
}

/// Writes JSON with sorted members, so that another order is not another text.
fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index != 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                if index != 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_canonical(member, text);
            }
            text.push('}');
        }
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool() -> Value {
        json!({
            "name": "read", "description": "Reads.\u{202e}", "inputSchema": { "type": "object" },
            "annotations": { "readOnlyHint": true, "title": "Read\u{200b} it" },
        })
    }

    #[test]
    fn a_definition_is_read_without_what_hides_in_it() {
        let read = ToolDefinition::read(&tool()).unwrap();
        assert_eq!((read.description.as_str(), read.title.as_deref()), ("Reads.", Some("Read it")));
        assert_eq!(read.hints.read_only, Some(true));
        assert_eq!(read.hints.destructive, None);
    }

    #[test]
    fn every_change_of_what_was_agreed_to_is_another_hash() {
        let hash = |tool: &Value| ToolDefinition::read(tool).unwrap().hash;
        let first = hash(&tool());
        assert_eq!(first, hash(&tool()));
        for (pointer, value) in [
            ("description", json!("Reads.")),
            ("description", json!("Reads, and sends it elsewhere.")),
            ("inputSchema", json!({ "type": "object", "properties": { "to": {} } })),
            ("annotations", json!({ "readOnlyHint": false, "title": "Read\u{200b} it" })),
            ("title", json!("Another")),
        ] {
            let mut changed = tool();
            changed[pointer] = value;
            assert_ne!(first, hash(&changed), "{pointer}");
        }
        let mut other = tool();
        other["_meta"] = json!({ "x": 1 });
        assert_eq!(first, hash(&other), "nobody sees that");
    }

    #[test]
    fn what_is_no_definition_is_refused_with_its_name() {
        for (tool, name) in [
            (json!({ "inputSchema": {} }), "a tool without a name"),
            (json!({ "name": "x\u{202e}", "inputSchema": {} }), "x"),
            (json!({ "name": "y", "inputSchema": "none" }), "y"),
            (json!({ "name": "z" }), "z"),
            (json!(5), "a tool without a name"),
        ] {
            assert_eq!(ToolDefinition::read(&tool).unwrap_err().0, name);
        }
    }
}
