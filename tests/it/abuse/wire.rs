//! HTTP by hand: what is sent is what was written, because a client would tidy it.
//!
//! Reads block; the daemon is another process, so nobody waits for this one.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use serde_json::Value;

use crate::harness::PATIENCE;

/// A connection.
pub(super) struct Wire {
    url: String,
    stream: TcpStream,
    unread: Vec<u8>,
    at_end: bool,
    /// The last answer said that it is the last.
    closes: bool,
}

/// An answer with its headers in the order they came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn whole_text(&self) -> String {
        format!("{:?}\n{}", self.headers, self.text())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{} with no JSON: {:?}", self.status, self.text()))
    }
}

impl Wire {
    pub(super) fn open(url: &str) -> Self {
        let stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { url: url.to_owned(), stream, unread: Vec::new(), at_end: false, closes: false }
    }

    /// Sends a request and waits for its answer; on a new connection if the last answer closed this
    /// one, as it does when it leaves a body unread.
    pub(super) fn ask(&mut self, bytes: &[u8]) -> Answer {
        self.reopen_if_closed();
        self.send(bytes);
        self.answer().expect("an answer")
    }

    /// The same for a request whose answer has no body.
    pub(super) fn ask_head(&mut self, bytes: &[u8]) -> Answer {
        self.reopen_if_closed();
        self.send(bytes);
        let head = self.head().expect("an answer");
        self.closes |= head.header("connection") == Some("close");
        head
    }

    fn reopen_if_closed(&mut self) {
        if self.at_end || self.closes {
            *self = Self::open(&self.url);
        }
    }

    /// Sends bytes. That the other side has heard enough is its answer's to say.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        match self.stream.write_all(bytes) {
            Ok(()) => {}
            Err(error) => assert!(is_closing(&error), "{error}"),
        }
    }

    /// Says that nothing more comes.
    pub(super) fn finish(&self) {
        // The other side may have closed before.
        drop(self.stream.shutdown(Shutdown::Write));
    }

    /// The next answer whole; `None` when the connection ended without one.
    pub(super) fn answer(&mut self) -> Option<Answer> {
        let mut answer = self.head()?;
        if matches!(answer.status, 100..200 | 204 | 304) {
            return Some(answer);
        }
        answer.body = match answer.header("transfer-encoding") {
            Some(_) => self.chunks(),
            None => {
                let length = answer.header("content-length");
                self.exactly(length.map_or(0, |length| length.parse().unwrap()))
            }
        };
        self.closes |= answer.header("connection") == Some("close");
        Some(answer)
    }

    /// The next answer's head alone, for requests that get no body and streams that do not end.
    pub(super) fn head(&mut self) -> Option<Answer> {
        let head = self.through(b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&head);
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(Answer { status, headers, body: Vec::new() })
    }

    /// Everything until the other side closes.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        while self.read_more() {}
        std::mem::take(&mut self.unread)
    }

    /// Everything up to and with a mark; `None` when the end comes before it.
    pub(super) fn through(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        // A stream's signs of life must not keep a test waiting.
        let began = Instant::now();
        let mut searched = 0;
        loop {
            assert!(began.elapsed() < PATIENCE, "only this came: {:?}", self.shown());
            let found = self.unread[searched..].windows(mark.len()).position(|part| part == mark);
            if let Some(found) = found {
                let end = searched + found + mark.len();
                return Some(self.unread.drain(..end).collect());
            }
            searched = self.unread.len().saturating_sub(mark.len());
            if !self.read_more() {
                return None;
            }
        }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.unread).chars().take(4000).collect()
    }

    fn exactly(&mut self, length: usize) -> Vec<u8> {
        while self.unread.len() < length && self.read_more() {}
        let length = length.min(self.unread.len());
        self.unread.drain(..length).collect()
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        while let Some(size) = self.through(b"\r\n") {
            let size = usize::from_str_radix(String::from_utf8_lossy(&size).trim(), 16).unwrap();
            let chunk = self.exactly(size + 2);
            if size == 0 {
                break;
            }
            body.extend_from_slice(chunk.get(..size).unwrap_or(&chunk));
        }
        body
    }

    /// Waits for more; whether there is any.
    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        if self.at_end {
            return false;
        }
        match self.stream.read(&mut buffer) {
            Ok(0) => self.at_end = true,
            Ok(length) => self.unread.extend_from_slice(&buffer[..length]),
            Err(error) if is_closing(&error) => self.at_end = true,
            Err(error) => panic!("no answer and no end: {error}"),
        }
        !self.at_end
    }
}

fn is_closing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

/// A request with a `Host` and, if it has a body, its length.
pub(super) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let length = body.len().to_string();
    let mut all = vec![("Host", "localhost")];
    if !body.is_empty() || method == "POST" {
        all.push(("Content-Length", &length));
    }
    all.extend(headers);
    raw(&format!("{method} {path} HTTP/1.1"), &all, body)
}

/// A request that is only what is written here.
pub(super) fn raw(line: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut out = format!("{line}\r\n").into_bytes();
    for (name, value) in headers {
        out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}
