//! The recent events of one topic, kept once for all who follow it.
//!
//! A ring is the queue of its readers: each has only a cursor, the last event it has. A reader that
//! finds its cursor behind the ring's floor has missed something and turns to the log.
//!
//! # Invariants
//!
//! 1. Every event of the topic after the floor, up to the hub's head, is in the ring.
//! 2. Events are in rising order, each once, however often they are pushed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};

use crate::events::frame::CHUNK;

/// How much a ring keeps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Capacity {
    pub(super) events: usize,
    pub(super) bytes: usize,
}

pub(super) struct Ring {
    capacity: Capacity,
    kept: Mutex<Kept>,
}

struct Kept {
    frames: VecDeque<(i64, Bytes)>,
    bytes: usize,
    /// The last event that the ring no longer has, or never had.
    floor: i64,
}

/// What there was for a reader.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Nothing, up to where it asked.
    Nothing,
    /// Frames in one piece; the reader now has everything up to `reached`.
    Frames { chunk: Bytes, count: u64, reached: i64 },
    /// Something that the reader lacks is no longer here.
    Lost,
}

impl Ring {
    /// A ring that knows everything that comes after `floor`.
    pub(super) fn new(floor: i64, capacity: Capacity) -> Self {
        let kept = Kept { frames: VecDeque::new(), bytes: 0, floor };
        Self { capacity, kept: Mutex::new(kept) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event, and lets go of the oldest beyond the capacity. One that is there stays once.
    pub(super) fn push(&self, seq: i64, frame: Bytes) {
        let mut kept = self.kept();
        let newest = kept.frames.back().map_or(kept.floor, |(newest, _)| *newest);
        if seq <= newest {
            return;
        }
        kept.bytes += frame.len();
        kept.frames.push_back((seq, frame));
        while self.capacity.events < kept.frames.len()
            || (self.capacity.bytes < kept.bytes && 1 < kept.frames.len())
        {
            let Some((gone, frame)) = kept.frames.pop_front() else { break };
            kept.floor = gone;
            kept.bytes -= frame.len();
        }
    }

    /// What a reader lacks that has everything up to `after`, of what came up to `up_to`.
    fn take(&self, after: i64, up_to: i64) -> Taken {
        let kept = self.kept();
        let Some(run) = kept.run(after, up_to) else { return Taken::Lost };
        match run.count {
            0 => Taken::Nothing,
            1 => match kept.frames.get(run.first) {
                Some((_, frame)) => run.taken(frame.clone()),
                None => Taken::Nothing,
            },
            _ => {
                let mut chunk = BytesMut::with_capacity(run.bytes);
                for (_, frame) in kept.frames.range(run.first..run.first + run.count) {
                    chunk.extend_from_slice(frame);
                }
                run.taken(chunk.freeze())
            }
        }
    }
}

/// Some consecutive frames of a ring.
struct Run {
    first: usize,
    count: usize,
    bytes: usize,
    /// Up to where the ring has nothing else.
    reached: i64,
}

impl Run {
    fn taken(&self, chunk: Bytes) -> Taken {
        Taken::Frames { chunk, count: self.count as u64, reached: self.reached }
    }
}

impl Kept {
    /// The frames that come next and fit a chunk; `None` when the first of them may be gone.
    fn run(&self, after: i64, up_to: i64) -> Option<Run> {
        if after < self.floor {
            return None;
        }
        let first = self.frames.partition_point(|(seq, _)| *seq <= after);
        let mut run = Run { first, count: 0, bytes: 0, reached: after };
        for (seq, frame) in self.frames.range(first..) {
            if up_to < *seq {
                break;
            }
            if 0 < run.bytes && CHUNK < run.bytes + frame.len() {
                return Some(run);
            }
            run.count += 1;
            run.bytes += frame.len();
            run.reached = *seq;
        }
        run.reached = up_to;
        Some(run)
    }
}

/// What a reader of several rings lacks, in the order of events, each once and as the first ring
/// that has it tells it.
///
/// All rings must have everything up to `up_to` that is theirs.
pub(super) fn take<'a>(
    rings: impl ExactSizeIterator<Item = &'a Ring> + Clone,
    after: i64,
    up_to: i64,
) -> Taken {
    if let (1, Some(only)) = (rings.len(), rings.clone().next()) {
        return only.take(after, up_to);
    }
    let mut found = Vec::new();
    // Beyond this, one of the rings has more than was copied.
    let mut horizon = up_to;
    for (order, ring) in rings.enumerate() {
        let kept = ring.kept();
        let Some(run) = kept.run(after, up_to) else { return Taken::Lost };
        horizon = horizon.min(run.reached);
        let frames = kept.frames.range(run.first..run.first + run.count);
        found.extend(frames.map(|(seq, frame)| (*seq, order, frame.clone())));
    }
    found.sort_unstable_by_key(|(seq, order, _)| (*seq, *order));
    found.dedup_by_key(|(seq, ..)| *seq);
    merge(&found, horizon)
}

/// Joins the frames up to `horizon` that fit a chunk.
fn merge(found: &[(i64, usize, Bytes)], horizon: i64) -> Taken {
    let found = &found[..found.partition_point(|(seq, ..)| *seq <= horizon)];
    let mut bytes = 0;
    let fits = found.iter().take_while(|(.., frame)| {
        bytes += frame.len();
        bytes <= CHUNK || bytes == frame.len()
    });
    let count = fits.count();
    let reached = match found.get(..count) {
        Some([]) | None => return Taken::Nothing,
        Some([.., (last, ..)]) if count < found.len() => *last,
        Some(_) => horizon,
    };
    let mut chunk = BytesMut::with_capacity(bytes);
    for (.., frame) in &found[..count] {
        chunk.extend_from_slice(frame);
    }
    Taken::Frames { chunk: chunk.freeze(), count: count as u64, reached }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a reader of these rings ends up with when it takes all there is.
    fn drain(rings: &[Ring], mut after: i64, up_to: i64) -> Option<Vec<String>> {
        let mut told = Vec::new();
        loop {
            match take(rings.iter(), after, up_to) {
                Taken::Lost => return None,
                Taken::Nothing => return Some(told),
                Taken::Frames { chunk, count, reached } => {
                    assert!(after < reached && reached <= up_to);
                    let text = String::from_utf8(chunk.to_vec()).unwrap();
                    let frames: Vec<_> = text.split_terminator('\n').map(str::to_owned).collect();
                    assert_eq!(frames.len() as u64, count);
                    assert!(count == 1 || chunk.len() <= CHUNK);
                    told.extend(frames);
                    after = reached;
                }
            }
        }
    }

    /// An event as the n-th ring tells it.
    fn frame(ring: usize, seq: i64, size: usize) -> String {
        format!("{ring}:{seq}:{}", "x".repeat(size))
    }

    proptest! {
        #[test]
        fn readers_get_each_event_once_in_order_from_the_first_ring_or_hear_that_one_is_lost(
            // Which of three rings an event belongs to, and how long it is.
            events in prop::collection::vec((1usize..8, 0usize..20_000), 0..60),
            capacity in 1usize..80,
            after in 0i64..60,
            unread in 0i64..5,
        ) {
            let capacity = Capacity { events: capacity, bytes: 300_000 };
            let rings = [0, 1, 2].map(|_| Ring::new(0, capacity));
            for (seq, (belongs, size)) in (1..).zip(&events) {
                for (n, ring) in rings.iter().enumerate().filter(|(n, _)| belongs >> n & 1 == 1) {
                    let line = frame(n, seq, *size) + "\n";
                    ring.push(seq, line.clone().into());
                    // After a failure everything may come again.
                    ring.push(seq, line.into());
                }
            }
            let up_to = i64::try_from(events.len()).unwrap() - unread;
            let expected: Vec<_> = (1..)
                .zip(&events)
                .filter(|(seq, _)| after < *seq && *seq <= up_to)
                .map(|(seq, (belongs, size))| {
                    let first = usize::try_from(belongs.trailing_zeros()).unwrap();
                    frame(first, seq, *size)
                })
                .collect();
            let is_kept = rings.iter().all(|ring| ring.kept().floor <= after);
            prop_assert_eq!(drain(&rings, after, up_to), is_kept.then_some(expected));
            for ring in &rings {
                let kept = ring.kept();
                prop_assert!(kept.frames.len() <= capacity.events);
                prop_assert!(kept.bytes <= capacity.bytes);
            }
        }
    }

    #[test]
    fn an_event_that_is_longer_than_a_ring_is_kept_until_the_next_one() {
        let ring = Ring::new(0, Capacity { events: 9, bytes: 10 });
        ring.push(1, Bytes::from_static(b"much longer than ten bytes"));
        assert_eq!(
            ring.take(0, 1),
            Taken::Frames {
                chunk: Bytes::from_static(b"much longer than ten bytes"),
                count: 1,
                reached: 1,
            }
        );
        ring.push(2, Bytes::from_static(b"short"));
        assert_eq!(ring.take(0, 2), Taken::Lost);
        assert!(matches!(ring.take(1, 2), Taken::Frames { reached: 2, .. }));
    }
}
