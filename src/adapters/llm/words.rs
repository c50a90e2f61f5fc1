//! The words for what a model is asked and what it answers.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sends::Sends;

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// What the user said.
    User(String),
    /// What the model answered.
    Assistant {
        /// Its words; may be empty beside calls.
        text: String,
        /// The tools it wants called.
        calls: Vec<ToolCall>,
    },
    /// What became of a call of the message before.
    Tool {
        /// The call's id.
        call_id: String,
        /// What the model is told.
        text: String,
        /// Whether the call failed.
        is_error: bool,
    },
}

/// A call of a tool, as the model wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The id by which its result is found; the provider's, or ours where it gave none.
    pub id: String,
    /// The tool, as the model was told it is called.
    pub name: String,
    /// The arguments, as the model wrote them: meant to be a JSON object, and not checked.
    pub arguments: String,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolDefinition {
    /// Its name: 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub name: String,
    /// What it does.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
}

/// Whether the model may call tools.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it likes.
    #[default]
    Auto,
    /// Not this time; those that there are stay described, because earlier messages call them.
    None,
    /// It has to call one.
    Required,
}

/// What an answer is to be like, where it is not to be as the settings say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Overrides {
    /// How freely words are drawn, from 0; 1 is as they come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Of how much of what is likely words are drawn, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// The most tokens of one answer, if fewer than the settings allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Where the answer ends, before any of these is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

impl Overrides {
    /// Whether everything is to be as the settings say.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What the model is asked.
#[derive(Debug, Clone, Default)]
pub struct Prompt {
    /// What it is told before everything else.
    pub system: Option<String>,
    /// The conversation, the oldest message first. It begins with the user's, every call has
    /// exactly one result in the messages that directly follow it, and two user messages may follow
    /// one another.
    pub messages: Vec<Message>,
    /// The tools that there are.
    pub tools: Arc<[ToolDefinition]>,
    /// Whether they may be called.
    pub tool_choice: ToolChoice,
    /// The most tokens of the answer, if fewer than the settings allow.
    pub max_tokens: Option<u32>,
    /// What the answer is to be like.
    pub overrides: Overrides,
    /// How often it went out.
    pub sends: Sends,
}

/// What an answer cost, in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of what was asked, those from a cache included.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
    /// Both.
    pub total_tokens: u64,
    /// Those of `prompt_tokens` that came from a cache of the provider.
    #[serde(default)]
    pub cached_tokens: u64,
}

/// A count as a provider writes it; `None` where it writes none. What is no count at all, such as
/// less than nothing, stands as the largest that there is, which nobody believes.
pub(super) fn tokens_of(count: Option<&Value>) -> Option<u64> {
    let count = count.filter(|count| !count.is_null())?;
    // Some write whole numbers with a fraction of nothing.
    let whole = || count.as_f64().filter(|n| n.fract() == 0.0 && (0.0..1e15).contains(n));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole, not negative and small"
    )]
    let counted = count.as_u64().or_else(|| whole().map(|n| n as u64));
    Some(counted.unwrap_or(u64::MAX))
}

/// Why the model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It was done.
    Stop,
    /// It wants tools called.
    ToolCalls,
    /// It may not say more at once.
    Length,
    /// The provider kept it from saying more.
    ContentFilter,
}

/// The end of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// Why it ended. Calls may be there whatever it says: some servers say `length` or `stop`
    /// beside complete calls.
    pub reason: FinishReason,
    /// The tools to call, in order; ids are unique and not empty.
    pub calls: Vec<ToolCall>,
    /// What it cost, if the provider said so.
    pub usage: Option<Usage>,
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
}

/// A part of an answer that comes in.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta {
    /// More words; never empty.
    Text(String),
    /// The end; the last of every stream that did not fail.
    Finished(Finished),
}

/// Why there is no answer, or no more of it. `Display` is one sentence that may be shown to a user:
/// no address, no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LlmError {
    /// The provider has had enough of us for now.
    #[error("{provider} allows no more requests for now{}", after(*retry_after))]
    RateLimited {
        /// Which provider.
        provider: String,
        /// When it said that it would again.
        retry_after: Option<Duration>,
    },
    /// It cannot be reached, fails, or is left alone because it did.
    #[error("{provider} cannot answer just now: {why}")]
    Unavailable {
        /// Which provider.
        provider: String,
        /// What happened.
        why: String,
    },
    /// It said no to what it was asked; the same again would be refused again.
    #[error("{provider} refused the request: {why}")]
    Refused {
        /// Which provider.
        provider: String,
        /// What it said, shortened.
        why: String,
    },
    /// What it was asked is longer than the model can read.
    #[error("the conversation is longer than {provider} accepts: {why}")]
    ContextLength {
        /// Which provider.
        provider: String,
        /// What it said, shortened.
        why: String,
    },
    /// The answer broke off, or was none that can be read.
    #[error("the answer of {provider} broke off: {why}")]
    Broken {
        /// Which provider.
        provider: String,
        /// What happened.
        why: String,
    },
}

fn after(wait: Option<Duration>) -> String {
    wait.map_or_else(String::new, |wait| format!("; it asks to wait {} s", wait.as_secs().max(1)))
}

impl LlmError {
    /// The error in one word, as frames of the chat carry it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::RateLimited { .. } => "rate_limited",
            Self::ContextLength { .. } => "context_length",
            Self::Unavailable { .. } | Self::Refused { .. } | Self::Broken { .. } => "provider",
        }
    }

    /// Whether asking again later may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable { .. } | Self::Broken { .. })
    }
}
