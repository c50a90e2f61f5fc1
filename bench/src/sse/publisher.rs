//! Publishes events through the server's own way, over connections that do not block.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, bail, ensure};

use crate::http::{PATIENCE, loopback, parse, post};
use crate::rpc::{Access, Call};

/// How a server is made to send an event.
#[derive(Debug, Clone)]
pub enum Way {
    /// A new job is the event; the answer says which.
    RunEval(Access),
    /// The body is the event's payload, with so many bytes of padding.
    Body {
        /// Makes the event as long on the wire as the daemon's.
        padding: usize,
    },
}

/// One keep-alive connection with at most one request in flight.
#[derive(Debug)]
pub struct Publisher {
    stream: TcpStream,
    received: Vec<u8>,
    sent: u64,
    lane: usize,
    identity: Option<String>,
}

impl Publisher {
    /// Connects; `lane` tells the publishers of one fleet apart.
    pub fn open(port: u16, lane: usize) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&loopback(port), PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, received: Vec::new(), sent: 0, lane, identity: None })
    }

    /// The socket, to wait on.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends one request.
    pub fn send(&mut self, way: &Way) -> Result<()> {
        self.sent += 1;
        let request = match way {
            Way::RunEval(access) => Call::RunEval.request(access, self.sent),
            Way::Body { padding } => {
                let job = format!("job_{:03}_{:017}", self.lane, self.sent);
                let body = format!(r#"{{"jobId":"{job}","padding":"{:0>padding$}"}}"#, "");
                self.identity = Some(job);
                post("/publish", None, &body)
            }
        };
        // A request is far smaller than an empty socket's buffer.
        self.stream.write_all(&request).context("publishing")
    }

    /// The published event's identity, once its answer is there.
    pub fn answer(&mut self, way: &Way) -> Result<Option<String>> {
        let mut block = [0; 4096];
        match self.stream.read(&mut block) {
            Ok(0) => bail!("the server closed a publisher's connection"),
            Ok(length) => self.received.extend_from_slice(&block[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("waiting for an answer"),
        }
        let Some((answer, used)) = parse(&self.received)? else { return Ok(None) };
        self.received.drain(..used);
        match way {
            Way::RunEval(_) => Call::RunEval.check(&answer, self.sent).map(Some),
            Way::Body { .. } => {
                let status = answer.status;
                ensure!((200..300).contains(&status), "publishing answered status {status}");
                Ok(self.identity.take())
            }
        }
    }
}
