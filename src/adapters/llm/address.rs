//! Where is a provider asked, below its address? Pure.

use url::Url;

use super::names::IdRule;
use crate::config::chat::{ProviderSettings, Wire};

/// What is appended to an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Segments of the path.
    pub segments: Vec<String>,
    /// The version that Azure wants to be told.
    pub api_version: Option<String>,
}

impl Place {
    /// Where the settings' model is asked. An address may hold more of the way than it has to.
    pub fn of(settings: &ProviderSettings) -> Self {
        let path: Vec<&str> =
            settings.base_url.path().split('/').filter(|part| !part.is_empty()).collect();
        let ends = |end: &[&str]| path.ends_with(end);
        let (way, api_version): (Vec<&str>, _) = match &settings.wire {
            Wire::OpenAiChat if ends(&["chat", "completions"]) => (Vec::new(), None),
            Wire::OpenAiChat => (vec!["chat", "completions"], None),
            Wire::AnthropicMessages if ends(&["messages"]) => (Vec::new(), None),
            Wire::AnthropicMessages if ends(&["v1"]) => (vec!["messages"], None),
            Wire::AnthropicMessages => (vec!["v1", "messages"], None),
            Wire::Azure { api_version } => {
                let way = if ends(&["chat", "completions"]) {
                    Vec::new()
                } else if ends(&["openai", "v1"]) || path.contains(&"deployments") {
                    vec!["chat", "completions"]
                } else if ends(&["openai"]) {
                    vec!["deployments", &settings.model, "chat", "completions"]
                } else {
                    vec!["openai", "deployments", &settings.model, "chat", "completions"]
                };
                let is_said =
                    settings.base_url.query_pairs().any(|(name, _)| name == "api-version");
                (way, Some(api_version.clone()).filter(|version| !is_said && !version.is_empty()))
            }
        };
        Self { segments: way.into_iter().map(str::to_owned).collect(), api_version }
    }
}

/// What an address takes as the ids of calls.
pub(super) fn id_rule(base_url: &Url) -> IdRule {
    let is_mistral = |host: &str| host == "mistral.ai" || host.ends_with(".mistral.ai");
    if base_url.host_str().is_some_and(is_mistral) { IdRule::NineLetters } else { IdRule::Common }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::chat::sample_provider;

    fn way(wire: Wire, base_url: &str) -> String {
        let settings = sample_provider("x", wire, Url::parse(base_url).unwrap(), "m/1");
        let place = Place::of(&settings);
        format!(
            "{}{}",
            place.segments.join(" "),
            place.api_version.map_or(String::new(), |v| format!("?{v}"))
        )
    }

    #[test]
    fn an_address_may_hold_more_of_the_way() {
        let chat = |base_url| way(Wire::OpenAiChat, base_url);
        assert_eq!(chat("https://api.openai.com/v1"), "chat completions");
        assert_eq!(chat("https://openrouter.ai/api/v1/"), "chat completions");
        assert_eq!(chat("https://host/v1/chat/completions"), "");
        let messages = |base_url| way(Wire::AnthropicMessages, base_url);
        assert_eq!(messages("https://api.anthropic.com"), "v1 messages");
        assert_eq!(messages("https://api.anthropic.com/v1/"), "messages");
        assert_eq!(messages("https://host/v1/messages"), "");
        let azure = |base_url| way(Wire::Azure { api_version: "2024-10-21".to_owned() }, base_url);
        let whole = "openai deployments m/1 chat completions?2024-10-21";
        assert_eq!(azure("https://x.openai.azure.com"), whole);
        assert_eq!(azure("https://x.openai.azure.com/openai"), &whole[7..]);
        assert_eq!(azure("https://x/openai/deployments/d"), "chat completions?2024-10-21");
        assert_eq!(azure("https://x/openai/deployments/d?api-version=1"), "chat completions");
        let newest = way(Wire::Azure { api_version: String::new() }, "https://x/openai/v1");
        assert_eq!(newest, "chat completions");
    }
}
