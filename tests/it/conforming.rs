//! Is a tool's answer what the tool says its answers are?
//!
//! The harness asks this of every answer of every test; the table below sees to it that there is
//! one of each tool.

mod each_tool;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use lukhas_mcp::tools::{Registry, Role};
use serde_json::Value;

/// The answers of listed tools, each with what they are checked against.
fn answers() -> &'static BTreeMap<String, Validator> {
    static ANSWERS: OnceLock<BTreeMap<String, Validator>> = OnceLock::new();
    ANSWERS.get_or_init(|| {
        let tools = Registry::default().describe(Role::Operate);
        let checked = tools.iter().map(|tool| {
            let schema = jsonschema::draft202012::new(&tool["outputSchema"]).unwrap();
            (tool["name"].as_str().unwrap().to_owned(), schema)
        });
        checked.collect()
    })
}

/// Stops the test if this result of a tool is not as the tool says, or its text and its structured
/// content tell different things.
pub fn check(tool: &str, result: &Value) {
    if result["isError"] == true {
        assert_eq!(result.get("structuredContent"), None, "{tool}: {result}");
        return;
    }
    let answer = &result["structuredContent"];
    assert!(answer.is_object(), "{tool}: {result}");
    if let [only] = result["content"].as_array().unwrap().as_slice() {
        let told: Value = serde_json::from_str(only["text"].as_str().unwrap()).unwrap();
        assert_eq!(told, *answer, "{tool}");
    }
    // What is not listed promises nothing to who reads the list.
    let Some(schema) = answers().get(tool) else { return };
    let faults: Vec<String> = schema
        .iter_errors(answer)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{tool} answered {answer}, but: {faults:#?}");
}

#[test]
fn what_does_not_fit_is_found() {
    let result = |answer: &Value, text: &str| {
        serde_json::json!({
            "content": [{ "type": "text", "text": text }], "structuredContent": answer,
        })
    };
    let stops = |result: Value| std::panic::catch_unwind(|| check("list_dir", &result)).is_err();
    let good =
        serde_json::json!({ "items": [{ "type": "file", "path": "a" }], "truncated": false });
    assert!(!stops(result(&good, &good.to_string())));
    assert!(stops(result(&good, "{}")));
    for (member, wrong) in [
        ("items", Value::Null),
        ("items", serde_json::json!([{ "type": "pipe", "path": "a" }])),
        ("items", serde_json::json!([{ "type": "file" }])),
        ("truncated", serde_json::json!("no")),
    ] {
        let mut bad = good.clone();
        bad[member] = wrong;
        assert!(stops(result(&bad, &bad.to_string())), "{bad}");
    }
}
