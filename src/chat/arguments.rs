//! What a model wrote as the arguments of a call.

use serde_json::{Map, Value};

use crate::adapters::llm::ToolCall;

/// The longest arguments of a call, in bytes.
const LONGEST_ARGUMENTS: usize = 1024 * 1024;

/// The arguments of a call, as the model wrote them; nothing written means none.
pub(super) fn arguments_of(call: &ToolCall) -> Result<Map<String, Value>, String> {
    let text = call.arguments.trim();
    if LONGEST_ARGUMENTS < text.len() {
        return Err(format!("The arguments have more than {LONGEST_ARGUMENTS} bytes; send less."));
    }
    if text.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(other) => Err(format!(
            "The arguments must be a JSON object, and are {}; write them as an object.",
            match other {
                Value::Null => "null",
                Value::Bool(_) => "a boolean",
                Value::Number(_) => "a number",
                Value::String(_) => "a string",
                Value::Array(_) | Value::Object(_) => "an array",
            }
        )),
        Err(error) => Err(format!("The arguments are not JSON ({error}); write them anew.")),
    }
}
