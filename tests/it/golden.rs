//! The wire contract, as clients, dashboards, scripts and operators rely on it.

mod canaries;
mod curls;
pub mod events;
mod recorded;
mod repository;
mod tables;

use serde_json::Value;

/// The text of a tool's answer.
fn text(result: &Value) -> &str {
    assert_eq!(result["content"][0]["type"], "text", "{result}");
    result["content"][0]["text"].as_str().unwrap()
}
