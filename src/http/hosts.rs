//! Which names this daemon answers to, against DNS rebinding and foreign pages.
//!
//! Only the raw `Host` header, the request line and `Origin` are believed; forwarded headers are
//! anybody's to write.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::HeaderValue;

use crate::http::chat::SocketPlace;

/// The host names that requests may carry.
#[derive(Debug, Clone)]
pub struct Hosts {
    names: Vec<String>,
    /// Origins besides those of the same host, as `scheme://authority`.
    origins: Vec<String>,
    socket: SocketPlace,
}

impl Hosts {
    /// The loopback's names, the address that is listened on, and `names`, in lower case and
    /// without ports. `public_origin` is where a proxy in front serves the daemon, if one does.
    pub fn new(listen: IpAddr, names: Vec<String>, public_origin: Option<String>) -> Self {
        let mut all = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()];
        if !listen.is_unspecified() {
            all.push(name_of(listen));
        }
        all.extend(names);
        Self {
            names: all,
            origins: public_origin.into_iter().collect(),
            socket: SocketPlace::default(),
        }
    }

    /// The same, with a socket at this place.
    #[must_use]
    pub fn with_socket(mut self, socket: SocketPlace) -> Self {
        let addresses = socket.addresses.iter().map(SocketAddr::ip);
        for address in addresses.filter(|address| !address.is_unspecified()) {
            self.names.push(name_of(address));
        }
        self.socket = socket;
        self
    }

    /// Whether pages of an origin may read what they ask for with credentials.
    pub(super) fn shares_credentials(&self, path: &str, origin: Option<&HeaderValue>) -> bool {
        let origin = origin.and_then(|origin| origin.to_str().ok());
        self.socket.allows_credentials
            && self.socket.is_at(path)
            && origin.is_some_and(|origin| self.socket.admits_origin(origin))
    }

    /// Where the socket of the chat is.
    pub(super) fn socket(&self) -> &SocketPlace {
        &self.socket
    }

    /// Whether `host[:port]` names this daemon.
    pub(super) fn admits(&self, authority: &str) -> bool {
        let Some(name) = host_name(authority) else { return false };
        self.names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether a page from `origin` may talk to the daemon that it reached as `host`: only pages
    /// of the daemon's own.
    pub(super) fn admits_origin(&self, origin: &str, host: &str) -> bool {
        if self.origins.iter().any(|known| known == origin) {
            return true;
        }
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
    }
}

/// An address as a host name.
fn name_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// The name in `name[:port]`, if it is well-formed.
fn host_name(authority: &str) -> Option<&str> {
    let (name, port) = if authority.starts_with('[') {
        let end = authority.find(']')? + 1;
        let (name, rest) = authority.split_at(end);
        (name, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
    } else {
        match authority.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (authority, None),
        }
    };
    let port_is_fine = port.is_none_or(|port| port.parse::<u16>().is_ok());
    (!name.is_empty() && port_is_fine).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Hosts {
        let public = Some("https://mcp.example".to_owned());
        Hosts::new("127.0.0.1".parse().unwrap(), vec!["mcp.example".to_owned()], public)
    }

    #[test]
    fn only_our_own_names_are_admitted() {
        for good in ["localhost:8766", "127.0.0.1", "[::1]:8766", "LOCALHOST", "mcp.example:443"] {
            assert!(hosts().admits(good), "{good}");
        }
        for bad in [
            "",
            ":80",
            "evil.example",
            "localhost.evil.example",
            "localhost.",
            "127.0.0.1.nip.io",
            "localhost:8766@evil",
            "localhost:x",
            "[::1",
            "[::1]x",
            "localhost:99999",
        ] {
            assert!(!hosts().admits(bad), "{bad}");
        }
    }

    #[test]
    fn a_socket_has_names_and_pages_of_its_own() {
        let place = SocketPlace {
            endpoint: Some("/chat".to_owned()),
            origins: vec!["https://chat.example".to_owned()],
            allows_credentials: true,
            addresses: vec!["192.0.2.7:8000".parse().unwrap()],
        };
        let hosts = hosts().with_socket(place);
        assert!(hosts.admits("192.0.2.7:8000"));
        let (here, there) = ("192.0.2.7:8000".parse().unwrap(), "192.0.2.7:8766".parse().unwrap());
        for path in ["/ws/chat", "/chat", "/", "/health"] {
            assert!(!hosts.socket().hides(here, path), "{path}");
        }
        for path in ["/mcp", "/sse", "/metrics", "/ws/chat/"] {
            assert!(hosts.socket().hides(here, path) && !hosts.socket().hides(there, path));
        }
        let origin = HeaderValue::from_static("https://chat.example");
        for (path, shares) in [("/ws/chat", true), ("/chat", true), ("/mcp", false)] {
            assert_eq!(hosts.socket().is_at(path), shares);
            assert_eq!(hosts.shares_credentials(path, Some(&origin)), shares, "{path}");
        }
        assert!(!hosts.shares_credentials("/ws/chat", None));
        assert!(hosts.socket().admits_origin("https://chat.example"));
        assert!(!hosts.socket().admits_origin("https://chat.example.org"));
        assert!(!hosts.admits_origin("https://chat.example", "localhost"));
    }

    #[test]
    fn only_pages_of_the_same_host_may_talk() {
        let host = "localhost:8766";
        assert!(hosts().admits_origin("http://localhost:8766", host));
        assert!(hosts().admits_origin("https://mcp.example", host));
        for bad in [
            "null",
            "http://evil.example",
            "http://localhost",
            "http://localhost:8767",
            "http://localhost.evil.example",
            "http://localhost:8766@evil",
            "file://",
            "http://localhost:8766/",
            "ftp://localhost:8766",
        ] {
            assert!(!hosts().admits_origin(bad, host), "{bad}");
        }
    }
}
