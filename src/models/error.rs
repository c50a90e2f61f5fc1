//! Why a gate was not moved. `Display` may be shown to a client.

use crate::adapters::registry::RegistryError;
use crate::ids::{GateId, ModelId};
use crate::models::evidence::EvidenceReport;
use crate::store::StoreError;

/// Why a gate was not moved, or nothing could be said about it.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// It cannot be done as asked; nothing was changed.
    #[error("{0}")]
    Refused(String),
    /// The evidence that was asked for is not there, or not good enough; nothing was changed.
    #[error("{}", .0.refusal())]
    Evidence(Box<EvidenceReport>),
    /// Somebody else moved the gate; it was left as it is.
    #[error(
        "somebody else moved gate {gate} in the meantime: {} stands there now; look, and ask again",
        found.as_ref().map_or("nothing", ModelId::as_str)
    )]
    Conflict {
        /// The gate.
        gate: GateId,
        /// What stands there.
        found: Option<ModelId>,
    },
    /// A move was begun and nobody knows yet whether the registry made it. It is written down and
    /// settled as soon as the registry answers.
    #[error(
        "it is not known yet whether gate {gate} was moved: {why}; it is settled as soon as the \
         registry answers, and model_history shows how"
    )]
    Unsettled {
        /// The gate.
        gate: GateId,
        /// What is in the way.
        why: String,
    },
    /// Too many moves wait.
    #[error("too many moves wait for the registry; try again in a second")]
    Overloaded,
    /// The work was interrupted by a failure of ours; a move that was begun is settled from its row.
    #[error("the part of the daemon that moves gates restarts; try again in a second")]
    Interrupted,
    /// The registry refused, or could not be asked.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ModelError {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unsettled { .. } | Self::Overloaded | Self::Interrupted => true,
            Self::Registry(error) => !matches!(error, RegistryError::Refused(_)),
            Self::Store(error) => error.is_transient(),
            Self::Refused(_) | Self::Evidence(_) | Self::Conflict { .. } => false,
        }
    }
}
