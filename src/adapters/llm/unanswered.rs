//! What is wrong when no answer came at all?

use std::time::Duration;

use super::trouble::{Kind, Trouble};
use crate::adapters::outbound::OutboundError;

/// Why it was not asked, when that goes on.
pub(super) fn left_alone(wait: Duration) -> Trouble {
    let why = "it failed too often and is left alone for a moment";
    Trouble { retry_after: Some(wait), ..Trouble::new(Kind::Unavailable, why) }
}

/// Why nothing came.
pub(super) fn unanswered(error: &OutboundError) -> Trouble {
    let why = match error {
        error if error.is_tls() => "its certificate is not trusted",
        OutboundError::Unreachable { .. } => "it cannot be reached",
        OutboundError::Broken { .. } => "the connection broke",
        OutboundError::TimedOut { .. } => "it did not begin to answer in time",
        error => return Trouble::new(Kind::Refused, error.to_string()),
    };
    Trouble::new(Kind::Unavailable, why)
}

/// Whether the server may have worked on what it was asked.
pub(super) fn may_have_arrived(error: &OutboundError) -> bool {
    matches!(error, OutboundError::Broken { .. } | OutboundError::TimedOut { .. })
}
