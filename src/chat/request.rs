//! A request as it is kept until it is worked on.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::adapters::llm::Overrides;
use crate::store::sha256_hex;

/// The longest text of a request, in bytes.
pub const LONGEST_TEXT: usize = 256 * 1024;

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// What the user says.
    pub text: String,
    /// Whether the answer is sent in pieces.
    pub streaming: bool,
    /// Which provider is asked, where it is not the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// What the model is told beside what the settings tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Whether the model may call no tools.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_tools: bool,
    /// Whether somebody is there to be asked.
    #[serde(default = "yes")]
    pub is_attended: bool,
    /// What the answers are to be like.
    #[serde(default, skip_serializing_if = "Overrides::is_empty")]
    pub overrides: Overrides,
    /// What was said before, as a digest, where the client says that each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// What the client says about it; kept, and shown to nobody else.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub metadata: Value,
}

fn yes() -> bool {
    true
}

impl Request {
    /// The request as it is kept, and a digest of it.
    pub fn kept(&self) -> (String, String) {
        let json = json!(self).to_string();
        // How it is answered does not make it another request.
        let mut asked = vec![json!(self.text), json!(self.provider)];
        asked.extend(self.after.as_ref().map(|after| json!(after)));
        let asked = json!(asked).to_string();
        (json, sha256_hex(asked.as_bytes()))
    }

    /// Reads a request that was kept.
    ///
    /// # Errors
    /// It is none.
    pub fn of(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }
}
