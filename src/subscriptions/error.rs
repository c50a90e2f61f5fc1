//! Why a method of the events extension says no, and by which number. The one table of its codes.

use serde_json::{Value, json};

use crate::adapters::callback::CallbackFailure;
use crate::config::EventErrorCodes;
use crate::events::SubscribeError;
use crate::store::StoreError;

/// What is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// No kind of events has this name.
    Event,
    /// The caller has no such subscription.
    Subscription,
}

/// Why a method says no.
///
/// `Display` is for the client; `source()` is for the log.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The params cannot be meant.
    #[error("{0}")]
    InvalidParams(String),
    /// What is named is not there.
    #[error("{}", match .0 {
        Missing::Event => "there is no event of this name; events/list tells which there are",
        Missing::Subscription => "there is no subscription of yours with this name, these \
            arguments and this address",
    })]
    NotFound(Missing),
    /// The caller may not.
    #[error("{0}")]
    Forbidden(&'static str),
    /// There is as much as there may be.
    #[error("there are too many {limit} (at most {max}); end one, or try again later")]
    ResourceExhausted {
        /// Of what there is too much.
        limit: &'static str,
        /// How much there may be.
        max: usize,
    },
    /// It is well-formed and not offered here.
    #[error("{feature} must be {offered}")]
    Unsupported {
        /// What is not offered.
        feature: &'static str,
        /// What was asked for.
        value: String,
        /// What is offered.
        offered: &'static str,
    },
    /// The address did not take part.
    #[error("the callback could not be verified: {}", .0.as_str())]
    Callback(CallbackFailure),
    /// Too much is asked at once; the same request may succeed in a second.
    #[error("{0}")]
    Overloaded(String),
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

impl EventsError {
    /// The number of the error, in one of the two numberings that clients know.
    pub fn code(&self, codes: EventErrorCodes) -> i32 {
        let (chatgpt, sep) = match self {
            Self::InvalidParams(_) => (-32602, -32602),
            Self::NotFound(_) => (-32011, -32023),
            Self::Forbidden(_) => (-32012, -32024),
            Self::ResourceExhausted { .. } => (-32013, -32025),
            Self::Unsupported { .. } => (-32014, -32026),
            Self::Callback(_) => (-32015, -32027),
            Self::Overloaded(_) => (-32003, -32003),
            Self::Failed { .. } => (-32603, -32603),
        };
        match codes {
            EventErrorCodes::ChatGpt => chatgpt,
            EventErrorCodes::Sep => sep,
        }
    }

    /// What programs go by beside the number.
    pub fn data(&self) -> Option<Value> {
        match self {
            Self::NotFound(Missing::Event) => Some(json!({ "kind": "event" })),
            Self::NotFound(Missing::Subscription) => Some(json!({ "kind": "subscription" })),
            Self::ResourceExhausted { limit, max } => Some(json!({ "limit": limit, "max": max })),
            Self::Unsupported { feature, value, .. } => {
                Some(json!({ "feature": feature, "value": value }))
            }
            Self::Callback(failure) => Some(json!({ "reason": failure.as_str() })),
            Self::InvalidParams(_)
            | Self::Forbidden(_)
            | Self::Overloaded(_)
            | Self::Failed { .. } => None,
        }
    }
}

impl From<StoreError> for EventsError {
    fn from(error: StoreError) -> Self {
        let what = error.to_string();
        match error {
            StoreError::Overloaded => Self::Overloaded(what),
            error => Self::Failed { what, source: error.into() },
        }
    }
}

impl From<SubscribeError> for EventsError {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::PrincipalFull(max) => Self::ResourceExhausted { limit: "streams", max },
            SubscribeError::Full | SubscribeError::Draining => Self::Overloaded(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_that_clients_know() {
        let offered = "webhook";
        let unsupported =
            EventsError::Unsupported { feature: "deliveryMode", value: "push".to_owned(), offered };
        for (error, chatgpt, sep) in [
            (EventsError::InvalidParams(String::new()), -32602, -32602),
            (EventsError::NotFound(Missing::Event), -32011, -32023),
            (EventsError::NotFound(Missing::Subscription), -32011, -32023),
            (EventsError::Forbidden(""), -32012, -32024),
            (EventsError::ResourceExhausted { limit: "", max: 1 }, -32013, -32025),
            (unsupported, -32014, -32026),
            (EventsError::Callback(CallbackFailure::Challenge), -32015, -32027),
        ] {
            assert_eq!(error.code(EventErrorCodes::ChatGpt), chatgpt, "{error:?}");
            assert_eq!(error.code(EventErrorCodes::Sep), sep, "{error:?}");
        }
        let failed = EventsError::Callback(CallbackFailure::Challenge);
        assert_eq!(failed.data(), Some(json!({ "reason": "challenge_failed" })));
    }
}
