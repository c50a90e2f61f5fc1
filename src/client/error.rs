//! Why a daemon did not do what it was asked.

use reqwest::StatusCode;

/// Why a daemon did not do what it was asked. No key and no address of ours is in the words.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection, or one that broke.
    #[error("the daemon cannot be reached: is it running, and is the address right?")]
    Unreachable(#[source] reqwest::Error),
    /// The connection stands, and nothing comes.
    #[error("the daemon does not answer: nothing came for {0} s")]
    Silent(u64),
    /// It takes no requests for the moment, and said so.
    #[error("the daemon takes no requests at the moment: {0}; try again later")]
    Busy(String),
    /// The key is missing or wrong.
    #[error("the daemon wants a valid key: set LUKHAS_MCP_API_KEY or LUKHAS_MCP_API_KEY_FILE")]
    Unauthorized,
    /// Another status than was expected.
    #[error("the daemon answered {0}")]
    Status(StatusCode),
    /// What came back is not what a daemon answers.
    #[error("the answer is not a daemon's: {0}")]
    Strange(String),
    /// The tool or the protocol said no.
    #[error("{0}")]
    Refused(String),
    /// The client could not be set up.
    #[error("no HTTP client can be made: {0}")]
    Setup(#[source] reqwest::Error),
}

impl ClientError {
    /// Whether the same request may go well a little later, with nobody changing anything.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Silent(_) | Self::Busy(_) => true,
            Self::Status(status) => status.is_server_error(),
            Self::Unauthorized | Self::Strange(_) | Self::Refused(_) | Self::Setup(_) => false,
        }
    }

    /// Whether the daemon certainly never saw the request.
    #[must_use]
    pub fn came_to_nothing(&self) -> bool {
        matches!(self, Self::Unreachable(error) if error.is_connect())
    }
}
