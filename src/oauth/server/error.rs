//! Why the authorization server says no, by the words that OAuth has for it.

use crate::adapters::outbound::OutboundError;
use crate::store::StoreError;

/// A refusal. `Display` is for the client.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// The request cannot be understood, or lacks something.
    #[error("{0}")]
    InvalidRequest(String),
    /// There is no such client, or it cannot be known.
    #[error("{0}")]
    InvalidClient(String),
    /// The code or token is none, or not this client's, or its time is over.
    #[error("{0}")]
    InvalidGrant(&'static str),
    /// It asks for none of the scopes that there are.
    #[error("scope must name read or operate, or be left out")]
    InvalidScope,
    /// It asks for a token for somebody else.
    #[error("resource must be {0}, or be left out")]
    InvalidTarget(String),
    /// There is another way of getting tokens than these.
    #[error("grant_type must be authorization_code or refresh_token")]
    UnsupportedGrant,
    /// There is another answer than a code.
    #[error("response_type must be code")]
    UnsupportedResponse,
    /// A client may not be sent back there.
    #[error("{0}")]
    InvalidRedirect(String),
    /// What a client says of itself cannot be used.
    #[error("{0}")]
    InvalidMetadata(&'static str),
    /// Too much is asked at once.
    #[error("{0}")]
    Busy(&'static str),
    /// The database failed.
    #[error("this cannot be done just now; try again in a moment")]
    Store(#[from] StoreError),
}

impl Denied {
    /// The word for it, as RFC 6749, 7591 and 8707 have them.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidClient(_) => "invalid_client",
            Self::InvalidGrant(_) => "invalid_grant",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget(_) => "invalid_target",
            Self::UnsupportedGrant => "unsupported_grant_type",
            Self::UnsupportedResponse => "unsupported_response_type",
            Self::InvalidRedirect(_) => "invalid_redirect_uri",
            Self::InvalidMetadata(_) => "invalid_client_metadata",
            Self::Busy(_) | Self::Store(_) => "temporarily_unavailable",
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Store(_))
    }
}

impl From<OutboundError> for Denied {
    fn from(error: OutboundError) -> Self {
        Self::InvalidClient(format!("client_id cannot be read: {error}"))
    }
}
