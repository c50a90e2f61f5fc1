//! Why there is no answer about a resource.

use crate::canaries::CanaryError;
use crate::jobs::JobError;
use crate::models::ModelError;
use crate::repo::RepoError;
use crate::tools::ToolError;

/// The longest URI that an error repeats, in bytes.
const LONGEST_URI: usize = 16 * 1024;

/// Why there is no answer. `Display` is for the client, `source()` for the log.
#[derive(Debug, thiserror::Error)]
pub enum ResourceError {
    /// There is no such resource, or none that is shown.
    #[error("there is no resource {}; resources/templates/list has the forms", shown(.uri))]
    Unknown {
        /// What was asked for, as it was written.
        uri: String,
    },
    /// The cursor is not one that this list gave.
    #[error("{}", crate::tools::InvalidCursor)]
    InvalidCursor,
    /// It cannot be done as asked.
    #[error("{0}")]
    Invalid(String),
    /// Too much is asked at once; the same request may succeed in a second.
    #[error("{0}")]
    Overloaded(String),
    /// The client is to answer something first, or cannot be asked it.
    #[error(transparent)]
    Client(ToolError),
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

impl ResourceError {
    /// There is no resource of this URI.
    pub fn unknown(uri: &str) -> Self {
        Self::Unknown { uri: uri.get(..uri.floor_char_boundary(LONGEST_URI)).unwrap_or("").into() }
    }
}

/// A URI as a sentence can have it.
fn shown(uri: &str) -> String {
    uri.chars().filter(|c| !c.is_control()).take(128).collect()
}

impl From<ToolError> for ResourceError {
    fn from(error: ToolError) -> Self {
        match error {
            ToolError::UnknownTool(_) => Self::Invalid(error.to_string()),
            ToolError::InvalidArguments(why) | ToolError::Refused(why) => Self::Invalid(why),
            ToolError::Overloaded(why) => Self::Overloaded(why),
            ToolError::Failed { what, source } => Self::Failed { what, source },
            ToolError::InputRequired { .. } | ToolError::MissingCapability(_) => {
                Self::Client(error)
            }
        }
    }
}

impl From<JobError> for ResourceError {
    fn from(error: JobError) -> Self {
        ToolError::from(error).into()
    }
}

impl From<CanaryError> for ResourceError {
    fn from(error: CanaryError) -> Self {
        ToolError::from(error).into()
    }
}

impl From<ModelError> for ResourceError {
    fn from(error: ModelError) -> Self {
        ToolError::from(error).into()
    }
}

impl From<RepoError> for ResourceError {
    fn from(error: RepoError) -> Self {
        ToolError::from(error).into()
    }
}
