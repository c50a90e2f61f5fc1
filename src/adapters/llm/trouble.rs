//! What is wrong when a provider gives no answer, and what does it say about it? Pure.
//!
//! Providers put errors into bodies and streams in half a dozen shapes. All are read alike: a
//! sentence, some words that classify it, and perhaps a number that is an HTTP status.

use std::time::Duration;

use serde_json::Value;

use super::words::LlmError;

/// The longest part of what a provider says that is repeated, in characters.
const LONGEST_QUOTE: usize = 300;

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Too many requests.
    RateLimited,
    /// It cannot just now.
    Unavailable,
    /// It does not want what it was asked.
    Refused,
    /// It was asked too much at once.
    ContextLength,
    /// What came is no whole answer.
    Broken,
}

/// Why there is no answer, before it is said whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// What kind it is.
    pub kind: Kind,
    /// What happened, or what the provider said.
    pub why: String,
    /// When the provider wants to be asked again.
    pub retry_after: Option<Duration>,
}

impl Trouble {
    /// Trouble of a kind.
    pub fn new(kind: Kind, why: impl Into<String>) -> Self {
        Self { kind, why: why.into(), retry_after: None }
    }

    /// An answer that is none, or not whole.
    pub fn broken(why: impl Into<String>) -> Self {
        Self::new(Kind::Broken, why)
    }

    /// Whether asking again may help.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, Kind::RateLimited | Kind::Unavailable | Kind::Broken)
    }

    /// The error that callers get.
    pub fn of(self, provider: &str) -> LlmError {
        let (provider, why, retry_after) = (provider.to_owned(), self.why, self.retry_after);
        match self.kind {
            Kind::RateLimited => LlmError::RateLimited { provider, retry_after },
            Kind::Unavailable => LlmError::Unavailable { provider, why },
            Kind::Refused => LlmError::Refused { provider, why },
            Kind::ContextLength => LlmError::ContextLength { provider, why },
            Kind::Broken => LlmError::Broken { provider, why },
        }
    }
}

/// What a provider says about an error.
#[derive(Debug, Default)]
struct Said {
    message: Option<String>,
    /// Its type, code and status, in lower case.
    words: String,
    status: Option<u16>,
}

impl Said {
    fn read(value: &Value) -> Self {
        let value = value.as_array().and_then(|items| items.first()).unwrap_or(value);
        let inner = value.get("error").filter(|error| !error.is_null()).unwrap_or(value);
        let message = match inner {
            Value::String(message) => Some(message.clone()),
            inner => message_of(inner).or_else(|| message_of(value)),
        };
        let mut said = Self { message, ..Self::default() };
        for source in [inner, value] {
            for name in ["type", "code", "status", "error_type"] {
                said.word(source.get(name));
            }
        }
        said
    }

    fn word(&mut self, word: Option<&Value>) {
        match word {
            Some(Value::String(word)) => {
                if self.status.is_none() {
                    self.status = word.parse().ok().filter(|code| (400..600).contains(code));
                }
                self.words.push_str(&word.to_lowercase());
                self.words.push(' ');
            }
            Some(Value::Number(code)) if self.status.is_none() => {
                let code = code.as_u64().and_then(|code| u16::try_from(code).ok());
                self.status = code.filter(|code| (400..600).contains(code));
            }
            _ => {}
        }
    }

