//! Who may enter, by the key that is presented.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{self, HeaderMap};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use crate::http::chat::{ShownSecret, shown};
use crate::tools::{Caller, Role};

/// The keys that are valid, as digests: the keys themselves are forgotten.
#[derive(Debug, Clone)]
pub struct Keys(Vec<Key>);

#[derive(Debug, Clone)]
struct Key {
    digest: [u8; 32],
    name: String,
    role: Role,
}

/// What a request presents.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Presented {
    Nothing,
    Key(Vec<u8>),
    /// A key, or a token of OAuth: what `Authorization` alone may carry.
    Bearer(Vec<u8>),
    /// A ticket for one stream.
    Ticket(Vec<u8>),
    /// More than one key, so that nobody can say which is meant.
    Ambiguous(&'static str),
}

impl Keys {
    /// All of these are valid at once: those of `operate` for everything, those of `read` for what
    /// changes nothing. With none of either, nobody needs one.
    pub fn new(operate: &[SecretString], read: &[SecretString]) -> Self {
        let key = |secret: &SecretString, role| {
            let digest: [u8; 32] = Sha256::digest(secret.expose_secret().as_bytes()).into();
            let [a, b, c, d, ..] = digest;
            Key { digest, name: format!("key:{a:02x}{b:02x}{c:02x}{d:02x}"), role }
        };
        let operate = operate.iter().map(|secret| key(secret, Role::Operate));
        Self(operate.chain(read.iter().map(|secret| key(secret, Role::Read))).collect())
    }

    /// Whether nobody needs a key.
    pub fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// The holders of the keys, as audits and logs name them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.name.as_str())
    }

    /// The place of a valid key. Compares digests, and all of them, so that the time it takes tells
    /// nothing.
    pub(super) fn find(&self, presented: &[u8]) -> Option<usize> {
        let digest: [u8; 32] = Sha256::digest(presented).into();
        let (mut found, mut place) = (Choice::from(0), 0u32);
        for (n, key) in (0u32..).zip(&self.0) {
            let same = key.digest.ct_eq(&digest);
            place.conditional_assign(&n, same);
            found |= same;
        }
        bool::from(found).then_some(place as usize)
    }

    /// The names of all, and what each is for.
    pub fn holders(&self) -> impl Iterator<Item = (&str, Role)> + '_ {
        self.0.iter().map(|key| (key.name.as_str(), key.role))
    }

    /// The holder of a key, as audits and logs name them.
    pub(super) fn caller(&self, place: usize) -> Caller {
        let Key { name, role, .. } = &self.0[place];
        Caller { principal: name.clone(), role: *role }
    }
}

/// Reads the key from the headers, and a key or a ticket from the query where that is allowed.
pub(super) fn presented(request: &ServiceRequest, in_query: bool, is_socket: bool) -> Presented {
    let mut from_headers = in_headers(request.headers());
    if is_socket {
        from_headers = or_in_protocols(from_headers, request.headers());
    }
    if !in_query || !matches!(from_headers, Presented::Nothing) {
        return from_headers;
    }
    let mut found = request.query_string().split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        match name {
            "key" => Some(Presented::Key(percent_decoded(value))),
            "ticket" => Some(Presented::Ticket(percent_decoded(value))),
            _ => None,
        }
    });
    match (found.next(), found.next()) {
        (None, _) => Presented::Nothing,
        (Some(only), None) => only,
        (Some(_), Some(_)) => Presented::Ambiguous("key or ticket is given more than once"),
    }
}

fn in_headers(headers: &HeaderMap) -> Presented {
    let mut api_keys = headers.get_all("x-api-key");
    let mut authorizations = headers.get_all(header::AUTHORIZATION);
    let (api_key, authorization) = (api_keys.next(), authorizations.next());
    if api_keys.next().is_some() || authorizations.next().is_some() {
        return Presented::Ambiguous("the key's header is given more than once");
    }
    let api_key = api_key.map(|value| value.as_bytes().trim_ascii());
    let bearer = authorization.and_then(|value| bearer(value.as_bytes()));
    match (api_key, bearer) {
        (None, None) => Presented::Nothing,
        (Some(key), None) => Presented::Key(key.to_vec()),
        (None, Some(bearer)) => Presented::Bearer(bearer.to_vec()),
        (Some(one), Some(other)) if one == other => Presented::Key(one.to_vec()),
        // Neither is believed.
        (Some(_), Some(_)) => Presented::Key(Vec::new()),
    }
}

