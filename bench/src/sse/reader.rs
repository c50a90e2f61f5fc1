//! One reader of an event stream: head, transfer coding, frames.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;

use anyhow::{Result, bail, ensure};

use super::chunked::Decoder;
use super::ledger::{Ledger, Step};
use crate::http::{head_length, header, status_of};

#[derive(Debug)]
enum Phase {
    Head,
    Chunks(Decoder),
    Plain,
}

/// What one visit to a reader's socket brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// Nothing was there.
    Idle,
    /// Bytes, and with them so many whole events.
    Events(usize),
    /// The server ended the stream.
    Closed,
}

/// A reader, its place in the sequence, and bytes that make no whole frame yet.
#[derive(Debug)]
pub struct Reader {
    stream: TcpStream,
    phase: Phase,
    pending: Vec<u8>,
    position: usize,
    received_bytes: u64,
}

impl Reader {
    /// Takes a connection on which the request has been sent; it must not block.
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, phase: Phase::Head, pending: Vec::new(), position: 0, received_bytes: 0 }
    }

    /// Whether the stream has begun.
    pub fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Head)
    }

    /// How many events it got.
    pub fn events(&self) -> usize {
        self.position
    }

    /// Bytes received so far, the head and the transfer coding included.
    pub fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    /// Takes what has arrived, at most one block.
    pub fn visit(&mut self, block: &mut [u8], ledger: &mut Ledger) -> Result<Visit> {
        let length = match self.stream.read(block) {
            Ok(0) => return Ok(Visit::Closed),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Visit::Idle),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(Visit::Closed),
            Err(error) => return Err(error.into()),
        };
        self.received_bytes += crate::stats::count(length);
        let before = self.position;
        self.feed(&block[..length], ledger)?;
        Ok(Visit::Events(self.position - before))
    }

    fn feed(&mut self, bytes: &[u8], ledger: &mut Ledger) -> Result<()> {
        let Self { phase, pending, position, .. } = self;
        match phase {
            Phase::Plain => frames(bytes, pending, position, ledger),
            Phase::Chunks(decoder) => {
                decoder.feed(bytes, |piece| frames(piece, pending, position, ledger))
            }
            Phase::Head => {
                pending.extend_from_slice(bytes);
                let Some(length) = head_length(pending) else { return Ok(()) };
                let rest = pending.split_off(length);
                let head = std::mem::take(pending);
                *phase = begin(&head)?;
                self.feed(&rest, ledger)
            }
        }
    }
}

fn begin(head: &[u8]) -> Result<Phase> {
    let status = status_of(head).unwrap_or_default();
    ensure!(status == 200, "the event stream was refused with status {status}");
    let kind = header(head, "content-type").unwrap_or_default();
    ensure!(kind.starts_with("text/event-stream"), "the stream is of type {kind}");
    let chunked = header(head, "transfer-encoding").is_some_and(|coding| coding == "chunked");
    Ok(if chunked { Phase::Chunks(Decoder::default()) } else { Phase::Plain })
}

fn frames(
    piece: &[u8],
    pending: &mut Vec<u8>,
    position: &mut usize,
    ledger: &mut Ledger,
) -> Result<()> {
    if pending.is_empty() {
        let used = consume(piece, position, ledger)?;
        pending.extend_from_slice(&piece[used..]);
    } else {
        pending.extend_from_slice(piece);
        let used = consume(pending, position, ledger)?;
        pending.drain(..used);
    }
    Ok(())
}

/// Goes through whole frames and says how many bytes they took.
fn consume(bytes: &[u8], position: &mut usize, ledger: &mut Ledger) -> Result<usize> {
    let mut used = 0;
    while used < bytes.len() {
        match ledger.take(*position, &bytes[used..]) {
            Step::Event(length) => {
                *position += 1;
                used += length;
            }
            Step::Aside(length) => used += length,
            Step::Incomplete => break,
            Step::Violation => {
                let text = String::from_utf8_lossy(&bytes[used..]);
                let line: String = text.chars().take(160).collect();
                bail!("event {position} differs from what other readers got: {line:?}")
            }
        }
    }
    Ok(used)
}
