//! What is said of a provider, and of what went wrong with it?

use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

use super::Provider;
use crate::adapters::llm::state::{ProviderState, count};
use crate::adapters::llm::trouble::Trouble;
use crate::adapters::llm::words::{Delta, LlmError};

impl Provider {
    pub(super) fn state(&self) -> ProviderState {
        ProviderState {
            provider: self.name.clone(),
            model: self.settings.model.clone(),
            server: self.server.state(),
            in_flight: self.gate.taken(),
            concurrency: self.gate.size(),
            rate_limited_for: self.gate.closed_for(Instant::now()),
            counts: self.counters.read(),
        }
    }

    /// Takes note of what was handed on.
    pub(in crate::adapters::llm) fn note(&self, delta: &Delta) {
        if let Delta::Finished(finished) = delta
            && let Some(usage) = finished.usage
        {
            self.counters.add(usage);
        }
    }

    /// The error of an answer that began and broke off.
    pub(in crate::adapters::llm) fn broke(&self, trouble: Trouble) -> LlmError {
        count(&self.counters.failed);
        self.server.note_break(trouble.why.clone());
        self.error(trouble)
    }

    /// The error that is shown, in which no key is even if the provider repeats it.
    pub(super) fn error(&self, mut trouble: Trouble) -> LlmError {
        let key = self.settings.key.as_ref().map(SecretString::expose_secret);
        if let Some(key) = key.filter(|key| !key.is_empty()) {
            trouble.why = trouble.why.replace(key, "…");
        }
        trouble.of(&self.name)
    }
}
