//! What the stream of events has carried so far, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters since the start; they may be read at any time.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    published: AtomicU64,
    delivered: AtomicU64,
    replayed: AtomicU64,
    bytes: AtomicU64,
    lagged: AtomicU64,
    gaps: AtomicU64,
    refused: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatisticsNow {
    /// Streams that are open.
    pub readers: usize,
    /// Events that were published.
    pub published: u64,
    /// Event frames handed to readers, those from the log among them.
    pub delivered: u64,
    /// Event frames that came from the log.
    pub replayed: u64,
    /// Bytes of event frames handed to readers.
    pub bytes: u64,
    /// Times a reader fell behind what is kept in memory.
    pub lagged: u64,
    /// Times a reader was told that something is no longer kept.
    pub gaps: u64,
    /// Streams that were refused.
    pub refused: u64,
}

impl Statistics {
    pub(super) fn published(&self, events: u64) {
        self.published.fetch_add(events, Ordering::Relaxed);
    }

    pub(super) fn delivered(&self, frames: u64, bytes: usize) {
        self.delivered.fetch_add(frames, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn replayed(&self, frames: u64, bytes: usize) {
        self.replayed.fetch_add(frames, Ordering::Relaxed);
        self.delivered(frames, bytes);
    }

    pub(super) fn lagged(&self) {
        self.lagged.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn gap(&self) {
        self.gaps.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn now(&self, readers: usize) -> StatisticsNow {
        StatisticsNow {
            readers,
            published: self.published.load(Ordering::Relaxed),
            delivered: self.delivered.load(Ordering::Relaxed),
            replayed: self.replayed.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            lagged: self.lagged.load(Ordering::Relaxed),
            gaps: self.gaps.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}
