//! Gates behind a server of one's own, by a contract of two calls.
//!
//! `GET {base}/gates/{gate}?model={name}` answers `{"modelId": "name:version"}`, or null for a gate
//! where no version of the name stands. `POST {base}/promotions` moves: its body has `modelId` (null
//! to leave the gate), `model`, `gate`, `from`, `dryRun` and `auditHash`, and `Idempotency-Key` names
//! the move. 409 says that `from` does not stand there, 400, 404 and 422 that it can never be done,
//! with `{"error": "…"}` to say why. An `ETag` is taken as the name of the state.

use async_trait::async_trait;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::remote::{Remote, RemoteSettings, quote};
use super::{ModelRegistry, PlaceChange, RegistryError, Standing};
use crate::adapters::outbound::{Answer, Call, OutboundError, ServerState};
use crate::ids::{CanaryId, GateId, ModelId};

const NAME: &str = "http";

/// Keeps the gates behind a server that speaks the contract of this module.
pub struct HttpRegistry {
    remote: Remote,
    signing_key: Option<SecretString>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Promotion<'a> {
    model_id: Option<&'a str>,
    model: &'a str,
    gate: &'a str,
    from: Option<&'a str>,
    dry_run: bool,
    audit_hash: &'a str,
    canary_id: Option<&'a str>,
    actor: &'a str,
    reason: Option<&'a str>,
}

/// The member must be there: an answer about something else must not count as an empty gate.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Gate {
    #[serde(deserialize_with = "there")]
    model_id: Option<ModelId>,
    gate: Option<String>,
}

/// Reads a value that may be null and must not be absent.
fn there<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<ModelId>, D::Error> {
    Option::deserialize(from)
}

#[derive(Debug, Deserialize)]
struct Complaint {
    error: String,
}

impl HttpRegistry {
    /// The gates of a server.
    ///
    /// # Errors
    /// The address, the key or the certificates cannot be used.
    pub fn new(settings: &RemoteSettings) -> Result<Self, OutboundError> {
        let remote = Remote::new((NAME, "the registry"), settings)?;
        Ok(Self { remote, signing_key: settings.signing_key.clone() })
    }

    /// A refusal, if it says why. Without that it may be of somebody who knows nothing of gates.
    fn refusal(&self, answer: &Answer) -> RegistryError {
        match answer.json::<Complaint>() {
            Ok(said) => {
                let why = quote(said.error.as_bytes());
                RegistryError::Refused(format!("the registry refused: {why}"))
            }
            Err(_) => self.remote.meaningless(answer),
        }
    }

    /// Says whom a call comes from and when: HMAC-SHA256 over the time, a dot and the body.
    fn sign(&self, call: Call, timestamp: i64, body: &[u8]) -> Call {
        let Some(key) = &self.signing_key else { return call };
        let timestamp = timestamp.to_string();
        let signature = signature(key, &timestamp, body);
        call.header("X-Lukhas-Timestamp", &timestamp).header("X-Lukhas-Signature", &signature)
    }
}

/// `sha256=` and the HMAC-SHA256 of `timestamp.body` in hexadecimal.
fn signature(key: &SecretString, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    let hexadecimal: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={}", hexadecimal.concat())
}

#[async_trait]
impl ModelRegistry for HttpRegistry {
    fn name(&self) -> &'static str {
        NAME
    }

    fn longest_delay(&self) -> std::time::Duration {
        self.remote.longest_delay()
    }

    fn server(&self) -> Option<ServerState> {
        Some(self.remote.state())
    }

    fn check(&self, _: &ModelId, gate: &GateId) -> Result<(), RegistryError> {
        if matches!(gate.as_str(), "." | "..") {
            return Err(RegistryError::Refused(format!(
                "the http registry can have no gate named {gate}: a path would take it for a way up"
            )));
        }
        Ok(())
    }

    async fn standing(&self, model: &ModelId, gate: &GateId) -> Result<Standing, RegistryError> {
        let call = Call::get(&["gates", gate.as_str()]).query("model", model.name());
        let answer = self.remote.call(call).await?;
        if answer.status != 200 {
            return Err(self.remote.meaningless(&answer));
        }
        let version = answer.header("etag").map(str::to_owned);
        let shown: Gate = answer.json().map_err(|error| self.remote.not_understood(error))?;
        let is_asked_for = shown.gate.is_none_or(|shown| shown == gate.as_str())
            && shown.model_id.as_ref().is_none_or(|shown| shown.name() == model.name());
        if !is_asked_for {
            return Err(self.remote.meaningless(&answer));
        }
        Ok(Standing { holder: shown.model_id, version })
    }

    async fn change(&self, change: &PlaceChange) -> Result<Option<String>, RegistryError> {
        let note = &change.note;
        let body = serde_json::to_vec(&Promotion {
            model_id: change.to.as_ref().map(ModelId::as_str),
            model: change.model.name(),
            gate: change.gate.as_str(),
            from: change.from.holder.as_ref().map(ModelId::as_str),
            dry_run: false,
            audit_hash: &note.audit_hash,
            canary_id: note.canary.as_ref().map(CanaryId::as_str),
            actor: &note.actor,
            reason: note.reason.as_deref(),
        });
        let body = body.map_err(|error| self.remote.unavailable(error))?;
        let call = Call::post(&["promotions"]).header("Idempotency-Key", &change.key);
        let call = self.sign(call, note.at.unix_seconds(), &body).body("application/json", body);
        let answer = self.remote.call(call).await?;
        match answer.status {
            200..300 => Ok(answer.header("etag").map(str::to_owned)),
            409 => Err(RegistryError::Moved),
            400 | 404 | 422 => Err(self.refusal(&answer)),
            _ => Err(self.remote.meaningless(&answer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value is the one that `openssl dgst -sha256 -hmac` gives.
    #[test]
    fn a_signature_is_what_others_compute() {
        let key = SecretString::from("a signing key");
        assert_eq!(
            signature(&key, "1795232332", br#"{"gate":"production"}"#),
            "sha256=ac353fbfa73103398056e6bc5680dbe6ba671664d81cc86b704d530bfa4cfb87"
        );
    }

    #[test]
    fn an_answer_without_the_member_is_no_empty_gate() {
        let read = |text: &str| serde_json::from_str::<Gate>(text).map(|gate| gate.model_id);
        assert_eq!(read(r#"{"modelId":null}"#).unwrap(), None);
        assert_eq!(read(r#"{"modelId":"a:1"}"#).unwrap().unwrap().as_str(), "a:1");
        for text in ["{}", r#"{"model":"a:1"}"#, r#"{"modelId":1}"#, r#"{"modelId":"a b"}"#, "[]"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