    fn has(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.words.contains(word))
    }

    /// What kind of trouble it is; `http` is the status of the whole answer, if that was an error.
    fn kind(&self, http: Option<u16>) -> Kind {
        let status = http.or(self.status);
        let message = self.message.as_deref().unwrap_or_default().to_lowercase();
        let is_about_length = || LENGTH.iter().any(|words| message.contains(words));
        let is_final = status.is_none_or(|status| matches!(status, 400 | 413 | 422));
        if status == Some(413)
            || self.has(&["context_length", "context_size", "request_too_large", "string_too_long"])
            || message.contains("request too large")
            || (is_final && is_about_length())
        {
            return Kind::ContextLength;
        }
        // Waiting does not fill an account.
        if self.has(&["insufficient_quota", "billing", "payment_required"]) {
            return Kind::Refused;
        }
        match status {
            Some(429) => Kind::RateLimited,
            Some(408 | 409 | 425 | 500 | 502..=599) => Kind::Unavailable,
            Some(_) => Kind::Refused,
            None => self.kind_by_words(),
        }
    }

    fn kind_by_words(&self) -> Kind {
        let is_rate = ["rate_limit", "too_many_requests", "resource_exhausted", "throttl"];
        // Groq's types for its two limits.
        if self.has(&is_rate) || matches!(self.words.trim(), "tokens" | "requests") {
            return Kind::RateLimited;
        }
        let is_down =
            ["overloaded", "server_error", "api_error", "internal", "unavailable", "timeout"];
        if self.has(&is_down) {
            return Kind::Unavailable;
        }
        let is_no = [
            "invalid_request",
            "invalid_argument",
            "invalid_api_key",
            "authentication",
            "permission",
            "not_found",
            "unsupported",
            "content_filter",
            "content_policy",
            "moderation",
        ];
        if self.has(&is_no) { Kind::Refused } else { Kind::Broken }
    }

    fn trouble(self, http: Option<u16>, otherwise: &str) -> Trouble {
        let kind = self.kind(http);
        let message = self.message.as_deref().map(quote).filter(|message| !message.is_empty());
        Trouble::new(kind, message.unwrap_or_else(|| otherwise.to_owned()))
    }
}

/// What providers say of a prompt that is longer than the model reads.
const LENGTH: &[&str] = &[
    "context length",
    "context window",
    "context size",
    "maximum context",
    "prompt is too long",
    "prompt too long",
    "input is too long",
    "too many tokens",
    "too many input tokens",
    "maximum number of tokens",
    "reduce the length",
    "token limit",
];

fn message_of(value: &Value) -> Option<String> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let first = || {
        let first = value.get("detail")?.as_array()?.first()?;
        first.get("msg").and_then(Value::as_str).map(str::to_owned)
    };
    text("message").or_else(|| text("detail")).or_else(first)
}

/// The trouble that an object of a stream, or a whole answer with a good status, tells of; `None`
/// for one that is no error.
pub(crate) fn in_band(value: &Value, is_error: bool) -> Option<Trouble> {
    let object = value.as_array().and_then(|items| items.first()).unwrap_or(value);
    let says = |name: &str| object.get(name).and_then(Value::as_str) == Some("error");
    let has_error = object.get("error").is_some_and(|error| !error.is_null());
    if !(is_error || has_error || says("object") || says("type")) {
        return None;
    }
    Some(Said::read(object).trouble(None, "it said that there was an error, and not which"))
}

/// The trouble that an answer with an error's status tells of.
pub(crate) fn of_status(status: u16, body: &[u8]) -> Trouble {
    let otherwise = format!("it answered with status {status}");
    if (300..400).contains(&status) {
        let why =
            format!("it redirects to another address (status {status}), which is not followed");
        return Trouble::new(Kind::Refused, why);
    }
    let said = serde_json::from_slice(body).map(|value| Said::read(&value)).unwrap_or_default();
    let mut trouble = said.trouble(Some(status), &otherwise);
    if trouble.kind == Kind::Unavailable && trouble.why != otherwise {
        trouble.why = format!("{} (status {status})", trouble.why);
    }
    trouble
}

/// All that an error says, and about what, in lower case: for finding out what is not taken. What it
/// repeats of the request is left out.
pub(crate) fn complaint(body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return String::new() };
    let value = value.as_array().and_then(|items| items.first()).unwrap_or(&value);
    let said = Said::read(value);
    let mut words = vec![said.message.unwrap_or_default(), said.words];
    let param = value.pointer("/error/param").or_else(|| value.get("param"));
    words.extend(param.and_then(Value::as_str).map(str::to_owned));
    for detail in value.get("detail").and_then(Value::as_array).into_iter().flatten() {
        let place = detail.get("loc").and_then(Value::as_array).into_iter().flatten();
        words.extend(place.filter_map(|part| part.as_str().map(str::to_owned)));
    }
    words.join(" ").to_lowercase()
}

/// Some of what a provider said, fit for a sentence.
pub(crate) fn quote(text: &str) -> String {
    let is_plain = |c: &char| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
    let plain = text.chars().take(4 * LONGEST_QUOTE).filter(is_plain);
    let plain: String = plain.map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = words.trim_end_matches('.');
    if words.chars().count() <= LONGEST_QUOTE {
        return words.to_owned();
    }
    words.chars().take(LONGEST_QUOTE).chain("…".chars()).collect()
}
