//! A small HTTP/1.1 client for loopback: one keep-alive connection, answers with a known length.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// No answer of a server under test takes longer.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Larger answers are a fault of the server, not something to wait for.
const ANSWER_CAP: usize = 4 * 1024 * 1024;

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, without any transfer coding.
    pub body: Vec<u8>,
}

/// The loopback address of a port.
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// A whole POST request; `key` becomes the `X-API-Key` header.
pub fn post(path: &str, key: Option<&str>, body: &str) -> Vec<u8> {
    let length = body.len();
    let key = key_header(key);
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{key}\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A whole GET request.
pub fn get(path: &str, key: Option<&str>, accept: &str) -> Vec<u8> {
    let key = key_header(key);
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\n{key}\r\n").into_bytes()
}

fn key_header(key: Option<&str>) -> String {
    key.map(|key| format!("X-API-Key: {key}\r\n")).unwrap_or_default()
}

/// The status in a head of an answer.
pub fn status_of(head: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(head.get(..12)?).ok()?;
    text.strip_prefix("HTTP/1.1 ")?.parse().ok()
}

/// Where the head ends, the empty line included.
pub fn head_length(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
}

/// The value of a header, its name in any case.
pub fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    std::str::from_utf8(head).ok()?.split("\r\n").skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The first whole answer in `bytes` and how many bytes it took; `None` while it is incomplete.
pub fn parse(bytes: &[u8]) -> Result<Option<(Answer, usize)>> {
    let Some(head_end) = head_length(bytes) else {
        ensure!(bytes.len() < ANSWER_CAP, "the head of an answer does not end");
        return Ok(None);
    };
    let head = &bytes[..head_end];
    let status = status_of(head).context("an answer starts with HTTP/1.1 and a status")?;
    let length: usize = header(head, "content-length")
        .context("an answer has no Content-Length")?
        .parse()
        .context("Content-Length is a number")?;
    ensure!(length <= ANSWER_CAP, "an answer of {length} bytes is too long");
    let end = head_end + length;
    Ok(bytes.get(head_end..end).map(|body| (Answer { status, body: body.to_vec() }, end)))
}

/// One keep-alive connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    /// Connects to a loopback port.
    pub fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&loopback(port), PATIENCE)
            .with_context(|| format!("connecting to port {port}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, received: Vec::new() })
    }

    /// Sends one request and waits for its answer.
    pub fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).context("sending a request")?;
        let mut block = [0; 16 * 1024];
        loop {
            if let Some((answer, used)) = parse(&self.received)? {
                self.received.drain(..used);
                return Ok(answer);
            }
            match self.stream.read(&mut block).context("waiting for an answer")? {
                0 => bail!("the server closed the connection before it answered"),
                length => self.received.extend_from_slice(&block[..length]),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_once_it_is_whole() {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP";
        for cut in 0..whole.len() - 4 {
            assert_eq!(parse(&whole[..cut]).unwrap(), None, "cut at {cut}");
        }
        let (answer, used) = parse(whole).unwrap().unwrap();
        assert_eq!(answer, Answer { status: 200, body: b"{}".to_vec() });
        assert_eq!(used, whole.len() - 4);
    }

    #[test]
    fn an_answer_without_a_length_is_refused() {
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
