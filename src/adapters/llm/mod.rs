//! Language models behind providers: what is asked of one, and what comes back, in words that no
//! provider's wire has.
//!
//! Two wires are spoken: the chat completions of OpenAI, which many others speak too, and the
//! messages of Anthropic. What is sent and what is read of it are pure functions; one client around
//! them keeps to the bounds.
//!
//! # Invariants
//!
//! 1. An answer is whole or an error: a stream that ends before its wire says so is broken.
//! 2. Nothing is asked again once a part of the answer was handed on.
//! 3. A provider that names a time is not asked before it is over.
//! 4. Dropping an answer, or the future that waits for one, ends the request.
//! 5. A key is in a header that no log shows, and in no error.

mod address;
mod anthropic_messages;
mod body;
mod calls;
mod gate;
mod names;
mod openai_chat;
mod provider;
mod reading;
mod retry;
mod sampling;
mod sends;
mod sse;
mod state;
mod streaming;
mod trouble;
mod unanswered;
mod words;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

pub use self::provider::{ConnectError, connect};
pub use self::sends::Sends;
pub use self::state::{ProviderCounts, ProviderState};
pub use self::words::{
    Delta, FinishReason, Finished, LlmError, Message, Overrides, Prompt, ToolCall, ToolChoice,
    ToolDefinition, Usage,
};

/// The parts of an answer, in order. It ends after [`Delta::Finished`] or the first error, and
/// dropping it ends the request.
pub type Answer = BoxStream<'static, Result<Delta, LlmError>>;

/// A language model that can be asked.
#[async_trait]
pub trait LanguageModel: Send + Sync + 'static {
    /// What users call the provider, such as `groq`.
    fn provider(&self) -> &str;

    /// The model, as the provider names it.
    fn model(&self) -> &str;

    /// Asks. What fails before the first part of the answer is tried again, within bounds, before
    /// it is an error.
    async fn ask(&self, prompt: Prompt) -> Result<Answer, LlmError>;

    /// How the provider has been of late, where there is one.
    fn state(&self) -> Option<ProviderState> {
        None
    }
}

/// What goes over each wire, for tests of whatever makes prompts.
#[cfg(test)]
pub(crate) mod bodies {
    use serde_json::Value;

    use super::words::Prompt;
    use super::{anthropic_messages, names, openai_chat, sampling};

    fn sampling() -> sampling::Sampling {
        sampling::Sampling::of(crate::config::chat::sample().llm.active())
    }

    pub(crate) fn openai_chat(prompt: &Prompt) -> Value {
        let (omitted, ids) = (openai_chat::request::Omitted::default(), names::IdRule::Common);
        let body = openai_chat::request::body(prompt, &sampling(), omitted, ids);
        serde_json::from_str(&body.to_text()).unwrap()
    }

    pub(crate) fn anthropic_messages(prompt: &Prompt) -> Value {
        let omitted = openai_chat::request::Omitted::default();
        let body = anthropic_messages::request::body(prompt, &sampling(), omitted);
        serde_json::from_str(&body.to_text()).unwrap()
    }
}
