//! What follows from the settings of the listener.

use std::net::SocketAddr;

use url::Url;

use super::settings::ServerSettings;

impl ServerSettings {
    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.listen, self.port)
    }

    /// The hosts, in lower case and without ports, that requests may name besides the loopback.
    pub fn host_names(&self) -> Vec<String> {
        let public = self.public_base_url.as_ref().and_then(Url::host_str).map(str::to_owned);
        self.allowed_hosts.iter().cloned().chain(public).collect()
    }
}
