//! Whether the daemon is starting, ready or on its way out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Where the daemon is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// It takes up what was left, and answers no readiness.
    Starting = 0,
    /// Requests are welcome.
    Ready,
    /// It finishes what it has, and takes nothing new.
    Draining,
}

/// The phase, readable from every thread; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    phase: Arc<AtomicU8>,
}

impl Lifecycle {
    /// Enters a phase.
    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// The phase it is in.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Ready,
            _ => Phase::Draining,
        }
    }
}
