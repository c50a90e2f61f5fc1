//! How has a server been of late, for who looks after the daemon?

use std::time::Duration;

use super::breaker::{Breaker, BreakerState};
use super::client::Answer;
use super::error::OutboundError;
use tokio::time::Instant;

/// How a server stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerState {
    /// What errors call it.
    pub server: &'static str,
    /// Whether it is called.
    pub state: BreakerState,
    /// How many of the last calls failed, one after the other.
    pub failures: u64,
    /// Why the last one failed; nothing where it did not.
    pub last_error: Option<String>,
    /// After how long it is tried again, where it is left alone.
    pub retry_in: Option<Duration>,
}

/// What became of the calls to a server.
#[derive(Debug, Default)]
pub(super) struct CallRecord {
    was_called: bool,
    failures: u64,
    last_error: Option<String>,
}

impl CallRecord {
    /// Takes note of what became of a call.
    pub(super) fn note(&mut self, answer: &Result<Answer, OutboundError>) {
        self.set(match answer {
            Ok(answer) if answer.is_transient() => Some(format!("it answered {}", answer.status)),
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        });
    }

    /// Takes note of what went wrong, if anything did.
    pub(super) fn set(&mut self, error: Option<String>) {
        self.was_called = true;
        self.last_error = error;
        self.failures = if self.last_error.is_some() { self.failures + 1 } else { 0 };
    }

    /// How the server stands, with its breaker if it has one.
    pub(super) fn state(
        &self,
        server: &'static str,
        breaker: Option<&Breaker>,
        now: Instant,
    ) -> ServerState {
        let (state, retry_in) = match breaker.map(|breaker| breaker.look(now)) {
            Some((state, retry_in)) if state != BreakerState::Closed => (state, retry_in),
            _ if self.was_called => (BreakerState::Closed, None),
            _ => (BreakerState::Unused, None),
        };
        let last_error = self.last_error.clone();
        ServerState { server, state, failures: self.failures, last_error, retry_in }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> Result<Answer, OutboundError> {
        Err(OutboundError::TimedOut { server: "Test", limit: Duration::from_secs(1) })
    }

    #[test]
    fn failures_in_a_row_are_told_with_the_last_reason() {
        let now = Instant::now();
        let mut record = CallRecord::default();
        assert_eq!(record.state("Test", None, now).state, BreakerState::Unused);
        record.note(&failed());
        record.note(&failed());
        let state = record.state("Test", None, now);
        assert_eq!((state.state, state.failures), (BreakerState::Closed, 2));
        assert!(state.last_error.is_some_and(|error| error.contains("Test")));
    }
}
