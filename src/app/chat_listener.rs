//! The second place to listen at, which is for sockets of the chat.

use std::net::{SocketAddr, TcpListener};

use rustix::io::Errno;
use tracing::info;

use super::{AppError, listener};
use crate::config::chat::WebSocketSettings;
use crate::http::SocketPlace;

/// Where it is listened for sockets besides the daemon's own address, and where they are.
#[derive(Debug, Default)]
pub(super) struct SocketListeners {
    pub(super) listeners: Vec<TcpListener>,
    pub(super) place: SocketPlace,
}

/// Binds what the settings of the chat say.
///
/// # Errors
/// [`AppError::BindChat`] if an address cannot be listened on.
pub(super) fn bind(settings: Option<&WebSocketSettings>) -> Result<SocketListeners, AppError> {
    let Some(settings) = settings else { return Ok(SocketListeners::default()) };
    let (mut listeners, mut addresses): (Vec<_>, Vec<SocketAddr>) = Default::default();
    if let Some(listen) = &settings.listen {
        let address = listen.address;
        let (address, first) =
            listener::listen(address).map_err(|why| AppError::BindChat { address, why })?;
        info!(%address, "sockets of the chat are listened for here too");
        listeners.push(first);
        addresses.push(address);
        if let Some(address) = listen.also {
            match listener::listen(address) {
                Ok((address, second)) => {
                    listeners.push(second);
                    addresses.push(address);
                }
                Err(why) if is_no_such_address(&why) => {}
                Err(why) => return Err(AppError::BindChat { address, why }),
            }
        }
    }
    Ok(SocketListeners { listeners, place: SocketPlace::of(settings, addresses) })
}

/// Whether a machine has no such address, as one without IPv6 has none.
fn is_no_such_address(why: &std::io::Error) -> bool {
    let errno = why.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL))
}
