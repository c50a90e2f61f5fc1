//! What registries that are servers have in common: how their answers and failures are understood.

use std::time::Duration;

use anyhow::anyhow;
use secrecy::SecretString;
use url::Url;

use super::RegistryError;
use crate::adapters::outbound::{
    Answer, Call, Credentials, Outbound, OutboundError, OutboundOptions, ServerState,
};

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 256 * 1024;

/// The longest part of an answer that is repeated to a client, in characters.
const LONGEST_QUOTE: usize = 200;

/// How long after its timeout a call may still be at work in the server.
const GRACE: Duration = Duration::from_secs(5);

/// Where a registry that is a server is, and how it knows who calls.
#[derive(Debug, Clone)]
pub struct RemoteSettings {
    /// Its address; everything is below it.
    pub url: Url,
    /// How it knows who calls.
    pub credentials: Credentials,
    /// Certificates in PEM of the authorities that are trusted instead of the system's.
    pub authorities: Option<Vec<u8>>,
    /// How long one call may take.
    pub timeout: Duration,
    /// What calls are signed with, where the registry checks that.
    pub signing_key: Option<SecretString>,
}

/// A registry that is a server.
pub(super) struct Remote {
    name: &'static str,
    server: Outbound,
    timeout: Duration,
}

impl Remote {
    pub(super) fn new(
        (name, title): (&'static str, &'static str),
        settings: &RemoteSettings,
    ) -> Result<Self, OutboundError> {
        let options = OutboundOptions {
            credentials: settings.credentials.clone(),
            authorities: settings.authorities.clone(),
            ..OutboundOptions::default()
        };
        let server = Outbound::new(title, settings.url.clone(), &options)?;
        Ok(Self { name, server, timeout: settings.timeout })
    }

    /// How the server has been of late.
    pub(super) fn state(&self) -> ServerState {
        self.server.state()
    }

    /// How long a call without an answer may still take effect.
    pub(super) fn longest_delay(&self) -> Duration {
        self.timeout + GRACE
    }

    /// Calls, and says what kept an answer away.
    pub(super) async fn call(&self, call: Call) -> Result<Answer, RegistryError> {
        let call = call.within(self.timeout).at_most(LONGEST_ANSWER);
        self.server.call(&call).await.map_err(|error| self.unavailable(error))
    }

    pub(super) fn unavailable(&self, source: impl Into<anyhow::Error>) -> RegistryError {
        RegistryError::Unavailable { registry: self.name, source: source.into() }
    }

    /// An answer that says neither yes nor no, such as one about the key that was sent: nothing is
    /// known of the gate, and whoever has the key mended can ask again.
    pub(super) fn meaningless(&self, answer: &Answer) -> RegistryError {
        self.unavailable(anyhow!("status {}: {}", answer.status, quote(&answer.body)))
    }

    /// An answer that should be JSON of a form, and is not.
    pub(super) fn not_understood(&self, error: serde_json::Error) -> RegistryError {
        self.unavailable(anyhow::Error::from(error).context("the answer is not understood"))
    }
}

/// Some of what a server said, fit for a sentence.
pub(super) fn quote(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(4 * LONGEST_QUOTE)]);
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable.take(LONGEST_QUOTE).collect::<String>().trim().to_owned()
}
