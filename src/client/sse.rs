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

/// A stream that is read event by event.
#[derive(Debug)]
pub struct EventStream {
    response: Response,
    buffer: Vec<u8>,
}

impl EventStream {
    pub(super) fn of(response: Response) -> Self {
        Self { response, buffer: Vec::new() }
    }

    /// Waits for the next event; `None` when the stream ends.
    ///
    /// # Errors
    /// The connection breaks or is silent for too long, or what comes is no event stream.
    pub async fn next(&mut self) -> Result<Option<ServerEvent>, ClientError> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let frame: Vec<u8> = self.buffer.drain(..end + 2).collect();
                match parse(&String::from_utf8_lossy(&frame))? {
                    Some(event) => return Ok(Some(event)),
                    None => continue,
                }
            }
            if LONGEST < self.buffer.len() {
                return Err(ClientError::Strange("an event is longer than 4 MiB".to_owned()));
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

/// Reads one frame; a comment is none.
fn parse(frame: &str) -> Result<Option<ServerEvent>, ClientError> {
    let (mut id, mut name, mut data) = (None, None, String::new());
    for line in frame.lines() {
        match line.split_once(": ") {
            Some(("id", value)) => id = value.parse().ok(),
            Some(("event", value)) => name = Some(value.to_owned()),
            Some(("data", value)) => data.push_str(value),
            _ => {}
        }
    }
    let Some(name) = name else { return Ok(None) };
    let data = serde_json::from_str(&data).map_err(|error| {
        ClientError::Strange(format!("the data of {name} is not JSON: {error}"))
    })?;
    Ok(Some(ServerEvent { id, name, data }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn frames_are_events_and_comments_are_not() {
        let event = parse("retry: 2000\nid: 7\nevent: queued\ndata: {\"a\":1}\n\n").unwrap();
        let expected =
            ServerEvent { id: Some(7), name: "queued".to_owned(), data: json!({ "a": 1 }) };
        assert_eq!(event, Some(expected));
        assert_eq!(parse(": hb\n\n").unwrap(), None);
        assert!(parse("event: x\ndata: {\n\n").is_err());
    }
}
