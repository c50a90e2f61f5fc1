//! How is a client of the socket told that something was not done? Pure.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::chat::ChatError;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    /// Why, in one word.
    pub(super) code: &'static str,
    /// Why, in one sentence to act on.
    pub(super) message: String,
    /// Whether the same may be done later.
    pub(super) retryable: bool,
    /// After how long.
    pub(super) wait: Option<Duration>,
}

impl Refusal {
    /// Something that will be refused again.
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retryable: false, wait: None }
    }

    /// What was sent cannot be understood.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new("invalid_message", message)
    }

    /// Something that may be done when there is room.
    pub(super) fn overloaded(message: impl Into<String>) -> Self {
        Self { retryable: true, ..Self::new("overloaded", message) }
    }

    /// Somebody may only read.
    pub(super) fn read_only(action: &str) -> Self {
        let message = format!("a key that may only read cannot {action}; use one that may operate");
        Self::new("forbidden", message)
    }

    /// Somebody asks too often.
    pub(super) fn rate_limited(wait: Duration) -> Self {
        let message = "too many messages; wait as long as retry_after_ms says".to_owned();
        Self { code: "rate_limited", message, retryable: true, wait: Some(wait) }
    }

    /// The frame that says so: of a request, or of another action.
    pub(super) fn frame(&self, request_id: Option<&str>, action: Option<&str>) -> String {
        let mut chunk = json!({
            "error": self.message, "code": self.code, "retryable": self.retryable,
        });
        if let Some(wait) = self.wait {
            let whole = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            chunk["retry_after_ms"] = json!(whole.saturating_add(1));
        }
        frame((request_id, action), "error", chunk, None)
    }
}

impl From<ChatError> for Refusal {
    fn from(error: ChatError) -> Self {
        let (code, retryable) = (error.code(), error.is_transient());
        let message = match error {
            ChatError::Store(_) if retryable => {
                "the database has no moment for this; try again in a moment".to_owned()
            }
            ChatError::Store(error) => {
                tracing::error!(error = format!("{error:?}"), "something of the chat failed");
                "this could not be done for a reason inside the daemon; its log has it".to_owned()
            }
            error => error.to_string(),
        };
        Self { code, message, retryable, wait: None }
    }
}

/// What an action gave.
pub(super) fn done(request_id: Option<&str>, action: &str, data: Value) -> String {
    frame((request_id, Some(action)), "complete", json!({}), Some(data))
}

fn frame(
    (request_id, action): (Option<&str>, Option<&str>),
    status: &str,
    chunk: Value,
    data: Option<Value>,
) -> String {
    let mut frame = Map::new();
    if let Some(id) = request_id {
        frame.insert("request_id".to_owned(), json!(id));
    }
    if let Some(action) = action {
        frame.insert("action".to_owned(), json!(action));
    }
    frame.insert("status".to_owned(), json!(status));
    frame.insert("chunk".to_owned(), chunk);
    if let Some(data) = data {
        frame.insert("data".to_owned(), data);
    }
    Value::Object(frame).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(frame: &str) -> Value {
        serde_json::from_str(frame).unwrap()
    }

    #[test]
    fn a_refusal_says_why_and_whether_to_try_again() {
        let refusal = Refusal::invalid("payload.text must be a string");
        let expected = json!({
            "request_id": "r1", "status": "error",
            "chunk": {
                "error": "payload.text must be a string", "code": "invalid_message",
                "retryable": false,
            },
        });
        assert_eq!(read(&refusal.frame(Some("r1"), None)), expected);
        let limited = Refusal::rate_limited(Duration::from_millis(1500));
        let frame = read(&limited.frame(None, Some("history")));
        assert_eq!(frame["chunk"]["retry_after_ms"], 1501);
        assert_eq!(frame["action"], "history");
        assert_eq!(frame.get("request_id"), None);
    }
}
