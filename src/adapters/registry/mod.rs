//! Where models stand: the seam between the daemon and whatever keeps the gates.
//!
//! A gate has one place for each model name: versions of one name take one another's place. A
//! registry is asked two things only, who holds a place, and to give it to somebody else if a
//! certain one still holds it. Everything else, such as what to do when somebody moved it in
//! between or when no answer came, is decided above and is the same for every registry.

mod git;
mod http;
mod mlflow;
mod remote;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

pub use self::git::GitRegistry;
pub use self::http::HttpRegistry;
pub use self::mlflow::MlflowRegistry;
pub use self::remote::RemoteSettings;
use crate::adapters::outbound::ServerState;
use crate::clock::Timestamp;
use crate::ids::{CanaryId, GateId, ModelId};

/// Who holds a place in a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The version that stands there, or the model itself where it has none.
    pub holder: Option<ModelId>,
    /// What the registry calls this state, such as a commit or an etag, if it has a name for it. A
    /// change that carries it is refused once the state is another.
    pub version: Option<String>,
}

/// A change of one place.
#[derive(Debug, Clone)]
pub struct PlaceChange {
    /// The model whose name the place belongs to.
    pub model: ModelId,
    /// The gate.
    pub gate: GateId,
    /// Who holds the place now, as it was read.
    pub from: Standing,
    /// Who is to hold it; nobody where it is `None`.
    pub to: Option<ModelId>,
    /// Names the change: two with one key are one, however often they arrive.
    pub key: String,
    /// What a registry that can should keep beside it.
    pub note: ChangeNote,
}

/// Who changed a place, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeNote {
    /// Who asked for it: the name of a key, or `system`.
    pub actor: String,
    /// The canary it was for.
    pub canary: Option<CanaryId>,
    /// Why, in words.
    pub reason: Option<String>,
    /// The hash of the audit row that tells of the intent.
    pub audit_hash: String,
    /// When.
    pub at: Timestamp,
}

/// Why a registry did not answer or change anything. `Display` may be shown to a client, `source()`
/// may not.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// It cannot be done as asked, and asking again does not help. Nothing was changed.
    #[error("{0}")]
    Refused(String),
    /// The place is not as `from` says any more. Nothing was changed.
    #[error("the gate was moved in the meantime")]
    Moved,
    /// No answer, or one that means nothing. What was asked may have been done or not; asking again
    /// may help.
    #[error("the {registry} registry cannot be asked just now")]
    Unavailable {
        /// The registry.
        registry: &'static str,
        /// What happened.
        #[source]
        source: anyhow::Error,
    },
}

/// Keeps the gates.
#[async_trait]
pub trait ModelRegistry: Send + Sync + 'static {
    /// The registry's name, as answers and metrics show it.
    fn name(&self) -> &'static str;

    /// How long a change that was not answered may still take effect. What is made in this process
    /// has been made or not once it is asked; what was sent to a server may still be on its way.
    fn longest_delay(&self) -> Duration {
        Duration::ZERO
    }

    /// How the server has been of late, for a registry that is one.
    fn server(&self) -> Option<ServerState> {
        None
    }

    /// Says whether the registry can have such a model in such a gate, by their names alone.
    ///
    /// # Errors
    /// [`RegistryError::Refused`], with what is wrong with which name.
    fn check(&self, model: &ModelId, gate: &GateId) -> Result<(), RegistryError>;

    /// Asks who holds the place of the model's name in a gate.
    ///
    /// # Errors
    /// As [`RegistryError`] says.
    async fn standing(&self, model: &ModelId, gate: &GateId) -> Result<Standing, RegistryError>;

    /// Gives a place to another, and returns what the registry calls the state after that, if it
    /// has a name for it.
    ///
    /// # Errors
    /// As [`RegistryError`] says.
    async fn change(&self, change: &PlaceChange) -> Result<Option<String>, RegistryError>;
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.holder {
            Some(model) => model.fmt(f),
            None => f.write_str("nothing"),
        }
    }
}
