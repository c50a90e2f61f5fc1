//! Why something that was wanted of the chat was not done.

use crate::ids::{ApprovalId, ConversationId};
use crate::store::StoreError;

/// Why it was not done. `Display` may be shown to a client.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// There is no such conversation, or it is somebody else's.
    #[error("there is no conversation {0} of yours; leave conversation_id out to begin one")]
    UnknownConversation(ConversationId),
    /// There is no such request.
    #[error("there is no request {0:?} in this conversation")]
    UnknownRequest(String),
    /// There is no such question.
    #[error("there is no approval {0}")]
    UnknownApproval(ApprovalId),
    /// There is no such question of a server, or it was answered.
    #[error("nobody waits for an answer to {0:?}")]
    UnknownElicitation(String),
    /// There is no such place in the conversation.
    #[error("the conversation has no event {0}")]
    UnknownEvent(i64),
    /// There is no such provider.
    #[error("there is no provider {0:?}; there are {1}")]
    UnknownProvider(String, String),
    /// Somebody answered before.
    #[error("{id} was answered already: it is {status}")]
    Decided {
        /// Which question.
        id: ApprovalId,
        /// How.
        status: &'static str,
    },
    /// The request's id stands for another request.
    #[error("request_id was used before with another text; use a new one for a new request")]
    Conflict,
    /// The request is over.
    #[error("the request {0:?} is over already")]
    Over(String),
    /// Something is worked on in the conversation.
    #[error("a request is worked on in this conversation; cancel it, or wait for its end")]
    Busy,
    /// Too many requests are open: of a conversation, of somebody, or of all.
    #[error("{0} {1} open requests, which is the limit; wait until some are over, or cancel some")]
    QueueFull(&'static str, i64),
    /// What was sent cannot be taken.
    #[error("{0}")]
    Invalid(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ChatError {
    /// The error in one word, as frames carry it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownConversation(_)
            | Self::UnknownRequest(_)
            | Self::UnknownApproval(_)
            | Self::UnknownElicitation(_)
            | Self::UnknownEvent(_)
            | Self::UnknownProvider(..) => "not_found",
            Self::Conflict | Self::Decided { .. } | Self::Over(_) => "conflict",
            Self::Busy => "busy",
            Self::QueueFull(..) | Self::Store(StoreError::Overloaded) => "overloaded",
            Self::Invalid(_) => "invalid_message",
            Self::Store(_) => "unavailable",
        }
    }

    /// Whether the same may be done later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy | Self::QueueFull(..) => true,
            Self::Store(error) => error.is_transient(),
            _ => false,
        }
    }
}
