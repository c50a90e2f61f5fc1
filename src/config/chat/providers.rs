//! Which models answer, and how their providers are reached.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::llm::is_loopback;

/// The providers, and which of them is asked.
#[derive(Debug, Clone)]
pub struct LlmSettings {
    /// The name of the one that is asked; it is among `providers`.
    pub active: String,
    /// All of them, by name.
    pub providers: BTreeMap<String, ProviderSettings>,
}

impl LlmSettings {
    /// The provider that is asked.
    pub fn active(&self) -> &ProviderSettings {
        &self.providers[&self.active]
    }
}

/// One provider.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Its name in the file.
    pub name: String,
    /// How it is spoken to.
    pub wire: Wire,
    /// Where it is; the wire's own paths come behind.
    pub base_url: Url,
    /// The key; the active provider has one if it needs one.
    pub key: Option<SecretString>,
    /// The variable that the key is read from, if there is one.
    pub key_variable: Option<String>,
    /// The model, as the provider names it.
    pub model: String,
    /// From 0 to 2; `None` is not sent.
    pub temperature: Option<f64>,
    /// Above 0 and below 1; `None` is not sent, which is as good as 1.
    pub top_p: Option<f64>,
    /// The most tokens of one answer; at least 1.
    pub max_tokens: u32,
    /// What tokens cost, if known.
    pub prices: Option<Prices>,
    /// How long to wait for it.
    pub timeouts: ProviderTimeouts,
    /// How often a request is tried again of which nothing was answered.
    pub max_retries: u32,
    /// How many requests may be under way at once; at least 1.
    pub concurrency: usize,
}

impl ProviderSettings {
    /// Whether it cannot be asked for want of its key; one on this machine wants none.
    #[must_use]
    pub fn lacks_its_key(&self) -> bool {
        self.key_variable.is_some() && self.key.is_none() && !is_loopback(&self.base_url)
    }
}

/// How a provider is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wire {
    /// `POST …/chat/completions`, as `OpenAI` has it.
    OpenAiChat,
    /// The same, in the way of Azure: the key in a header of its own and this `api-version`.
    Azure {
        /// The version.
        api_version: String,
    },
    /// `POST …/messages`, as Anthropic has it.
    AnthropicMessages,
}

/// What a million tokens cost, in millionths of a currency: 0.15 is 150,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// Of what is asked.
    pub input_micros: u64,
    /// Of what is answered.
    pub output_micros: u64,
    /// Of what is asked and came from the provider's cache.
    pub cached_input_micros: u64,
}

/// How long a provider is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderTimeouts {
    /// For a connection.
    pub connect: Duration,
    /// For the next part of an answer, or its first.
    pub idle: Duration,
    /// For all of an answer.
    pub total: Duration,
}
