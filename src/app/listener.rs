//! The listening socket.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::app::AppError;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// After this long without progress the kernel ends a connection whose peer takes nothing: a
/// stalled reader of events is cut and can resume.
const STALL: Duration = Duration::from_secs(30);

/// What the kernel buffers for a peer, in bytes: a stalled reader holds no more than this.
const SEND_BUFFER: usize = 64 * 1024;

/// Binds the address. Accepted connections inherit the socket's options.
pub(super) fn bind(address: SocketAddr) -> Result<(SocketAddr, TcpListener), AppError> {
    listen(address).map_err(|why| AppError::Bind { address, why })
}

/// The same, with what the system says if it cannot be done.
pub(super) fn listen(address: SocketAddr) -> std::io::Result<(SocketAddr, TcpListener)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_tcp_user_timeout(Some(STALL))?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from(socket);
    Ok((listener.local_addr()?, listener))
}
