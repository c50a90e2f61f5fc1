//! How is a provider asked, and how often, until it answers?

mod telling;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use super::address::{Place, id_rule};
use super::gate::Gate;
use super::names::IdRule;
use super::openai_chat::request::Omitted;
use super::reading::{Language, Reading};
use super::retry::{self, BUDGET};
use super::sampling::Sampling;
use super::state::{Counters, ProviderState, count};
use super::streaming::{Limits, Streaming};
use super::trouble::{Kind, Trouble, complaint, of_status, quote};
use super::unanswered::{left_alone, may_have_arrived, unanswered};
use super::words::{LlmError, Prompt};
use super::{Answer, LanguageModel, anthropic_messages, openai_chat};
use crate::adapters::outbound::{
    Call, Credentials, Opened, Outbound, OutboundError, OutboundOptions,
};
use crate::clock::Clock;
use crate::config::chat::{ProviderSettings, Wire};
use crate::supervision::jitter;

/// How long a question waits while as many answers are being written as may be at a time.
const LONGEST_QUEUED: Duration = Duration::from_secs(45);

/// By when a question that was asked again has failed.
const FAILED_BY: Duration = Duration::from_mins(1);

/// A provider that is left alone for so long is waited for; longer, and that counts as a failure.
const LEFT_ALONE: Duration = Duration::from_secs(2);

/// The version of the messages wire.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// How much is read of the body of an error, and for how long.
const LONGEST_ERROR: usize = 64 * 1024;
const ERROR_TIME: Duration = Duration::from_secs(5);

/// Why a provider cannot be asked as the settings say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The address.
    #[error("base_url of {0} must be an http or https URL without user name and password")]
    Address(String),
    /// The key.
    #[error("{0} must be one line of visible ASCII characters")]
    Key(String),
    /// The machine.
    #[error("connections to {0} cannot be set up on this machine: there may be no certificates")]
    Connections(String),
}

/// A provider.
pub(super) struct Provider {
    name: String,
    language: Language,
    place: Place,
    ids: IdRule,
    sampling: Sampling,
    settings: ProviderSettings,
    server: Outbound,
    gate: Gate,
    /// What it said that it does not take.
    omitted: Mutex<Omitted>,
    counters: Counters,
    clock: Arc<dyn Clock>,
}

