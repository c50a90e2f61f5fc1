//! Which addresses may be called that a client named: pure.
//!
//! What is not known to be public is not: an address must lie in what is handed out for general use,
//! and in none of the parts of it that the registries of special purposes take out again.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// How far calls may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To public addresses, over https.
    Public,
    /// To those, and over http or https to this machine; for development.
    PublicAndLoopback,
}

impl Reach {
    /// What a URL must be, to follow "must be".
    pub fn allowed(self) -> &'static str {
        match self {
            Self::Public => {
                "an https URL of a public host, without user name, password and fragment"
            }
            Self::PublicAndLoopback => {
                "an https URL of a public host, or an http URL of a loopback address, without user \
                 name, password and fragment"
            }
        }
    }

    /// Whether a URL may be called, as far as its text tells: a host that is an address is judged,
    /// and one that is a name is judged when it is resolved.
    pub fn allows_url(self, url: &Url) -> bool {
        let is_bare =
            url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        let (is_allowed, is_loopback) = match url.host() {
            None => (false, false),
            Some(Host::Ipv4(address)) => (self.allows(address.into()), is_loopback(address.into())),
            Some(Host::Ipv6(address)) => (self.allows(address.into()), is_loopback(address.into())),
            Some(Host::Domain(name)) => (!name.is_empty(), name == "localhost"),
        };
        let is_private = self == Self::PublicAndLoopback && is_loopback;
        let scheme = url.scheme();
        is_bare && is_allowed && (scheme == "https" || (scheme == "http" && is_private))
    }

    /// Whether an address may be connected to.
    pub fn allows(self, address: IpAddr) -> bool {
        is_public(address) || (self == Self::PublicAndLoopback && is_loopback(address))
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// What of IPv4 is not for general use: first address and length of the prefix.
const SPECIAL_V4: &[(Ipv4Addr, u32)] = &[
    // This network, and whoever has no address.
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Shared by the customers of a provider.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local; clouds answer there with the credentials of the machine.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // Protocol assignments, documentation, relays, benchmarks.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, reserved and broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_in = |(first, length): &(Ipv4Addr, u32)| {
        (address.to_bits() ^ first.to_bits()) >> (32 - length) == 0
    };
    !SPECIAL_V4.iter().any(is_in)
}

/// Where the translators between IPv6 and IPv4 put the whole of IPv4.
const TRANSLATED: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// What of IPv6 is handed out for general use.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// And what of that is not.
const SPECIAL_V6: &[(Ipv6Addr, u32)] = &[
    // Protocol assignments; tunnels that carry an IPv4 address are among them.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // Another tunnel that carries one.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

fn is_public_v6(address: Ipv6Addr) -> bool {
    let is_in = |(first, length): &(Ipv6Addr, u32)| {
        (address.to_bits() ^ first.to_bits()) >> (128 - length) == 0
    };
    if is_in(&TRANSLATED) {
        let [.., a, b, c, d] = address.octets();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    is_in(&GLOBAL_V6) && !SPECIAL_V6.iter().any(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_for_everybody_is_not_called() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:192.168.1.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a00:1::1",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            let address: IpAddr = text.parse().unwrap();
            assert!(!Reach::Public.allows(address), "{text}");
            let is_this_machine = is_loopback(address);
            assert_eq!(Reach::PublicAndLoopback.allows(address), is_this_machine, "{text}");
        }
    }

    #[test]
    fn what_is_for_everybody_is_called() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00::1",
            "3ffe:ffff::1",
        ] {
            assert!(Reach::Public.allows(text.parse().unwrap()), "{text}");
        }
    }

    #[track_caller]
    fn check(text: &str, public: bool, loopback: bool) {
        let allowed = |reach: Reach| Url::parse(text).is_ok_and(|url| reach.allows_url(&url));
        assert_eq!(allowed(Reach::Public), public, "{text}");
        assert_eq!(allowed(Reach::PublicAndLoopback), loopback, "{text}");
    }

    #[test]
    fn a_url_is_judged_by_what_it_says() {
        for text in ["https://example.org/a?b=c", "https://8.8.8.8:8443/", "https://[2a00::1]/"] {
            check(text, true, true);
        }
        for text in [
            "http://127.0.0.1:9/",
            "http://[::1]/",
            "http://localhost:9/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::ffff:127.0.0.1]/",
        ] {
            check(text, false, true);
        }
        for text in [
            "http://example.org/",
            "http://8.8.8.8/",
            "https://10.0.0.1/",
            "https://167772161/",
            "https://169.254.169.254/latest/meta-data",
            "https://0xa9fea9fe/",
            "https://[fe80::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://u:p@example.org/",
            "https://u@8.8.8.8/",
            "https://example.org/#fragment",
            "file:///etc/passwd",
            "ftp://example.org/",
            "gopher://127.0.0.1/",
            "https://",
            "nonsense",
            "",
        ] {
            check(text, false, false);
        }
        // A name is judged when it is resolved.
        check("https://localhost/", true, true);
        check("https://metadata.google.internal/", true, true);
    }
}
