//! Reading a stream of server-sent events.

use std::time::Duration;

use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

use crate::client::ClientError;

/// The longest event that is read, in bytes.
const LONGEST: usize = 4 * 1024 * 1024;

/// How long a stream may say nothing at all. A daemon gives a sign of life every 15 seconds.
const SILENCE: Duration = Duration::from_secs(45);

/// One event of whatever kind, as it came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    /// From where a reader can go on that came so far.
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) data: String,
    /// How soon a reader may come back.
    pub(super) retry: Option<Duration>,
}

/// A stream that is read frame by frame.
#[derive(Debug)]
pub(super) struct Frames {
    response: Response,
    buffer: Vec<u8>,
    /// Up to where the buffer was searched for the end of a frame.
    searched: usize,
    longest: usize,
}

impl Frames {
    /// The frames of an answer, none longer than so many bytes.
    pub(super) fn of(response: Response, longest: usize) -> Self {
        Self { response, buffer: Vec::new(), searched: 0, longest }
    }

    /// Waits for the next frame that is more than a comment; `None` when the stream ends.
    pub(super) async fn next(&mut self) -> Result<Option<Frame>, ClientError> {
        loop {
            if let Some(end) = end_of_frame(&self.buffer, self.searched) {
                let frame: Vec<u8> = self.buffer.drain(..end).collect();
                self.searched = 0;
                match parse(&String::from_utf8_lossy(&frame)) {
                    Some(frame) => return Ok(Some(frame)),
                    None => continue,
                }
            }
            self.searched = self.buffer.len();
            if self.longest < self.buffer.len() {
                let most = self.longest / (1024 * 1024);
                return Err(ClientError::Strange(format!("an event is longer than {most} MiB")));
            }
            let chunk = timeout(SILENCE, self.response.chunk()).await;
            let chunk = chunk.map_err(|_| ClientError::Silent(SILENCE.as_secs()))?;
            match chunk.map_err(ClientError::Unreachable)? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}

/// Where the first frame ends, behind its empty line. Nothing before `searched` ends one.
fn end_of_frame(buffer: &[u8], searched: usize) -> Option<usize> {
    let from = searched.saturating_sub(2);
    let rest = &buffer[from..];
    let plain = rest.windows(2).position(|pair| pair == b"\n\n").map(|at| from + at + 2);
    let other = rest.windows(3).position(|three| three == b"\n\r\n").map(|at| from + at + 3);
    plain.into_iter().chain(other).min()
}

/// Reads one frame; a comment is none.
fn parse(text: &str) -> Option<Frame> {
    let mut frame = Frame::default();
    let mut lines = Vec::new();
    for line in text.lines() {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "id" => frame.id = Some(value.to_owned()),
            "event" => frame.name = Some(value.to_owned()),
            "data" => lines.push(value),
            "retry" => frame.retry = value.parse().ok().map(Duration::from_millis),
            _ => {}
        }
    }
    frame.data = lines.join("\n");
    (frame != Frame::default()).then_some(frame)
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerEvent {
    /// Its place among all events, if it has one.
    pub id: Option<i64>,
    /// Its name.
    pub name: String,
    /// Its payload.
    pub data: Value,
}

impl ServerEvent {
    /// The event in a frame; one without a name is none.
    fn of(frame: &Frame) -> Result<Option<Self>, ClientError> {
        let Some(name) = frame.name.clone() else { return Ok(None) };
        let data = serde_json::from_str(&frame.data).map_err(|error| {
            ClientError::Strange(format!("the data of {name} is not JSON: {error}"))
        })?;
        let id = frame.id.as_ref().and_then(|id| id.parse().ok());
        Ok(Some(Self { id, name, data }))
    }
}

/// A stream that is read event by event.
#[derive(Debug)]
pub struct EventStream {
    frames: Frames,
}

impl EventStream {
    pub(super) fn of(response: Response) -> Self {
        Self { frames: Frames::of(response, LONGEST) }
    }

    /// Waits for the next event; `None` when the stream ends.
    ///
    /// # Errors
    /// The connection breaks or is silent for too long, or what comes is no event stream.
    pub async fn next(&mut self) -> Result<Option<ServerEvent>, ClientError> {
        while let Some(frame) = self.frames.next().await? {
            if let Some(event) = ServerEvent::of(&frame)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn frames_are_events_and_comments_are_not() {
        let event = |text| parse(text).map(|frame| ServerEvent::of(&frame));
        let queued = event("retry: 2000\nid: 7\nevent: queued\ndata: {\"a\":1}\n\n");
        let expected =
            ServerEvent { id: Some(7), name: "queued".to_owned(), data: json!({ "a": 1 }) };
        assert_eq!(queued.unwrap().unwrap(), Some(expected));
        assert!(event(": hb\n\n").is_none());
        assert_eq!(event("data: {}\n\n").unwrap().unwrap(), None);
        assert!(event("event: x\ndata: {\n\n").unwrap().is_err());
    }

    #[test]
    fn a_frame_is_read_however_its_lines_are_written() {
        let frame = parse("id:3-5\r\ndata:{\r\ndata:  \"a\": 1}\r\nretry: 500\r\n\r\n").unwrap();
        let expected = Frame {
            id: Some("3-5".to_owned()),
            name: None,
            data: "{\n \"a\": 1}".to_owned(),
            retry: Some(Duration::from_millis(500)),
        };
        assert_eq!(frame, expected);
    }

    #[test]
    fn the_end_of_a_frame_is_found_wherever_the_pieces_are_cut() {
        for text in ["data: a\n\nx", "data: a\r\n\r\nx"] {
            let end = text.len() - 1;
            for searched in 0..end {
                assert_eq!(end_of_frame(text.as_bytes(), searched), Some(end), "{searched}");
            }
            for cut in 0..end {
                assert_eq!(end_of_frame(&text.as_bytes()[..cut], 0), None, "{cut}");
            }
        }
    }
}
