//! How much of a conversation is changed in one transaction? Pure.
//!
//! All who write wait for one another, so that what is long is done in parts. An event costs its row
//! and its place in the indexes, and its words cost their places in that of the search.

use std::ops::Range;

use crate::store::chat::parts::EventSize;

/// The most events of a part.
pub(super) const EVENTS: usize = 200;

/// The most bytes of a part.
const BYTES: i64 = 256 * 1024;

/// What there is room for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    events: usize,
    bytes: i64,
    is_untouched: bool,
}

impl Room {
    /// The room of one transaction.
    pub(super) fn new() -> Self {
        Self { events: EVENTS, bytes: BYTES, is_untouched: true }
    }

    /// Whether these are done in the same transaction; they are then counted. What comes first is,
    /// however much it is.
    pub(super) fn take(&mut self, sizes: &[EventSize]) -> bool {
        let bytes: i64 = sizes.iter().map(|size| size.bytes).sum();
        let fits = sizes.len() <= self.events && bytes <= self.bytes;
        if !fits && !self.is_untouched {
            return false;
        }
        self.is_untouched = false;
        self.events = self.events.saturating_sub(sizes.len());
        self.bytes = self.bytes.saturating_sub(bytes);
        true
    }

    /// How many of these events are done in the same transaction; they are then counted.
    pub(super) fn take_some(&mut self, sizes: &[EventSize]) -> usize {
        sizes.iter().take_while(|size| self.take(&[**size])).count()
    }
}

/// Cuts events into parts, each of which is done in one transaction. There is always one, be it
/// empty.
pub(super) fn parts(sizes: &[EventSize]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    while start < sizes.len() {
        let end = start + Room::new().take_some(&sizes[start..]);
        parts.push(start..end);
        start = end;
    }
    if parts.is_empty() {
        parts.push(0..0);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(bytes: &[i64]) -> Vec<EventSize> {
        bytes.iter().zip(1..).map(|(&bytes, seq)| EventSize { seq, bytes }).collect()
    }

    #[test]
    fn a_part_has_few_events_and_few_bytes_and_at_least_one() {
        assert!(matches!(parts(&[]).as_slice(), [none] if none.is_empty()));
        assert_eq!(parts(&sizes(&[1; EVENTS + 1])), [0..EVENTS, EVENTS..EVENTS + 1]);
        assert_eq!(parts(&sizes(&[BYTES, 1, 4 * BYTES, 1, 1])), [0..1, 1..2, 2..3, 3..5]);
    }
}
