//! What of the settings is in every request? Pure.

use super::openai_chat::request::Omitted;
use super::words::Prompt;
use crate::config::chat::ProviderSettings;

/// What of the settings is in every request.
#[derive(Debug, Clone)]
pub(crate) struct Sampling {
    pub model: String,
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_tokens: u32,
}

impl Sampling {
    pub fn of(settings: &ProviderSettings) -> Self {
        Self {
            model: settings.model.clone(),
            temperature: settings.temperature,
            top_p: settings.top_p,
            max_tokens: settings.max_tokens,
        }
    }

    pub fn max_tokens(&self, prompt: &Prompt) -> u32 {
        let wanted = [prompt.max_tokens, prompt.overrides.max_tokens].into_iter().flatten().min();
        wanted.map_or(self.max_tokens, |most| most.min(self.max_tokens)).max(1)
    }

    /// What is sent. What a server does not take is left out where the settings say it, and is the
    /// server's to refuse where whoever asks says it.
    pub fn temperature(&self, prompt: &Prompt, omitted: Omitted) -> Option<f64> {
        let usual = self.temperature.filter(|_| !omitted.temperature);
        prompt.overrides.temperature.or(usual)
    }

    /// The same: some models take it only without a temperature, and 1 says nothing.
    pub fn top_p(&self, prompt: &Prompt, omitted: Omitted) -> Option<f64> {
        let usual = self.top_p.filter(|_| !omitted.top_p);
        prompt.overrides.top_p.or(usual).filter(|top_p| *top_p < 1.0)
    }
}
