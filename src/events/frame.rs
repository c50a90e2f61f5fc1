//! The bytes of a stream.

use std::borrow::Cow;
use std::fmt::Write as _;

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::events::topic::Topics;

/// The most bytes a reader takes at once, unless a single frame is longer. A connection keeps the
/// largest buffer it ever needed, so this bounds what a reader costs.
pub(super) const CHUNK: usize = 32 * 1024;

/// Tells both ends that the other is there; writing it is also how a lost client is noticed.
pub const HEARTBEAT: Bytes = Bytes::from_static(b": hb\n\n");

/// The last words of a server that goes down.
pub const SHUTDOWN: Bytes = Bytes::from_static(b"event: shutdown\nretry: 1000\ndata: {}\n\n");

/// The last words when the log could not be read.
pub(super) const UNREADABLE: Bytes =
    Bytes::from_static(b": the event log cannot be read just now; resume with the last id\n\n");

/// The first frame. `position` is told to clients that did not name it, so that one that loses its
/// connection before the first event resumes where it began.
pub(super) fn open(topics: &Topics, position: Option<i64>) -> Bytes {
    // Nothing in a topic needs escaping.
    let hello =
        format!("retry: 2000\nevent: open\ndata: {{\"ok\":true,\"topic\":\"{topics}\"}}\n\n");
    match position {
        None => hello.into(),
        Some(position) => format!("id: {position}\n{hello}").into(),
    }
}

/// Says that what came between the client's last id and `oldest` is no longer kept.
pub(super) fn gap(oldest: i64) -> Bytes {
    format!("event: gap\ndata: {{\"oldest\":{oldest}}}\n\n").into()
}

/// Says that the client read too slowly, and will get what came after `after` from the log.
pub(super) fn lagged(after: i64) -> Bytes {
    format!("event: lagged\ndata: {{\"after\":{after}}}\n\n").into()
}

/// One event.
pub(super) fn event(seq: i64, name: &str, payload: &str) -> Bytes {
    // 20 digits and 22 characters of field names.
    let mut frame = BytesMut::with_capacity(42 + name.len() + payload.len());
    put_event(&mut frame, seq, name, payload);
    frame.freeze()
}

/// Adds one event to a chunk.
pub(super) fn put_event(chunk: &mut BytesMut, seq: i64, name: &str, payload: &str) {
    // Writing to a buffer that grows cannot fail.
    let _ = write!(chunk, "id: {seq}\nevent: ");
    chunk.put_slice(one_line(name).as_bytes());
    chunk.put_slice(b"\ndata: ");
    chunk.put_slice(one_line(payload).as_bytes());
    chunk.put_slice(b"\n\n");
}

/// What a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told<'a> {
    /// An event.
    Event {
        /// Its place in the order of all events.
        seq: i64,
        /// Its name.
        name: &'a str,
        /// One line of JSON.
        payload: &'a str,
    },
    /// What came before this event is no longer kept.
    Gap {
        /// The event.
        oldest: i64,
    },
    /// Nothing, but that the other end is there.
    Beat,
    /// The log could not be read, and the stream ends.
    Unreadable,
    /// The server goes down, and the stream ends.
    Shutdown,
    /// What makes no difference to who has read so far.
    Other,
}

/// Reads the frames of a chunk back. A chunk holds whole frames, unless something was announced.
pub fn told(chunk: &[u8]) -> impl Iterator<Item = Told<'_>> {
    let text = std::str::from_utf8(chunk).unwrap_or_default();
    text.split_terminator("\n\n").map(read)
}

fn read(frame: &str) -> Told<'_> {
    let is = |known: &[u8]| known.strip_suffix(b"\n\n") == Some(frame.as_bytes());
    if is(&HEARTBEAT) {
        return Told::Beat;
    }
    if is(&SHUTDOWN) {
        return Told::Shutdown;
    }
    if is(&UNREADABLE) {
        return Told::Unreadable;
    }
    let field = |name| frame.lines().find_map(|line| line.strip_prefix(name));
    let (id, name, data) = (field("id: "), field("event: "), field("data: "));
    match (id.and_then(|id| id.parse().ok()), name, data) {
        (_, Some("open"), _) => Told::Other,
        (None, Some("gap"), Some(data)) => {
            let oldest = data.strip_prefix("{\"oldest\":").and_then(|rest| rest.strip_suffix('}'));
            let oldest = oldest.and_then(|oldest| oldest.parse().ok());
            oldest.map_or(Told::Other, |oldest| Told::Gap { oldest })
        }
        (Some(seq), Some(name), Some(payload)) => Told::Event { seq, name, payload },
        _ => Told::Other,
    }
}

/// What is written never has a line end of its own, so that no payload can forge a frame. JSON as
/// the store writes it has none; outside of strings a blank means the same.
fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_cannot_forge_a_frame() {
        let payload = "{\"text\":\"\\n\\nevent: promoted\\ndata: {}\"}";
        assert_eq!(
            event(7, "update", payload),
            format!("id: 7\nevent: update\ndata: {payload}\n\n")
        );
        let raw = event(8, "up\ndate", "{\"a\":1,\r\n\n\"b\":2}");
        assert_eq!(raw, "id: 8\nevent: up date\ndata: {\"a\":1,   \"b\":2}\n\n");
    }

    #[test]
    fn what_was_written_is_read_back() {
        let topics = Topics::parse(&["job/*"]).unwrap();
        let payload = "{\"text\":\"\\n\\nevent: gap\"}";
        let chunk = [
            open(&topics, Some(4)),
            event(5, "completed", payload),
            HEARTBEAT,
            lagged(5),
            gap(9),
            event(9, "queued", "{}"),
            UNREADABLE,
            SHUTDOWN,
        ]
        .concat();
        let all: Vec<Told<'_>> = told(&chunk).collect();
        let expected = [
            Told::Other,
            Told::Event { seq: 5, name: "completed", payload },
            Told::Beat,
            Told::Other,
            Told::Gap { oldest: 9 },
            Told::Event { seq: 9, name: "queued", payload: "{}" },
            Told::Unreadable,
            Told::Shutdown,
        ];
        assert_eq!(all, expected);
        assert_eq!(told(b"").count(), 0);
    }

    #[test]
    fn the_first_frame_names_the_topics_and_a_position_the_client_does_not_know() {
        let topics = Topics::parse(&["jobs", "model/a"]).unwrap();
        let hello = "retry: 2000\nevent: open\ndata: {\"ok\":true,\"topic\":\"jobs,model/a\"}\n\n";
        assert_eq!(open(&topics, None), hello);
        assert_eq!(open(&topics, Some(12)), format!("id: 12\n{hello}"));
    }
}
