//! What follows from the settings of the listener.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use url::Url;

use super::settings::ServerSettings;

impl ServerSettings {
    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.listen, self.port)
    }

    /// Where commands on this machine reach the daemon: one that listens on every address answers on
    /// the loopback, and to the name of no other.
    pub fn local_address(&self) -> SocketAddr {
        let mut address = self.address();
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        address
    }

    /// The hosts, in lower case and without ports, that requests may name besides the loopback.
    pub fn host_names(&self) -> Vec<String> {
        let public = self.public_base_url.as_ref().and_then(Url::host_str).map(str::to_owned);
        self.allowed_hosts.iter().cloned().chain(public).collect()
    }
}
