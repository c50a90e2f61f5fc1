//! Readers that open a stream and never read: the neighbours nobody wants.

use std::io::Write;
use std::net::TcpStream;

use anyhow::{Context, Result};
use rustix::io::ioctl_fionread;
use socket2::{Domain, Socket, Type};

use crate::http::loopback;
use crate::proc::unsent_bytes;

/// Small, so that the server meets a full socket after tens of kilobytes and not after megabytes.
const RECEIVE_BUFFER: usize = 4096;
const SEGMENT: u32 = 536;

/// Open streams that nobody reads.
#[derive(Debug)]
pub struct Stalled {
    port: u16,
    streams: Vec<TcpStream>,
}

impl Stalled {
    /// Opens `count` streams with `request` and leaves them alone.
    pub fn open(port: u16, request: &[u8], count: usize) -> Result<Self> {
        let open_one = |_| -> Result<TcpStream> {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
            socket.set_tcp_mss(SEGMENT)?;
            socket.connect(&loopback(port).into())?;
            let mut stream = TcpStream::from(socket);
            stream.write_all(request)?;
            Ok(stream)
        };
        let streams: Result<_> = (0..count).map(open_one).collect();
        Ok(Self { port, streams: streams.context("opening a stalled reader")? })
    }

    /// Bytes, on average, that a stalled reader's connection has swallowed: what lies in the two
    /// kernel buffers. The rest of what was published never left the server.
    pub fn swallowed_bytes(&self) -> Result<u64> {
        let mut total = 0;
        let mut ports = Vec::with_capacity(self.streams.len());
        for stream in &self.streams {
            total += ioctl_fionread(stream).context("asking what lies unread")?;
            ports.push(stream.local_addr()?.port());
        }
        total += unsent_bytes(self.port, &ports)?;
        Ok(total / crate::stats::count(self.streams.len()).max(1))
    }
}
