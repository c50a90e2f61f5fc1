//! Where may a client be sent back to? Pure.

use url::{Host, Url};

/// The longest address, in bytes.
const LONGEST: usize = 2_048;

/// The most of them that a client may name.
pub(super) const MOST: usize = 10;

/// An address that a client may be sent back to: https, or http to a loopback address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    /// As the client writes it, which is how it is compared.
    text: String,
    url: Url,
}

impl RedirectUri {
    /// Reads one; `None` if it is not allowed.
    pub fn read(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_loopback = is_loopback(&url);
        let is_allowed = text.len() <= LONGEST
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && (url.scheme() == "https" || (url.scheme() == "http" && is_loopback))
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        is_allowed.then(|| Self { text: text.to_owned(), url })
    }

    /// Whether a client that named this address may be sent to `asked`: to the same, character by
    /// character; on a loopback address, at any port (RFC 8252).
    pub fn permits(&self, asked: &Self) -> bool {
        if self.text == asked.text {
            return true;
        }
        let without_port = |uri: &Self| {
            let mut url = uri.url.clone();
            (is_loopback(&url) && url.scheme() == "http" && url.set_port(None).is_ok())
                .then(|| url.as_str().to_owned())
        };
        let (named, asked) = (without_port(self), without_port(asked));
        named.is_some() && named == asked
    }

    /// As the client writes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host, for people to see who gets the code.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Whether whatever runs on the user's machine may be there.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Who may be navigated to, as a policy for content names it. Policies cannot name IPv6.
    pub fn source(&self) -> String {
        match self.url.host() {
            Some(Host::Ipv6(_)) => format!("{}:", self.url.scheme()),
            _ => self.url.origin().ascii_serialization(),
        }
    }

    /// The address with what the client is told.
    pub fn with(&self, told: &[(&str, &str)]) -> String {
        let mut url = self.url.clone();
        url.query_pairs_mut().extend_pairs(told);
        url.into()
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> RedirectUri {
        RedirectUri::read(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn only_https_and_the_loopback_are_gone_back_to() {
        for good in [
            "https://claude.ai/api/mcp/auth_callback",
            "https://chatgpt.com:8443/a?b=c",
            "http://localhost/callback",
            "http://127.0.0.1:33418",
            "http://[::1]:1/x",
        ] {
            read(good);
        }
        for bad in [
            "",
            "claude.ai/callback",
            "http://claude.ai/callback",
            "http://localhost.evil.example/",
            "http://127.0.0.1.nip.io/",
            "http://0.0.0.0/",
            "http://192.168.0.1/",
            "https://u:p@claude.ai/",
            "https://claude.ai@evil.example/",
            "https://claude.ai/#token",
            "https://claude.ai/\u{e4}",
            "https://claude.ai/ x",
            "https://claude.ai/\r\nLocation:x",
            "javascript:alert(1)",
            "data:text/html,x",
            "cursor://anysphere/callback",
            "file:///etc/passwd",
            "//evil.example",
            &format!("https://claude.ai/{}", "x".repeat(2_048)),
        ] {
            assert_eq!(RedirectUri::read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn an_address_is_that_one_and_on_the_loopback_any_port() {
        for (named, asked, permitted) in [
            ("https://a.example/cb", "https://a.example/cb", true),
            ("https://a.example/cb", "https://a.example/cb/", false),
            ("https://a.example/cb", "https://a.example/CB", false),
            ("https://a.example/cb", "https://A.example/cb", false),
            ("https://a.example/cb", "https://a.example/cb?x=1", false),
            ("https://a.example/cb", "https://a.example:443/cb", false),
            ("https://a.example/cb", "https://a.example/cb/../cb", false),
            ("https://a.example:1/cb", "https://a.example:2/cb", false),
            ("http://localhost/cb", "http://localhost:3000/cb", true),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb", true),
            ("http://[::1]/cb", "http://[::1]:9/cb", true),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/other", false),
            ("http://127.0.0.1/cb", "http://localhost/cb", false),
            ("http://127.0.0.1/cb", "https://127.0.0.1/cb", false),
            ("https://localhost:1/cb", "https://localhost:2/cb", false),
        ] {
            assert_eq!(read(named).permits(&read(asked)), permitted, "{named} {asked}");
        }
    }

    #[test]
    fn what_is_told_is_added_and_escaped() {
        let told = [("code", "a b&c"), ("state", "=\u{e4}\"")];
        let with = read("https://a.example/cb?keep=1").with(&told);
        assert_eq!(with, "https://a.example/cb?keep=1&code=a+b%26c&state=%3D%C3%A4%22");
        assert_eq!(read("https://a.example:8443/cb").source(), "https://a.example:8443");
        assert_eq!(read("http://127.0.0.1:5/cb").source(), "http://127.0.0.1:5");
        assert_eq!(read("http://[::1]:5/cb").source(), "http:");
    }
}
