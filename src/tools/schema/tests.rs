//! Is a schema true of what is written, and does every client take it?

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::*;
use crate::tools::{Registry, Role};

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Told {
    /// One of the words.
    word: Word,
    often: u32,
    may_be_null: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    may_be_left_out: Option<Vec<Inner>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    word_or_nothing: Option<Word>,
    #[schemars(schema_with = "optional_object")]
    anything_inside: Value,
}

#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    /// It has a meaning.
    TheOne,
    /// So has this.
    TheOther,
}

#[derive(Serialize, JsonSchema)]
struct Inner {
    /// Not described any more.
    inner: Innermost,
}

#[derive(Serialize, JsonSchema)]
struct Innermost {
    /// Not described any more.
    number: i8,
}

#[test]
fn an_answer_is_described_as_it_is_written() {
    let word = json!({ "type": "string", "enum": ["the_one", "the_other"] });
    let described = |mut schema: Value, text: &str| {
        schema["description"] = json!(text);
        schema
    };
    let innermost = json!({
        "type": "object",
        "properties": { "number": { "type": "integer" } },
        "required": ["number"],
    });
    let inner = json!({
        "type": "object",
        "properties": { "inner": innermost },
        "required": ["inner"],
    });
    let expected = json!({
        "type": "object",
        "properties": {
            "word": described(word.clone(), "One of the words."),
            "often": { "type": "integer" },
            "mayBeNull": { "type": ["number", "null"] },
            "mayBeLeftOut": { "type": "array", "items": inner },
            "wordOrNothing": word,
            "anythingInside": { "type": ["object", "null"] },
        },
        "required": ["word", "often", "mayBeNull", "anythingInside"],
    });
    assert_eq!(of_answer::<Told>().to_value(), expected);
    assert!([Word::TheOne, Word::TheOther].map(|word| json!(word)) == ["the_one", "the_other"]);
}

/// What strict clients stop at, with its place.
fn faults(schema: &Value, place: &str, found: &mut Vec<String>) {
    let Some(object) = schema.as_object() else {
        found.push(format!("{place} is {schema} and no object"));
        return;
    };
    if !["type", "enum", "const", "anyOf", "oneOf"].iter().any(|key| object.contains_key(*key)) {
        found.push(format!("{place} takes anything"));
    }
    for key in object.keys() {
        let known = [
            "type",
            "enum",
            "const",
            "anyOf",
            "oneOf",
            "items",
            "properties",
            "required",
            "additionalProperties",
            "description",
            "default",
            "pattern",
            "minimum",
            "maximum",
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
        ];
        if !known.contains(&key.as_str()) {
            found.push(format!("{place} has {key}"));
        }
    }
    for (name, property) in
        object.get("properties").and_then(Value::as_object).unwrap_or(&Map::new())
    {
        faults(property, &format!("{place}.{name}"), found);
    }
    for key in ["anyOf", "oneOf"] {
        for choice in object.get(key).and_then(Value::as_array).unwrap_or(&Vec::new()) {
            faults(choice, &format!("{place}.{key}"), found);
        }
    }
    if let Some(items) = object.get("items") {
        faults(items, &format!("{place}[]"), found);
    }
    match object.get("additionalProperties") {
        None | Some(Value::Bool(_)) => {}
        Some(more) => faults(more, &format!("{place}.*"), found),
    }
}

#[test]
fn no_schema_has_what_strict_clients_stop_at() {
    let mut found = Vec::new();
    for tool in Registry::default().describe(Role::Operate) {
        for schema in ["inputSchema", "outputSchema"] {
            assert_eq!(tool[schema]["type"], "object", "{tool}");
            faults(&tool[schema], &format!("{} {schema}", tool["name"]), &mut found);
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// The list is sent at the start of every conversation and takes its share of what a model can
/// hold: 96 KiB are about 24,000 tokens.
#[test]
fn the_list_of_tools_stays_small() {
    let page = Registry::default().page(Role::Operate, None).unwrap();
    let bytes = serde_json::to_string(&page.items).unwrap().len();
    assert!(bytes < 96 << 10, "{bytes} bytes");
}
