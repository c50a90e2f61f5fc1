//! The one sequence of event frames against which every reader is held.
//!
//! The first reader to get the next frame writes it down; all others must then get the same bytes.
//! So a delivery costs one comparison, and still nothing lost, doubled, swapped or changed passes.

use std::collections::HashMap;
use std::time::Instant;

use memchr::memmem::find;

/// More events than any run makes; a server that sends more is at fault.
const MOST_EVENTS: usize = 1_000_000;

/// What the bytes at a reader's position are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The next event; its length.
    Event(usize),
    /// A comment, the opening, or a retry time; its length.
    Aside(usize),
    /// The frame is not whole yet.
    Incomplete,
    /// A frame that is not the one every other reader got here.
    Violation,
}

#[derive(Debug)]
struct Entry {
    frame: Vec<u8>,
    identity: Option<String>,
    received: usize,
    completed: Option<Instant>,
}

/// All events of one fleet of readers.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Vec<Entry>,
    positions: HashMap<String, usize>,
    readers: usize,
    last_id: Vec<u64>,
    /// Events whose id did not rise.
    pub unordered: u64,
    /// Events that came a second time.
    pub repeated: u64,
}

impl Ledger {
    /// A ledger for so many readers.
    pub fn new(readers: usize) -> Self {
        Self { readers, ..Self::default() }
    }

    /// Looks at what a reader has at its position, and counts the event if it is one.
    pub fn take(&mut self, position: usize, bytes: &[u8]) -> Step {
        if let Some(entry) = self.entries.get_mut(position)
            && bytes.starts_with(&entry.frame)
        {
            let length = entry.frame.len();
            self.count(position);
            return Step::Event(length);
        }
        let Some(length) = find(bytes, b"\n\n").map(|at| at + 2) else { return Step::Incomplete };
        let frame = &bytes[..length];
        if is_aside(frame) {
            return Step::Aside(length);
        }
        if position < self.entries.len() || position >= MOST_EVENTS {
            return Step::Violation;
        }
        self.write_down(frame);
        self.count(position);
        Step::Event(length)
    }

    /// How many different events there were.
    pub fn events(&self) -> usize {
        self.entries.len()
    }

    /// When the last reader got the event of this identity; `None` if one still lacks it.
    pub fn completed(&self, identity: &str) -> Option<Instant> {
        self.entries[*self.positions.get(identity)?].completed
    }

    /// How many events carried none of these identities' places: no identity at all.
    pub fn anonymous(&self) -> usize {
        self.entries.iter().filter(|entry| entry.identity.is_none()).count()
    }

    fn count(&mut self, position: usize) {
        let entry = &mut self.entries[position];
        entry.received += 1;
        if entry.received == self.readers {
            entry.completed = Some(Instant::now());
        }
    }

    fn write_down(&mut self, frame: &[u8]) {
        let id = field(frame, "id:").map(id_numbers).unwrap_or_default();
        if id <= self.last_id {
            self.unordered += 1;
        }
        self.last_id = id;
        let identity = field(frame, "data:").and_then(job_id).map(str::to_owned);
        if let Some(name) = &identity
            && self.positions.insert(name.clone(), self.entries.len()).is_some()
        {
            self.repeated += 1;
        }
        let frame = frame.to_vec();
        self.entries.push(Entry { frame, identity, received: 0, completed: None });
    }
}

fn is_aside(frame: &[u8]) -> bool {
    let event = field(frame, "event:").unwrap_or_default();
    event == "open" || field(frame, "data:").is_none()
}

fn field<'a>(frame: &'a [u8], name: &str) -> Option<&'a str> {
    std::str::from_utf8(frame)
        .ok()?
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .map(|value| value.strip_prefix(' ').unwrap_or(value))
}

/// An id as numbers that can be compared: `12` for the daemon, `1700000000:3` for nchan.
fn id_numbers(id: &str) -> Vec<u64> {
    id.split(':').filter_map(|part| part.parse().ok()).collect()
}

/// The value of `"jobId"` in an event's payload.
pub fn job_id(payload: &str) -> Option<&str> {
    let (_, rest) = payload.split_once(r#""jobId":""#)?;
    rest.split_once('"').map(|(id, _)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(id: u64, job: &str) -> Vec<u8> {
        format!("id: {id}\nevent: job\ndata: {{\"jobId\":\"{job}\"}}\n\n").into_bytes()
    }

    #[test]
    fn an_event_is_complete_when_every_reader_has_it() {
        let mut ledger = Ledger::new(2);
        let first = frame(1, "job_a");
        assert_eq!(ledger.take(0, &first), Step::Event(first.len()));
        assert!(ledger.completed("job_a").is_none());
        assert_eq!(ledger.take(0, &first), Step::Event(first.len()));
        assert!(ledger.completed("job_a").is_some());
        assert_eq!((ledger.events(), ledger.unordered, ledger.repeated), (1, 0, 0));
    }

    #[test]
    fn another_frame_at_the_same_place_is_a_violation() {
        let mut ledger = Ledger::new(2);
        ledger.take(0, &frame(1, "job_a"));
        assert_eq!(ledger.take(0, &frame(2, "job_b")), Step::Violation);
    }

    #[test]
    fn repeats_and_falling_ids_are_counted() {
        let mut ledger = Ledger::new(1);
        ledger.take(0, &frame(5, "job_a"));
        ledger.take(1, &frame(5, "job_b"));
        ledger.take(2, &frame(6, "job_a"));
        assert_eq!((ledger.unordered, ledger.repeated), (1, 1));
    }

    #[test]
    fn comments_and_the_opening_are_no_events() {
        let mut ledger = Ledger::new(1);
        for aside in [": beat\n\n", "event: open\ndata: {\"ok\":true}\n\n", "retry: 3000\n\n"] {
            assert_eq!(ledger.take(0, aside.as_bytes()), Step::Aside(aside.len()));
        }
        assert_eq!(ledger.take(0, b"id: 1\ndata: {}\n"), Step::Incomplete);
        assert_eq!(ledger.events(), 0);
    }

    #[test]
    fn ids_of_two_parts_are_compared_part_by_part() {
        assert!(id_numbers("1700000000:10") > id_numbers("1700000000:9"));
        assert!(id_numbers("1700000001:0") > id_numbers("1700000000:9"));
    }
}
