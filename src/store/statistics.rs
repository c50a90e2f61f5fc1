//! What the writer has done so far, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters since the start; they may be read at any time.
#[derive(Debug, Default)]
pub struct Statistics {
    commits: AtomicU64,
    operations: AtomicU64,
    failed: AtomicU64,
    commit_microseconds: AtomicU64,
    last_commit_microseconds: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatisticsNow {
    /// Transactions that were committed.
    pub commits: u64,
    /// Operations in them.
    pub operations: u64,
    /// Operations whose transaction failed.
    pub failed: u64,
    /// Time spent in committed transactions, in microseconds.
    pub commit_microseconds: u64,
    /// How long the last one took, in microseconds.
    pub last_commit_microseconds: u64,
}

impl Statistics {
    pub(super) fn committed(&self, operations: usize, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.operations.fetch_add(operations as u64, Ordering::Relaxed);
        self.commit_microseconds.fetch_add(took, Ordering::Relaxed);
        self.last_commit_microseconds.store(took, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, operations: usize) {
        self.failed.fetch_add(operations as u64, Ordering::Relaxed);
    }

    /// Reads the counters.
    pub fn now(&self) -> StatisticsNow {
        StatisticsNow {
            commits: self.commits.load(Ordering::Relaxed),
            operations: self.operations.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            commit_microseconds: self.commit_microseconds.load(Ordering::Relaxed),
            last_commit_microseconds: self.last_commit_microseconds.load(Ordering::Relaxed),
        }
    }
}