/// The model that the settings name.
///
/// # Errors
/// The address or the key cannot be used.
pub fn connect(
    settings: ProviderSettings,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn LanguageModel>, ConnectError> {
    let key = settings.key.clone();
    let (mut credentials, mut headers) = (Credentials::None, Vec::new());
    match (&settings.wire, key) {
        (_, None) => {}
        (Wire::OpenAiChat, Some(key)) => credentials = Credentials::Bearer(key),
        (Wire::AnthropicMessages, Some(key)) => headers.push(("x-api-key".to_owned(), key)),
        (Wire::Azure { .. }, Some(key)) => headers.push(("api-key".to_owned(), key)),
    }
    let connect_timeout = Some(settings.timeouts.connect);
    let options = OutboundOptions { credentials, headers, connect_timeout, authorities: None };
    let server = Outbound::new("the provider", settings.base_url.clone(), &options);
    let server = server.map_err(|error| match error {
        OutboundError::Base { .. } => ConnectError::Address(settings.name.clone()),
        OutboundError::Setting { what: "the TLS set-up", .. } => {
            ConnectError::Connections(settings.name.clone())
        }
        _ => ConnectError::Key(key_name(&settings)),
    })?;
    Ok(Arc::new(Connected(Arc::new(Provider {
        name: settings.name.clone(),
        language: match settings.wire {
            Wire::AnthropicMessages => Language::AnthropicMessages,
            Wire::OpenAiChat | Wire::Azure { .. } => Language::OpenAiChat,
        },
        place: Place::of(&settings),
        ids: id_rule(&settings.base_url),
        sampling: Sampling::of(&settings),
        gate: Gate::new(settings.concurrency),
        settings,
        server,
        omitted: Mutex::default(),
        counters: Counters::default(),
        clock: Arc::clone(clock),
    }))))
}

/// What errors call the key.
fn key_name(settings: &ProviderSettings) -> String {
    settings.key_variable.clone().unwrap_or_else(|| format!("api_key_env of {}", settings.name))
}

struct Connected(Arc<Provider>);

#[async_trait]
impl LanguageModel for Connected {
    fn provider(&self) -> &str {
        &self.0.name
    }

    fn model(&self) -> &str {
        &self.0.settings.model
    }

    fn state(&self) -> Option<ProviderState> {
        Some(self.0.state())
    }

    async fn ask(&self, prompt: Prompt) -> Result<Answer, LlmError> {
        let provider = &self.0;
        count(&provider.counters.asked);
        let answer = provider.answer(&prompt).await;
        answer.map_err(|trouble| {
            count(&provider.counters.failed);
            provider.error(trouble)
        })
    }
}

/// What became of a request that has no answer.
enum Failed {
    /// It can be asked at once in another way.
    Otherwise,
    /// It was not asked: it failed too often.
    LeftAlone(Duration),
    /// It cannot; perhaps again.
    With(Trouble),
    /// It cannot, and the server says that this stays so.
    ForGood(Trouble),
}

impl Provider {
    async fn answer(self: &Arc<Self>, prompt: &Prompt) -> Result<Answer, Trouble> {
        let Some(place) = self.gate.enter(LONGEST_QUEUED).await else {
            let why = format!(
                "{} answers are being written, and none came to its end within {} s",
                self.gate.size(),
                LONGEST_QUEUED.as_secs()
            );
            return Err(Trouble::new(Kind::Unavailable, why));
        };
        // Waiting for a place takes nothing of the time that an answer has.
        let began = Instant::now();
        let give_up = began + BUDGET;
        let (mut retries, mut attempts) = (0, retry::Pace::default());
        loop {
            self.open_again(give_up).await?;
            let limit = if retries == 0 {
                self.settings.timeouts.idle
            } else {
                let left = (began + FAILED_BY).saturating_duration_since(Instant::now());
                self.settings.timeouts.idle.min(left)
            };
            let started = Instant::now();
            let trouble = match self.attempt(prompt, limit).await {
                Ok(streaming) => return Ok(streaming.into_answer(Arc::clone(self), place)),
                Err(Failed::Otherwise) => continue,
                Err(Failed::LeftAlone(wait)) if wait <= LEFT_ALONE && Instant::now() < give_up => {
                    sleep(wait).await;
                    continue;
                }
                Err(Failed::LeftAlone(wait)) => left_alone(wait),
                Err(Failed::ForGood(trouble)) => return Err(trouble),
                Err(Failed::With(trouble)) => trouble,
            };
            let named = trouble.retry_after.map(|wait| wait + retry::spread(wait, jitter()));
            let wait = named.unwrap_or_else(|| {
                retry::wait(retries, jitter()).max(attempts.next(started, Instant::now()))
            });
            let is_in_time = Instant::now().checked_add(wait).is_some_and(|then| then < give_up);
            if !trouble.is_transient() || self.settings.max_retries <= retries || !is_in_time {
                return Err(trouble);
            }
            sleep(wait).await;
            retries += 1;
            count(&self.counters.retries);
        }
    }

    /// Waits until it may be asked, which may be longer than anybody waits.
    async fn open_again(&self, give_up: Instant) -> Result<(), Trouble> {
        while let Some(wait) = self.gate.closed_for(Instant::now()) {
            if give_up < Instant::now() + wait {
                let why = "it asked to be left alone";
                let trouble = Trouble::new(Kind::RateLimited, why);
                return Err(Trouble { retry_after: Some(wait), ..trouble });
            }
            sleep(wait + retry::spread(wait, jitter())).await;
        }
        Ok(())
    }

    /// One request, up to the first part of its answer.
    async fn attempt(&self, prompt: &Prompt, limit: Duration) -> Result<Streaming, Failed> {
        let omitted = *self.omitted.lock().unwrap_or_else(PoisonError::into_inner);
        let call = self.call(prompt, omitted).within(limit);
        let until = Instant::now() + self.settings.timeouts.total;
        prompt.sends.went_out();
        let opened = self.server.open(&call).await;
        if let Err(OutboundError::Open { retry_after, .. }) = opened {
            prompt.sends.cost_nothing();
            return Err(Failed::LeftAlone(retry_after));
        }
        count(&self.counters.requests);
        let (mut opened, verdict) = opened.map_err(|error| {
            if !may_have_arrived(&error) {
                prompt.sends.cost_nothing();
            }
            Failed::With(unanswered(&error))
        })?;
        if !(200..300).contains(&opened.status) {
            // What is answered with an error is not charged for.
            prompt.sends.cost_nothing();
            let failed = self.failed(&mut opened, omitted, prompt).await;
            match &failed {
                // A server that counts, or says no, is well.
                Failed::With(trouble) if trouble.kind == Kind::Unavailable => {
                    verdict.bad(trouble.why.clone());
                }
                _ => verdict.good(),
            }
            return Err(failed);
        }
        let timeouts = self.settings.timeouts;
        let limits = Limits { idle: timeouts.idle, total: timeouts.total, until };
        let reading = Reading::new(self.language, nanoid::nanoid!(6, &nanoid::alphabet::SAFE[2..]));
        let mut streaming = Streaming::new(opened, reading, limits);
        match streaming.begin().await {
            Ok(()) => {
                verdict.good();
                Ok(streaming)
            }
            Err(trouble) => {
                if trouble.kind == Kind::RateLimited {
                    count(&self.counters.rate_limited);
                }
                if matches!(trouble.kind, Kind::Unavailable | Kind::Broken) {
                    verdict.bad(trouble.why.clone());
                } else {
                    verdict.good();
                }
                Err(Failed::With(trouble))
            }
        }
    }

    fn call(&self, prompt: &Prompt, omitted: Omitted) -> Call {
        let body = match self.language {
            Language::OpenAiChat => {
                openai_chat::request::body(prompt, &self.sampling, omitted, self.ids).to_text()
            }
            Language::AnthropicMessages => {
                anthropic_messages::request::body(prompt, &self.sampling, omitted).to_text()
            }
        };
        let segments: Vec<&str> = self.place.segments.iter().map(String::as_str).collect();
        let mut call = Call::post(&segments).header("accept", "text/event-stream");
        if let Some(version) = &self.place.api_version {
            call = call.query("api-version", version);
        }
        if self.language == Language::AnthropicMessages {
            call = call.header("anthropic-version", ANTHROPIC_VERSION);
        }
        call.body("application/json", Bytes::from(body))
    }

    /// What an answer with the status of an error says.
    async fn failed(&self, opened: &mut Opened, sent: Omitted, prompt: &Prompt) -> Failed {
        let status = opened.status;
        let body = timeout(ERROR_TIME, opened.beginning(LONGEST_ERROR)).await.unwrap_or_default();
        let variable = key_name(&self.settings);
        let mut trouble = of_status(status, &body);
        match (status, &self.settings.key) {
            (401 | 403, None) => {
                trouble.why =
                    format!("it wants a key, and {variable} is not set (status {status})");
            }
            // What is said about a key may hold some of it.
            (401, Some(_)) => {
                trouble.why = format!("it does not accept the key in {variable} (status 401)");
            }
            (403, Some(_)) => {
                let said = std::mem::take(&mut trouble.why);
                trouble.why = format!(
                    "it does not allow this with the key in {variable} (status 403): {said}"
                );
            }
            (400 | 422, _) if self.learns(&complaint(&body), sent, prompt) => {
                return Failed::Otherwise;
            }
            _ => {}
        }
        if trouble.is_transient() {
            trouble.retry_after = retry::named(|name| opened.header(name), self.clock.now());
            if let Some(wait) = trouble.retry_after {
                self.gate.close(wait, Instant::now());
            }
        }
        if trouble.kind == Kind::RateLimited {
            count(&self.counters.rate_limited);
        }
        // What the clients of OpenAI and Anthropic heed.
        match opened.header("x-should-retry") {
            Some("false") => Failed::ForGood(trouble),
            _ => Failed::With(trouble),
        }
    }

    /// Whether a complaint is about something that need not be sent, which from now on is not.
    fn learns(&self, complaint: &str, sent: Omitted, prompt: &Prompt) -> bool {
        let mut omitted = self.omitted.lock().unwrap_or_else(PoisonError::into_inner);
        if *omitted != sent {
            // Somebody else has learned something since.
            return true;
        }
        let is_openai = self.language == Language::OpenAiChat;
        let says = |word: &str| complaint.contains(word);
        // What whoever asks wants is not left out behind their back.
        let wanted = &prompt.overrides;
        let (has_top_p, has_temperature) = (
            wanted.top_p.is_none() && self.sampling.top_p(prompt, sent).is_some(),
            wanted.temperature.is_none() && self.sampling.temperature(prompt, sent).is_some(),
        );
        let is_of_stream = says("stream_options") || says("include_usage");
        let fault = if is_openai && !sent.stream_options && is_of_stream {
            &mut omitted.stream_options
        } else if is_openai && !sent.max_tokens && says("max_completion_tokens") {
            &mut omitted.max_tokens
        } else if has_top_p && says("top_p") {
            &mut omitted.top_p
        } else if has_temperature && says("temperature") {
            &mut omitted.temperature
        } else {
            return false;
        };
        *fault = true;
        let complaint = quote(complaint);
        warn!(provider = self.name, complaint, "asked again without what it does not take");
        true
    }
}
