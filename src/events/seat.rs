//! What others know of a reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use futures_util::task::AtomicWaker;

pub(super) type ReaderId = u64;

/// What others know of a reader: how to wake it, and what it was told.
pub(super) struct Seat {
    pub(super) waker: AtomicWaker,
    notices: AtomicU8,
    principal: Arc<str>,
}

/// It is time for a sign of life.
pub(super) const BEAT: u8 = 1;

impl Seat {
    pub(super) fn new(principal: Arc<str>) -> Self {
        Self { waker: AtomicWaker::new(), notices: AtomicU8::new(0), principal }
    }

    pub(super) fn principal(&self) -> &Arc<str> {
        &self.principal
    }

    /// Takes note of something; the reader looks when it is next polled.
    pub(super) fn notify(&self, notice: u8) {
        self.notices.fetch_or(notice, Ordering::AcqRel);
    }

    /// Whether there is such a notice, which is then taken down.
    pub(super) fn take(&self, notice: u8) -> bool {
        // Almost always there is none, and a load leaves the others' caches alone.
        self.notices.load(Ordering::Acquire) & notice != 0
            && self.notices.fetch_and(!notice, Ordering::AcqRel) & notice != 0
    }
}
