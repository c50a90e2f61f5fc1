//! Which names this daemon answers to, against DNS rebinding and foreign pages.
//!
//! Only the raw `Host` header, the request line and `Origin` are believed; forwarded headers are
//! anybody's to write.

use std::net::IpAddr;

/// The host names that requests may carry.
#[derive(Debug, Clone)]
pub struct Hosts {
    names: Vec<String>,
    /// Origins besides those of the same host, as `scheme://authority`.
    origins: Vec<String>,
}

impl Hosts {
    /// The loopback's names, the address that is listened on, and `names`, in lower case and
    /// without ports. `public_origin` is where a proxy in front serves the daemon, if one does.
    pub fn new(listen: IpAddr, names: Vec<String>, public_origin: Option<String>) -> Self {
        let mut all = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()];
        if !listen.is_unspecified() {
            all.push(match listen {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("[{address}]"),
            });
        }
        all.extend(names);
        Self { names: all, origins: public_origin.into_iter().collect() }
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
