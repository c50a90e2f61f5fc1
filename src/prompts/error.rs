//! Why there is no prompt.

use crate::resources::ResourceError;
use crate::tools::ToolError;

/// Why there is no prompt. `Display` is for the client, `source()` for the log.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// There is no prompt of this name.
    #[error("there is no prompt {0}; prompts/list has all of them")]
    Unknown(String),
    /// The cursor is not one that this list gave.
    #[error("{}", crate::tools::InvalidCursor)]
    InvalidCursor,
    /// An argument is wrong; the sentence names it.
    #[error("{0}")]
    Invalid(String),
    /// What it is made of could not be had, or the client is to answer something first.
    #[error(transparent)]
    Call(#[from] ToolError),
}

impl PromptError {
    /// There is no prompt of this name.
    pub fn unknown(name: &str) -> Self {
        Self::Unknown(name.chars().filter(|c| !c.is_control()).take(64).collect())
    }
}

impl From<ResourceError> for PromptError {
    fn from(error: ResourceError) -> Self {
        match error {
            ResourceError::Unknown { .. } => Self::Invalid(error.to_string()),
            ResourceError::InvalidCursor => Self::InvalidCursor,
            ResourceError::Invalid(why) => Self::Invalid(why),
            ResourceError::Overloaded(why) => Self::Call(ToolError::Overloaded(why)),
            ResourceError::Client(error) => Self::Call(error),
            ResourceError::Failed { what, source } => {
                Self::Call(ToolError::Failed { what, source })
            }
        }
    }
}
