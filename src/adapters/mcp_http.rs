//! How is another MCP server called over HTTP?

use std::collections::BTreeMap;

use reqwest::Client;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::outbound::{bounded, build, secret_value};

/// Why a server cannot be called at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnusableServer {
    /// Its address is none, or is not safe.
    #[error("its address must be https, or http on this machine, and hold no password")]
    Address,
    /// A header cannot be sent.
    #[error("one of its headers cannot be sent")]
    Header,
    /// No connection can be encrypted.
    #[error("the TLS set-up of this machine cannot be used")]
    Tls,
}

/// A client for one server, which sends these headers with every request: it follows no redirect
/// and asks no proxy, so they go nowhere else.
///
/// # Errors
/// The address or a header cannot be used.
pub fn client(
    url: &Url,
    headers: &BTreeMap<String, SecretString>,
) -> Result<Client, UnusableServer> {
    if !is_safe(url) {
        return Err(UnusableServer::Address);
    }
    let mut common = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(|_| UnusableServer::Header)?;
        let value: HeaderValue =
            secret_value(value.expose_secret()).map_err(|()| UnusableServer::Header)?;
        common.append(name, value);
    }
    let mut builder = bounded().default_headers(common);
    if url.scheme() == "http" {
        // No certificate will be looked at, so a system without any is as good.
        builder = builder.tls_certs_only([]);
    }
    build(builder).map_err(|_| UnusableServer::Tls)
}

/// What goes wrong with a request.
pub type HttpError = reqwest::Error;

/// Whether an error says that no connection came to stand, so that nothing was sent.
pub fn never_connected(error: &HttpError) -> bool {
    error.is_connect()
}

/// Whether nobody in between can read or change what is said.
fn is_safe(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_private = url.scheme() == "https" && url.has_host() || url.scheme() == "http" && is_here;
    is_private && url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_private_connections_are_made() {
        let none = BTreeMap::new();
        for good in [
            "https://mcp.example/x",
            "http://127.0.0.1:1/mcp",
            "http://[::1]/",
            "http://localhost:8766/mcp",
        ] {
            assert!(client(&good.parse().unwrap(), &none).is_ok(), "{good}");
        }
        for bad in [
            "http://mcp.example/",
            "http://10.0.0.1/",
            "ftp://localhost/",
            "https://a:b@c.example/",
            "http://127.0.0.1.example/",
        ] {
            assert_eq!(
                client(&bad.parse().unwrap(), &none).err(),
                Some(UnusableServer::Address),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_header_that_is_none_is_refused() {
        let headers = BTreeMap::from([("X-Key".to_owned(), SecretString::from("a\nb"))]);
        let url = "https://mcp.example/".parse().unwrap();
        assert_eq!(client(&url, &headers).err(), Some(UnusableServer::Header));
    }
}
