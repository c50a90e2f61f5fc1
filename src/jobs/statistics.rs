//! How jobs ended since the daemon started, for the figures that are scraped.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::jobs::JobStatus;

/// Counters; each only grows.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    completed: AtomicU64,
    failed: AtomicU64,
    cancelled: AtomicU64,
}

impl Statistics {
    /// A job's row says so; a job that goes on, or never began, is no end.
    pub(super) fn ended(&self, status: JobStatus) {
        let counter = match status {
            JobStatus::Completed => &self.completed,
            JobStatus::Failed => &self.failed,
            JobStatus::Cancelled => &self.cancelled,
            JobStatus::Queued | JobStatus::Running | JobStatus::DryRun => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// How many ended in each way, with those in which none did.
    pub(super) fn now(&self) -> [(JobStatus, u64); 3] {
        [
            (JobStatus::Completed, &self.completed),
            (JobStatus::Failed, &self.failed),
            (JobStatus::Cancelled, &self.cancelled),
        ]
        .map(|(status, counter)| (status, counter.load(Ordering::Relaxed)))
    }
}
