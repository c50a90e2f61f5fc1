//! Posting to an address that a client wants to be told at.
//!
//! The address is a stranger's, and so is what it answers: nothing of an answer is shown to anybody
//! but its kind, in one of few words, so that nobody can look through the daemon at what stands
//! behind an address.

mod signature;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Deserialize;
use serde_json::json;
use subtle::ConstantTimeEq as _;
use url::Url;

use self::signature::sign;
pub use self::signature::{InvalidSecret, SigningKey};
use crate::adapters::outbound::{Answer, Call, OpenOutbound, Outbound, OutboundError};

/// What errors call the address.
const SERVER: &str = "the callback";

/// How long a receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much of an answer is read, in bytes.
const ANSWER: usize = 64 * 1024;

/// The longest body, in bytes.
pub const LONGEST_BODY: usize = 262_144;

/// Why nothing was taken, in one of the words that may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackFailure {
    /// No connection came about, or it broke.
    Connection,
    /// No answer came in time.
    TimedOut,
    /// TLS said no.
    Tls,
    /// It answered with a status below 500.
    Refused,
    /// It answered with a status from 500 on.
    Failed,
    /// It did not send the challenge back.
    Challenge,
}

impl CallbackFailure {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection_refused",
            Self::TimedOut => "timeout",
            Self::Tls => "tls_error",
            Self::Refused => "http_4xx",
            Self::Failed => "http_5xx",
            Self::Challenge => "challenge_failed",
        }
    }

    fn of(error: &OutboundError) -> Self {
        match error {
            _ if error.is_timeout() => Self::TimedOut,
            OutboundError::Setting { .. } => Self::Tls,
            _ if error.is_tls() => Self::Tls,
            // It answered something, if nothing that counts.
            OutboundError::Redirect { .. }
            | OutboundError::TooLong { .. }
            | OutboundError::Encoded { .. } => Self::Refused,
            _ => Self::Connection,
        }
    }

    fn of_status(status: u16) -> Self {
        if status < 500 { Self::Refused } else { Self::Failed }
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It was taken.
    Taken,
    /// It is not wanted, and must not be sent again.
    Unwanted,
    /// It is too long for the receiver, and must not be sent again.
    TooLarge,
    /// It was not taken, and may be sent again.
    Failed(CallbackFailure),
}

/// One message.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The same in every attempt, so that a receiver knows what it had before.
    pub id: &'a str,
    /// The subscription that it is for.
    pub subscription: &'a str,
    /// One JSON object.
    pub body: &'a str,
}

/// An address that a client named.
#[derive(Debug, Clone)]
pub struct Callback(Outbound);

#[derive(Deserialize)]
struct Echo {
    challenge: String,
}

impl Callback {
    /// The address at a URL.
    ///
    /// # Errors
    /// [`OutboundError::NotAllowed`] if it is none that may be called; else there is no TLS.
    pub async fn new(open: &OpenOutbound, url: Url) -> Result<Self, OutboundError> {
        open.to(SERVER, url).await.map(Self)
    }

    /// Asks whether somebody there wants to be told, by a nonce that must come back.
    ///
    /// # Errors
    /// Nobody does, or nobody can be asked.
    pub async fn verify(
        &self,
        subscription: &str,
        key: &SigningKey,
        unix_seconds: i64,
    ) -> Result<(), CallbackFailure> {
        let mut nonce = [0; 32];
        // Without random numbers nothing was asked.
        SystemRandom::new().fill(&mut nonce).map_err(|_none| CallbackFailure::Connection)?;
        let challenge = URL_SAFE_NO_PAD.encode(nonce);
        let id = format!("msg_verification_{}", nanoid::nanoid!());
        let body = json!({ "type": "verification", "challenge": challenge }).to_string();
        let message = Message { id: &id, subscription, body: &body };
        let answer = self.post(message, std::slice::from_ref(key), unix_seconds).await;
        let answer = answer.map_err(|error| match CallbackFailure::of(&error) {
            // Whoever leads elsewhere or says too much was reached, and said the wrong thing.
            CallbackFailure::Refused => CallbackFailure::Challenge,
            failure => failure,
        })?;
        if !answer.is_success() {
            return Err(CallbackFailure::of_status(answer.status));
        }
        let echo: Echo = answer.json().map_err(|_not_an_echo| CallbackFailure::Challenge)?;
        let is_same: bool = echo.challenge.as_bytes().ct_eq(challenge.as_bytes()).into();
        if is_same { Ok(()) } else { Err(CallbackFailure::Challenge) }
    }

    /// Posts a message once, signed with each of these keys. `unix_seconds` is the time, which the
    /// signatures cover.
    pub async fn deliver(
        &self,
        message: Message<'_>,
        keys: &[SigningKey],
        unix_seconds: i64,
    ) -> Delivery {
        match self.post(message, keys, unix_seconds).await {
            Ok(answer) => match answer.status {
                200..300 => Delivery::Taken,
                410 => Delivery::Unwanted,
                413 => Delivery::TooLarge,
                status => Delivery::Failed(CallbackFailure::of_status(status)),
            },
            Err(error) => Delivery::Failed(CallbackFailure::of(&error)),
        }
    }

    async fn post(
        &self,
        message: Message<'_>,
        keys: &[SigningKey],
        unix_seconds: i64,
    ) -> Result<Answer, OutboundError> {
        let Message { id, subscription, body } = message;
        let timestamp = unix_seconds.to_string();
        let call = Call::post(&[])
            .within(PATIENCE)
            .at_most(ANSWER)
            .header("webhook-id", id)
            .header("webhook-timestamp", &timestamp)
            .header("webhook-signature", &sign(keys, id, &timestamp, body))
            .header("x-mcp-subscription-id", subscription)
            .body("application/json", body.to_owned());
        self.0.call(&call).await
    }
}
