//! Posting one notification to one webhook.
//!
//! A webhook's URL comes from the settings and from nowhere else. It may hold a token, and is
//! therefore a secret: logs, facts and figures name a webhook by a digest of it.

mod patience;
mod signature;

use std::fmt::Write as _;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use url::Url;

pub use self::patience::{Next, Patience};
use self::signature::sign;
use crate::adapters::outbound::{Call, Outbound, OutboundError, OutboundOptions};

/// How long a receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much of an answer is read, in bytes; nobody looks at it.
const ANSWER: usize = 64 * 1024;

/// What is said to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The same in every attempt, so that a receiver knows what it had before.
    pub delivery: String,
    /// The whole of it, for programs: one JSON object.
    pub body: String,
    /// The same as a sentence, for people.
    pub sentence: String,
}

/// What a receiver gets.
#[derive(Debug, Clone)]
pub enum Form {
    /// The body, signed with each of these keys.
    Signed(Vec<SecretString>),
    /// The sentence, as Slack and what imitates it take it.
    Slack,
}

/// Why a notification was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// No answer came.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The receiver refused.
    #[error("the webhook answered with status {0}")]
    Refused(u16),
}

/// Somebody who is to be told.
#[derive(Debug, Clone)]
pub struct Webhook {
    name: String,
    outbound: Outbound,
    form: Form,
}

impl Webhook {
    /// A receiver at this URL.
    ///
    /// # Errors
    /// It is no URL that can be called.
    pub fn new(url: &SecretString, form: Form) -> Result<Self, WebhookError> {
        let server = match form {
            Form::Signed(_) => "the webhook",
            Form::Slack => "the Slack webhook",
        };
        let base = Url::parse(url.expose_secret());
        let base = base.map_err(|_not_one| OutboundError::Base { server })?;
        let digest = Sha256::digest(base.as_str().as_bytes());
        let name = digest.iter().take(6).fold("webhook:".to_owned(), |mut name, byte| {
            // Writing to a string cannot fail.
            let _ = write!(name, "{byte:02x}");
            name
        });
        let outbound = Outbound::new(server, base, &OutboundOptions::default())?;
        Ok(Self { name, outbound, form })
    }

    /// What it is called where its URL must not stand.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Posts a notification once. `unix_seconds` is the time, which the signature covers.
    ///
    /// # Errors
    /// It was not taken, or nobody knows whether it was.
    pub async fn deliver(
        &self,
        notification: &Notification,
        unix_seconds: i64,
    ) -> Result<(), WebhookError> {
        let call = Call::post(&[]).within(PATIENCE).at_most(ANSWER);
        let call = match &self.form {
            Form::Signed(keys) => {
                let timestamp = unix_seconds.to_string();
                let signature = sign(keys, &timestamp, &notification.body);
                call.header("x-lukhas-delivery", &notification.delivery)
                    .header("x-lukhas-timestamp", &timestamp)
                    .header("x-lukhas-signature", &signature)
                    .body("application/json", notification.body.clone())
            }
            Form::Slack => {
                let text = json!({ "text": for_slack(&notification.sentence) });
                call.body("application/json", text.to_string())
            }
        };
        let answer = self.outbound.call(&call).await?;
        if answer.is_success() { Ok(()) } else { Err(WebhookError::Refused(answer.status)) }
    }
}

/// Text in which nothing is a mention, a link or a command.
fn for_slack(sentence: &str) -> String {
    sentence.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_sentence_calls_a_channel() {
        assert_eq!(for_slack("<!channel> a & b"), "&lt;!channel&gt; a &amp; b");
    }

    #[test]
    fn a_name_tells_webhooks_apart_and_tells_no_url() {
        let named = |url: &str| Webhook::new(&url.to_owned().into(), Form::Slack).unwrap();
        let one = named("https://hooks.example/services/T0/secret-token");
        assert_ne!(one.name(), named("https://hooks.example/services/T0/other").name());
        assert!(!format!("{one:?}").contains("secret-token"), "{one:?}");
    }
}
