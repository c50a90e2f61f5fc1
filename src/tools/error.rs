//! Why a tool said no.

use serde_json::Value;

use crate::adapters::RunnerError;
use crate::adapters::registry::RegistryError;
use crate::canaries::{CanaryError, ReplayError};
use crate::jobs::JobError;
use crate::models::ModelError;
use crate::repo::{RepoError, RepoErrorKind};
use crate::store::StoreError;
use crate::tools::Question;

/// A tool's failure, in words that a client may read.
///
/// `Display` is for the client; `source()` is for the log.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// There is no such tool.
    #[error("unknown tool {0}")]
    UnknownTool(String),
    /// The arguments do not fit the schema.
    #[error("{0}")]
    InvalidArguments(String),
    /// It cannot be done as asked.
    #[error("{0}")]
    Refused(String),
    /// Too much is asked at once; the same call may succeed in a second.
    #[error("{0}")]
    Overloaded(String),
    /// The client is to answer these, and to make the call again.
    #[error("the call needs the client's answer first")]
    InputRequired {
        /// What it is asked.
        questions: Vec<Question>,
        /// What the call must find again.
        state: Option<Value>,
    },
    /// The client did not say that it can do what the call needs.
    #[error("this needs a client that can {0}; declare the capability, or call without it")]
    MissingCapability(Capability),
    /// It failed on our side.
    #[error("{what}")]
    Failed {
        /// What can be said.
        what: String,
        /// What the log has to know.
        #[source]
        source: anyhow::Error,
    },
}

/// What a client can do for a server, if it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Ask its user.
    Elicitation,
    /// Ask its model.
    Sampling,
    /// Name its directories.
    Roots,
    /// Follow a task instead of waiting for its end.
    Tasks,
}

impl Capability {
    /// What the client needs to be asked this method.
    pub fn for_method(method: &str) -> Self {
        match method {
            "sampling/createMessage" => Self::Sampling,
            "roots/list" => Self::Roots,
            _ => Self::Elicitation,
        }
    }
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Elicitation => "ask its user (elicitation)",
            Self::Sampling => "ask its model (sampling)",
            Self::Roots => "name its directories (roots)",
            Self::Tasks => "follow tasks (io.modelcontextprotocol/tasks)",
        })
    }
}

impl ToolError {
    /// The client cannot be asked by this method.
    pub fn missing_capability(method: &str) -> Self {
        Self::MissingCapability(Capability::for_method(method))
    }
}

/// The error where what is known cannot be written as JSON.
pub(super) fn failed_to_write(error: serde_json::Error) -> ToolError {
    let what = "the answer could not be written as JSON".to_owned();
    ToolError::Failed { what, source: error.into() }
}

impl From<JobError> for ToolError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Unknown(_) | JobError::Over { .. } | JobError::KeyReused => {
                Self::Refused(error.to_string())
            }
            JobError::QueueFull(_) => Self::Overloaded(error.to_string()),
            JobError::Runner(error) => error.into(),
            JobError::Store(error) => error.into(),
        }
    }
}

impl From<RunnerError> for ToolError {
    fn from(error: RunnerError) -> Self {
        let what = error.to_string();
        match error {
            RunnerError::UnknownTask { .. }
            | RunnerError::UnknownConfig { .. }
            | RunnerError::InvalidDefinition { .. }
            | RunnerError::UnknownRun => Self::Refused(what),
            RunnerError::Unavailable(source) => Self::Failed { what, source },
        }
    }
}

impl From<ModelError> for ToolError {
    fn from(error: ModelError) -> Self {
        let what = error.to_string();
        match error {
            ModelError::Refused(_)
            | ModelError::Evidence(_)
            | ModelError::Conflict { .. }
            | ModelError::Unsettled { .. } => Self::Refused(what),
            ModelError::Overloaded | ModelError::Interrupted => Self::Overloaded(what),
            ModelError::Registry(error) => match error {
                RegistryError::Refused(_) | RegistryError::Moved => Self::Refused(what),
                RegistryError::Unavailable { source, .. } => Self::Failed { what, source },
            },
            ModelError::Store(error) => error.into(),
        }
    }
}

impl From<RepoError> for ToolError {
    fn from(error: RepoError) -> Self {
        let what = error.to_string();
        match error.kind() {
            RepoErrorKind::Invalid => Self::InvalidArguments(what),
            RepoErrorKind::Refused => Self::Refused(what),
            RepoErrorKind::Overloaded => Self::Overloaded(what),
            RepoErrorKind::Failed => Self::Failed { what, source: error.into() },
        }
    }
}

impl From<CanaryError> for ToolError {
    fn from(error: CanaryError) -> Self {
        let what = error.to_string();
        match error {
            CanaryError::Models(error) => error.into(),
            CanaryError::Store(error) | CanaryError::Replay(ReplayError::Store(error)) => {
                error.into()
            }
            CanaryError::TooMany(_) | CanaryError::Busy => Self::Overloaded(what),
            CanaryError::Unreadable(error) => Self::Failed { what, source: error.into() },
            CanaryError::Unknown(_)
            | CanaryError::Over { .. }
            | CanaryError::NotNow { .. }
            | CanaryError::SameGate(_)
            | CanaryError::NotComparable
            | CanaryError::Watched(_)
            | CanaryError::Metrics(_)
            | CanaryError::Backtest(_)
            | CanaryError::Replay(_) => Self::Refused(what),
        }
    }
}

impl From<StoreError> for ToolError {
    fn from(error: StoreError) -> Self {
        let what = error.to_string();
        match error {
            StoreError::NotFound | StoreError::Stale => Self::Refused(what),
            StoreError::Overloaded => Self::Overloaded(what),
            StoreError::Unavailable { .. } | StoreError::Panicked | StoreError::Refused(_) => {
                Self::Failed { what, source: error.into() }
            }
        }
    }
}
