//! How is a client of the completions API told that something was not done? Pure.

use serde_json::{Value, json};

use crate::chat::ChatError;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The status of the answer.
    pub(super) status: u16,
    /// The member of the request that is wrong.
    pub(super) param: Option<String>,
    /// Why, in one word.
    pub(super) code: String,
    /// Why, in one sentence.
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(status: u16, code: &str, message: String) -> Self {
        Self { status, param: None, code: code.to_owned(), message }
    }

    /// What was sent cannot be taken.
    pub(super) fn invalid(param: Option<&str>, message: String) -> Self {
        Self { param: param.map(str::to_owned), ..Self::new(400, "invalid_value", message) }
    }

    /// How a request to the model ended that was not answered.
    pub(super) fn of_ending(code: &str, message: &str, retryable: bool) -> Self {
        let status = match code {
            "rate_limited" | "budget_exceeded" => 429,
            "context_length" | "invalid_message" => 400,
            "not_found" => 404,
            "conflict" | "cancelled" => 409,
            _ if retryable => 503,
            _ => 502,
        };
        Self::new(status, code, message.to_owned())
    }

    /// The fault as clients know it.
    pub(super) fn json(&self) -> Value {
        let kind = match self.status {
            400 | 404 | 409 => "invalid_request_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            _ => "server_error",
        };
        json!({ "error": {
            "message": self.message, "type": kind, "param": self.param, "code": self.code,
        } })
    }
}

impl From<ChatError> for Fault {
    fn from(error: ChatError) -> Self {
        let refusal: super::super::refusal::Refusal = error.into();
        let status = match refusal.code {
            "invalid_message" => 400,
            "not_found" => 404,
            "conflict" => 409,
            _ => 503,
        };
        Self::new(status, refusal.code, refusal.message)
    }
}