/// What is shown among the protocols of a socket, if headers show nothing else.
fn or_in_protocols(from_headers: Presented, headers: &HeaderMap) -> Presented {
    let mut all = shown(headers).into_iter();
    let from_protocols = match (all.next(), all.next()) {
        (None, _) => return from_headers,
        (Some(_), Some(_)) => {
            return Presented::Ambiguous("the protocols have more than one key or token");
        }
        (Some(ShownSecret::Key(key)), None) => Presented::Key(key),
        (Some(ShownSecret::Bearer(token)), None) => Presented::Bearer(token),
    };
    match from_headers {
        Presented::Nothing => from_protocols,
        same if same == from_protocols => same,
        ambiguous @ Presented::Ambiguous(_) => ambiguous,
        // Neither is believed.
        _ => Presented::Key(Vec::new()),
    }
}

/// The token of `Bearer <token>`; the scheme in any case.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    let scheme_fits = scheme.trim_ascii_end().eq_ignore_ascii_case(b"bearer");
    (scheme_fits && scheme.ends_with(b" ")).then(|| token.trim_ascii())
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let escaped =
            (byte == b'%').then(|| Some(hex(ahead.next()?)? << 4 | hex(ahead.next()?)?)).flatten();
        match escaped {
            Some(value) => {
                out.push(value);
                bytes = ahead;
            }
            None => out.push(if byte == b'+' { b' ' } else { byte }),
        }
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[track_caller]
    fn check(headers: &[(&'static str, &str)], uri: &str, in_query: bool, expected: &Presented) {
        let mut request = TestRequest::with_uri(uri);
        for (name, value) in headers {
            request = request.append_header((*name, *value));
        }
        assert_eq!(&presented(&request.to_srv_request(), in_query, false), expected);
    }

    #[test]
    fn a_key_is_read_from_where_it_may_be() {
        let key = |text: &str| Presented::Key(text.as_bytes().to_vec());
        check(&[("x-api-key", "k1")], "/mcp", false, &key("k1"));
        for scheme in ["Bearer k1", "bearer k1", "BEARER  k1 ", "Bearer \tk1"] {
            let bearer = Presented::Bearer(b"k1".to_vec());
            check(&[("authorization", scheme)], "/mcp", false, &bearer);
        }
        check(&[("authorization", "Basic k1")], "/mcp", false, &Presented::Nothing);
        check(&[("authorization", "Bearerk1")], "/mcp", false, &Presented::Nothing);
        check(&[], "/mcp?key=k1", false, &Presented::Nothing);
        check(&[], "/sse?topic=jobs&key=k%31", true, &key("k1"));
        check(&[], "/sse?KEY=k1", true, &Presented::Nothing);
        let ticket = Presented::Ticket(b"t1".to_vec());
        check(&[], "/sse?topic=jobs&ticket=t1", true, &ticket);
        check(&[], "/mcp?ticket=t1", false, &Presented::Nothing);
        check(&[("x-api-key", "k1")], "/sse?ticket=t1", true, &key("k1"));
        check(&[("x-api-key", "a"), ("authorization", "Bearer a")], "/", false, &key("a"));
        check(&[("x-api-key", "a"), ("authorization", "Bearer b")], "/", false, &key(""));
    }

    #[test]
    fn two_keys_are_one_too_many() {
        for (headers, uri) in [
            (vec![("x-api-key", "a"), ("x-api-key", "a")], "/sse"),
            (vec![], "/sse?key=a&key=b"),
            (vec![], "/sse?key=a&ticket=b"),
            (vec![], "/sse?ticket=a&ticket=a"),
        ] {
            let mut request = TestRequest::with_uri(uri);
            for (name, value) in headers {
                request = request.append_header((name, value));
            }
            let presented = presented(&request.to_srv_request(), true, false);
            assert!(matches!(presented, Presented::Ambiguous(_)), "{presented:?}");
        }
    }

    #[test]
    fn only_whole_keys_are_found() {
        let keys = Keys::new(&["k1".to_owned().into()], &["k2".to_owned().into()]);
        let role = |key: &[u8]| keys.find(key).map(|place| keys.caller(place).role);
        assert_eq!((role(b"k1"), role(b"k2")), (Some(Role::Operate), Some(Role::Read)));
        for wrong in ["", "k", "k1 ", "k1\0", "K1", "k1,k2", "k3"] {
            assert_eq!(keys.find(wrong.as_bytes()), None, "{wrong:?}");
        }
        assert!(!format!("{keys:?}").contains("k1"));
    }
}
