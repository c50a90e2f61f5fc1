//! Where is the socket of the chat, and whose pages may open it?

use std::net::SocketAddr;

use crate::config::chat::WebSocketSettings;

/// Where the socket always is.
pub(in crate::http) const PATH: &str = "/ws/chat";

/// Where the socket is, and whose pages may open it besides the daemon's own.
#[derive(Debug, Clone, Default)]
pub struct SocketPlace {
    /// Another path.
    pub endpoint: Option<String>,
    /// Origins, as browsers write them.
    pub origins: Vec<String>,
    /// Whether those may read what they ask for with credentials.
    pub allows_credentials: bool,
    /// The addresses that are for it alone.
    pub addresses: Vec<SocketAddr>,
}

impl SocketPlace {
    /// As the settings have it, where it is listened at these addresses besides.
    pub fn of(settings: &WebSocketSettings, addresses: Vec<SocketAddr>) -> Self {
        Self {
            endpoint: settings.endpoint.clone(),
            origins: settings.allow_origins.clone(),
            allows_credentials: settings.allow_credentials,
            addresses,
        }
    }

    /// Whether the socket is at this path.
    pub(in crate::http) fn is_at(&self, path: &str) -> bool {
        path == PATH || self.endpoint.as_deref() == Some(path)
    }

    /// Whether a path is not there for who came by this address: at those that are for the socket
    /// there is nothing else but two pages that tell of it.
    pub(in crate::http) fn hides(&self, address: SocketAddr, path: &str) -> bool {
        self.addresses.contains(&address) && !self.is_at(path) && !matches!(path, "/" | "/health")
    }

    /// Whether pages of this origin may open it.
    pub(in crate::http) fn admits_origin(&self, origin: &str) -> bool {
        self.origins.iter().any(|known| known == origin)
    }
}
