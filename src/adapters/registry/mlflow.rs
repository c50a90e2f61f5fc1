//! Gates as aliases of MLflow's model registry: the model `ranker:12` in gate `production` is the
//! alias `production` of the registered model `ranker`, on version 12.
//!
//! MLflow moves an alias without asking what it was, so the alias is read right before it is moved
//! and right after. A move by somebody else that falls into that moment is seen only if it comes
//! last.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use tracing::warn;

use super::remote::{Remote, RemoteSettings, quote};
use super::{ModelRegistry, PlaceChange, RegistryError, Standing};
use crate::adapters::outbound::{Answer, Call, OutboundError, ServerState};
use crate::ids::{CanaryId, GateId, ModelId};

const NAME: &str = "mlflow";

/// Where aliases are, below the address.
const ALIAS: &[&str] = &["api", "2.0", "mlflow", "registered-models", "alias"];

/// Where tags of versions are set, below the address.
const SET_TAG: &[&str] = &["api", "2.0", "mlflow", "model-versions", "set-tag"];

/// Keeps the gates as aliases of MLflow.
pub struct MlflowRegistry {
    remote: Remote,
}

#[derive(Debug, Deserialize)]
struct Found {
    model_version: ModelVersion,
}

#[derive(Debug, Deserialize)]
struct ModelVersion {
    name: String,
    version: String,
}

#[derive(Debug, Deserialize)]
struct Complaint {
    error_code: String,
    #[serde(default)]
    message: String,
}

impl MlflowRegistry {
    /// The aliases of a server.
    ///
    /// # Errors
    /// The address, the key or the certificates cannot be used.
    pub fn new(settings: &RemoteSettings) -> Result<Self, OutboundError> {
        Ok(Self { remote: Remote::new((NAME, "MLflow"), settings)? })
    }

    /// What MLflow complains of. Whoever answers without its form of an error is not MLflow, such as
    /// a proxy, and says nothing about models.
    fn complaint(&self, answer: &Answer) -> Result<Complaint, RegistryError> {
        answer.json().map_err(|_| self.remote.meaningless(answer))
    }

    fn refusal(&self, answer: &Answer) -> RegistryError {
        match self.complaint(answer) {
            Ok(said) if matches!(answer.status, 400 | 404) => {
                let why = quote(said.message.as_bytes());
                RegistryError::Refused(format!("MLflow refused: {why}"))
            }
            Ok(_) => self.remote.meaningless(answer),
            Err(error) => error,
        }
    }

    /// Leaves traces on the version that entered. They are for people who look at MLflow; the alias
    /// is what counts, so a tag that cannot be set is no failure of the move.
    async fn tag(&self, model: &ModelId, change: &PlaceChange) {
        let canary = change.note.canary.as_ref().map(CanaryId::as_str);
        let tags = [
            ("lukhas.gate", Some(change.gate.as_str())),
            ("lukhas.canary_id", canary),
            ("lukhas.audit_hash", Some(change.note.audit_hash.as_str())),
        ];
        for (key, value) in tags {
            let Some(value) = value else { continue };
            let (name, version) = (model.name(), model.version());
            let body = json!({ "name": name, "version": version, "key": key, "value": value });
            let outcome = match Call::post(SET_TAG).json(&body) {
                Ok(call) => self.remote.call(call).await,
                Err(error) => Err(self.remote.unavailable(error)),
            };
            match outcome {
                Ok(answer) if answer.is_success() => {}
                Ok(answer) => warn!(key, status = answer.status, "MLflow did not take a tag"),
                Err(error) => warn!(key, %error, "MLflow did not take a tag"),
            }
        }
    }
}

