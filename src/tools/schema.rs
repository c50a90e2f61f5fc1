//! How does a type become a schema that any client takes?
//!
//! # Invariants
//!
//! 1. A schema stands for itself: 2020-12, an object at its root, no reference, no `true` for a
//!    schema, and no format that JSON Schema does not know.
//! 2. The schema of an answer is true of every answer: what may be null says so, what may be left
//!    out is not required, and members that are added later are not forbidden.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// How deep in an answer members are still described; what lies deeper is named well enough, and
/// the list of tools is sent often.
const DESCRIBED: usize = 1;

/// The schema of what a tool takes.
pub(super) fn of_arguments<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    tidy(&mut schema);
    finish(schema)
}

/// The schema of what a tool answers.
pub(super) fn of_answer<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    tidy(&mut schema);
    Answer { depth: 0, is_member: true }.transform(&mut schema);
    finish(schema)
}

fn finish(mut schema: Schema) -> Schema {
    // The root's title and text are about the Rust type; clients have the tool's own.
    schema.remove("title");
    schema.remove("description");
    // Some clients do not take an object without members for one.
    if schema.get("properties").is_none() {
        schema.insert("properties".to_owned(), json!({}));
    }
    schema
}

/// Removes the names of Rust's numbers, at which strict validators stop, and what says nothing: that
/// a member which may be left out is null then, and what a type is for where its member says it.
fn tidy(schema: &mut Schema) {
    schema.remove("format");
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
    if schema.get("description").is_some()
        && let Some(Value::Array(choices)) = schema.get_mut("anyOf")
    {
        for choice in choices.iter_mut().filter_map(Value::as_object_mut) {
            choice.remove("description");
        }
    }
    transform_subschemas(&mut tidy, schema);
}

/// Makes of a schema for reading one for an answer.
struct Answer {
    /// How many objects are around this schema.
    depth: usize,
    /// Whether it is of a member, and not of what a list has in it.
    is_member: bool,
}

impl Transform for Answer {
    fn transform(&mut self, schema: &mut Schema) {
        // What may be added some day must not break who validates today.
        if schema.get("additionalProperties").is_some_and(Value::is_boolean) {
            schema.remove("additionalProperties");
        }
        // A program that reads need not be told what nobody can send.
        for bound in ["default", "minimum", "maximum", "minLength", "maxLength", "maxItems"] {
            schema.remove(bound);
        }
        if DESCRIBED < self.depth || !self.is_member {
            schema.remove("description");
        }
        join_words(schema);
        remove_null_where_left_out(schema);
        let is_member = schema.get("properties").is_some();
        let depth = self.depth + usize::from(is_member);
        transform_subschemas(&mut Self { depth, is_member }, schema);
    }
}

/// Says a choice of constants as an enumeration.
fn join_words(schema: &mut Schema) {
    let Some(Value::Array(choices)) = schema.get("oneOf") else { return };
    let word = |choice: &Value| choice.get("const").filter(|word| word.is_string()).cloned();
    let Some(words) = choices.iter().map(word).collect::<Option<Vec<_>>>() else { return };
    schema.remove("oneOf");
    schema.insert("type".to_owned(), json!("string"));
    schema.insert("enum".to_owned(), Value::Array(words));
}

/// A member that is left out where it has no value is never null.
fn remove_null_where_left_out(schema: &mut Schema) {
    let required = match schema.get("required") {
        Some(Value::Array(names)) => names.clone(),
        _ => Vec::new(),
    };
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for (name, property) in properties {
        if required.iter().any(|required| required == name) {
            continue;
        }
        let Some(property) = property.as_object_mut() else { continue };
        if let Some(Value::Array(types)) = property.get_mut("type") {
            types.retain(|one| one != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                property.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(words)) = property.get_mut("enum") {
            words.retain(|word| !word.is_null());
        }
        if let Some(Value::Array(choices)) = property.get_mut("anyOf") {
            choices.retain(|choice| choice["type"] != "null");
            if let [Value::Object(only)] = choices.as_slice() {
                let only = only.clone();
                property.remove("anyOf");
                for (key, value) in only {
                    property.entry(key).or_insert(value);
                }
            }
        }
    }
}

/// Some object.
pub(super) fn object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

/// Some object, or null.
pub(super) fn optional_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["object", "null"] })
}

/// Some text, or null.
pub(super) fn optional_text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"] })
}

/// How a canary is judged: what everybody looks for, and whatever else `start_canary` takes.
pub(super) fn policy(schemas: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "windowSeconds": u64::json_schema(schemas),
            "targets": object(schemas),
        },
        "required": ["windowSeconds", "targets"],
    })
}

/// The same where it may not be known.
pub(super) fn optional_policy(schemas: &mut SchemaGenerator) -> Schema {
    let mut schema = policy(schemas);
    schema.insert("type".to_owned(), json!(["object", "null"]));
    schema
}

/// Anything that is JSON.
pub(super) fn anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["object", "array", "string", "number", "boolean", "null"] })
}

/// One of these words.
pub(super) fn one_of(words: impl IntoIterator<Item = &'static str>) -> Schema {
    let words: Vec<&str> = words.into_iter().collect();
    json_schema!({ "type": "string", "enum": words })
}

/// One of these words, or null.
pub(super) fn one_of_or_null(words: impl IntoIterator<Item = &'static str>) -> Schema {
    let words = words.into_iter().map(Value::from);
    let words: Vec<Value> = words.chain(std::iter::once(Value::Null)).collect();
    json_schema!({ "type": ["string", "null"], "enum": words })
}

// The tools of the conformance suite are not ours to judge.
#[cfg(all(test, not(feature = "conformance")))]
mod tests;
