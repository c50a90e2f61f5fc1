//! How well a metric could be seen.

use serde::{Deserialize, Serialize};

use crate::canaries::rule::limit::real;

/// What the polls of a metric gave, warm-up aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Quality {
    pub(super) polls: u32,
    pub(super) with_data: u32,
    pub(super) no_data: u32,
    pub(super) errors: u32,
    pub(super) warned: u32,
    pub(super) missing_in_a_row: u32,
    /// When data was seen last.
    pub(super) last_data_ms: Option<u64>,
}

/// What one poll gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Data { warned: bool },
    Nothing,
    Error,
}

impl Quality {
    pub(super) fn note(&mut self, seen: Seen, at_ms: u64) {
        self.polls = self.polls.saturating_add(1);
        let counter = match seen {
            Seen::Data { .. } => &mut self.with_data,
            Seen::Nothing => &mut self.no_data,
            Seen::Error => &mut self.errors,
        };
        *counter = counter.saturating_add(1);
        if let Seen::Data { warned } = seen {
            self.warned = self.warned.saturating_add(u32::from(warned));
            self.missing_in_a_row = 0;
            self.last_data_ms = Some(at_ms);
        } else {
            self.missing_in_a_row = self.missing_in_a_row.saturating_add(1);
        }
    }

    /// The share of polls with data that nothing was wrong with, of all there were or should have
    /// been.
    pub(super) fn coverage(&self, expected: u64) -> f64 {
        let polls = u64::from(self.polls).max(expected);
        let clean = u64::from(self.with_data.saturating_sub(self.warned));
        share(clean, polls)
    }
}

/// What share of `whole` `part` is; 0 of nothing.
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { real(part) / real(whole) }
}

/// How well a metric could be seen, as it is reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataQuality {
    /// Polls after the warm-up.
    pub polls: u32,
    /// Those that gave a number.
    pub with_data: u32,
    /// Those that found nothing to see.
    pub no_data: u32,
    /// Those that failed.
    pub errors: u32,
    /// Those whose numbers came with a warning.
    pub warnings: u32,
    /// How many in a row, up to the last, gave no number.
    pub consecutive_missing: u32,
    /// The share of polls that count, of all that there were or should have been.
    pub coverage: f64,
    /// When a number was seen last, in seconds after the start.
    pub last_data_seconds: Option<f64>,
}
