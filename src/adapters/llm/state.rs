//! How has a provider been of late, and what was asked of it?

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::words::Usage;
use crate::adapters::outbound::ServerState;

/// What is counted of one answer at most, so that nothing that a provider says can make a counter
/// begin anew.
const MOST_TOKENS: u64 = 100_000_000;

/// How a provider stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderState {
    /// What users call it.
    pub provider: String,
    /// The model that is asked.
    pub model: String,
    /// How the server has been.
    pub server: ServerState,
    /// How many answers are being written.
    pub in_flight: usize,
    /// How many may be at a time.
    pub concurrency: usize,
    /// How long it is not asked because it said so.
    pub rate_limited_for: Option<Duration>,
    /// What was asked since the start.
    pub counts: ProviderCounts,
}

/// What was asked of a provider since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProviderCounts {
    /// Questions.
    pub asked: u64,
    /// Requests that were made for them.
    pub requests: u64,
    /// Those of them that were made again.
    pub retries: u64,
    /// Answers that it has had enough of us.
    pub rate_limited: u64,
    /// Questions that ended in an error, those that were given up by whoever asked left out.
    pub failed: u64,
    /// Tokens of what was asked, as far as it said.
    pub prompt_tokens: u64,
    /// Tokens of the answers, as far as it said.
    pub completion_tokens: u64,
}

/// The same, as it grows.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub asked: AtomicU64,
    pub requests: AtomicU64,
    pub retries: AtomicU64,
    pub rate_limited: AtomicU64,
    pub failed: AtomicU64,
    prompt_tokens: AtomicU64,
    completion_tokens: AtomicU64,
}

/// One more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    /// Takes note of what an answer cost.
    pub fn add(&self, usage: Usage) {
        let more = |tokens: u64| tokens.min(MOST_TOKENS);
        self.prompt_tokens.fetch_add(more(usage.prompt_tokens), Ordering::Relaxed);
        self.completion_tokens.fetch_add(more(usage.completion_tokens), Ordering::Relaxed);
    }

    pub fn read(&self) -> ProviderCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ProviderCounts {
            asked: read(&self.asked),
            requests: read(&self.requests),
            retries: read(&self.retries),
            rate_limited: read(&self.rate_limited),
            failed: read(&self.failed),
            prompt_tokens: read(&self.prompt_tokens),
            completion_tokens: read(&self.completion_tokens),
        }
    }
}
