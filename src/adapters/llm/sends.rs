//! How often did a question go out, of which nobody knows that it cost nothing?

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// How often a question went out. Shared with whoever asks, who may stop waiting at any moment and
/// pays for it all the same.
#[derive(Debug, Clone, Default)]
pub struct Sends(Arc<AtomicU32>);

impl Sends {
    /// It goes out.
    pub fn went_out(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The last time that it went out cost nothing: it did not arrive, or was refused.
    pub fn cost_nothing(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// How often it went out and may have cost something.
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}