#[async_trait]
impl ModelRegistry for MlflowRegistry {
    fn name(&self) -> &'static str {
        NAME
    }

    fn longest_delay(&self) -> std::time::Duration {
        self.remote.longest_delay()
    }

    fn server(&self) -> Option<ServerState> {
        Some(self.remote.state())
    }

    fn check(&self, model: &ModelId, gate: &GateId) -> Result<(), RegistryError> {
        check_model(model).and_then(|()| check_gate(gate)).map_err(RegistryError::Refused)
    }

    async fn standing(&self, model: &ModelId, gate: &GateId) -> Result<Standing, RegistryError> {
        let call = Call::get(ALIAS).query("name", model.name()).query("alias", gate.as_str());
        let answer = self.remote.call(call).await?;
        if answer.status == 200 {
            let found: Found = answer.json().map_err(|error| self.remote.not_understood(error))?;
            let ModelVersion { name, version } = found.model_version;
            let holder = ModelId::parse(&format!("{name}:{version}")).ok();
            let holder = holder.filter(|holder| holder.name() == model.name());
            let holder = holder.ok_or_else(|| self.remote.meaningless(&answer))?;
            return Ok(Standing { holder: Some(holder), version: None });
        }
        let said = self.complaint(&answer)?;
        // An alias that is not set is an invalid parameter, as MLflow has it.
        let is_not_set = answer.status == 400
            && said.error_code == "INVALID_PARAMETER_VALUE"
            && said.message.to_ascii_lowercase().contains("not found");
        if is_not_set {
            return Ok(Standing { holder: None, version: None });
        }
        Err(self.refusal(&answer))
    }

    async fn change(&self, change: &PlaceChange) -> Result<Option<String>, RegistryError> {
        // Nothing but this keeps MLflow from overwriting what somebody else put there.
        if self.standing(&change.model, &change.gate).await?.holder != change.from.holder {
            return Err(RegistryError::Moved);
        }
        let (name, alias) = (change.model.name(), change.gate.as_str());
        let call = match &change.to {
            Some(model) => {
                let version = model.version();
                let body = json!({ "name": name, "alias": alias, "version": version });
                Call::post(ALIAS).json(&body)
            }
            None => Call::delete(ALIAS).json(&json!({ "name": name, "alias": alias })),
        };
        let call = call.map_err(|error| self.remote.unavailable(error))?;
        let answer = self.remote.call(call).await?;
        if !answer.is_success() {
            return Err(self.refusal(&answer));
        }
        if let Some(model) = &change.to {
            self.tag(model, change).await;
        }
        Ok(None)
    }
}

/// MLflow numbers versions, and its names have no colon and no path in them.
fn check_model(model: &ModelId) -> Result<(), String> {
    let name = model.name();
    let is_number = |version: &str| {
        version.bytes().all(|byte| byte.is_ascii_digit()) && !version.starts_with('0')
    };
    if !model.version().is_some_and(is_number) {
        return Err(format!(
            "MLflow needs a model with its version's number, such as {name}:1, and not {model}"
        ));
    }
    if name.contains(':') || name == "." || name.starts_with("..") {
        return Err(format!("{name} cannot be the name of a model in MLflow"));
    }
    Ok(())
}

fn check_gate(gate: &GateId) -> Result<(), String> {
    let text = gate.as_str();
    let is_alias = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    if !is_alias {
        return Err(format!(
            "{gate} cannot be a gate in MLflow: an alias has only letters, digits, _ and -"
        ));
    }
    let number = text.strip_prefix(['v', 'V']).unwrap_or("x");
    let is_version = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if text.eq_ignore_ascii_case("latest") || is_version {
        return Err(format!("{gate} cannot be a gate in MLflow: it keeps that alias for itself"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mlflow_cannot_have_is_refused_before_it_is_asked() {
        for model in ["ranker:1", "ranker.v2:12", "a-b_c:4000000000"] {
            assert_eq!(check_model(&ModelId::parse(model).unwrap()), Ok(()), "{model}");
        }
        for model in
            ["ranker", "ranker:v1", "team:ranker:1", "ranker:0", "ranker:01", "..:1", ".:1"]
        {
            assert!(check_model(&ModelId::parse(model).unwrap()).is_err(), "{model}");
        }
        for gate in ["production", "v", "version1", "v1a", "Champion-2", "_"] {
            assert_eq!(check_gate(&GateId::parse(gate).unwrap()), Ok(()), "{gate}");
        }
        for gate in ["latest", "LATEST", "v1", "V12", "a.b", "a:b"] {
            assert!(check_gate(&GateId::parse(gate).unwrap()).is_err(), "{gate}");
        }
    }
}
