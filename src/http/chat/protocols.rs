//! How does a page show its key, that can set no headers for a socket? Pure.
//!
//! Browsers let a page name protocols, and nothing else: `lukhas.chat`, and `key.` or `bearer.` with
//! the key or the token in base64url. What is shown so is never sent back.

use actix_web::http::header::{HeaderMap, SEC_WEBSOCKET_PROTOCOL};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// The protocol that is spoken.
pub(in crate::http) const PROTOCOL: &str = "lukhas.chat";

/// What is shown among the protocols.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) enum ShownSecret {
    Key(Vec<u8>),
    Bearer(Vec<u8>),
}

/// What is shown, in order. What cannot be read is an empty key, which nobody has.
pub(in crate::http) fn shown(headers: &HeaderMap) -> Vec<ShownSecret> {
    let lines = headers.get_all(SEC_WEBSOCKET_PROTOCOL).filter_map(|line| line.to_str().ok());
    let read = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    let secret = |protocol: &str| {
        if let Some(key) = protocol.strip_prefix("key.") {
            Some(ShownSecret::Key(read(key)))
        } else {
            protocol.strip_prefix("bearer.").map(|token| ShownSecret::Bearer(read(token)))
        }
    };
    lines.flat_map(|line| line.split(',').map(str::trim)).filter_map(secret).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[track_caller]
    fn check(line: &str, expected: &[ShownSecret]) {
        let request = TestRequest::default().append_header((SEC_WEBSOCKET_PROTOCOL, line));
        assert_eq!(shown(request.to_http_request().headers()), expected);
    }

    #[test]
    fn a_key_and_a_token_are_found_among_the_protocols() {
        check("lukhas.chat", &[]);
        check("lukhas.chat, key.azE", &[ShownSecret::Key(b"k1".to_vec())]);
        check("bearer.dDE,lukhas.chat", &[ShownSecret::Bearer(b"t1".to_vec())]);
        let two = [ShownSecret::Key(b"k1".to_vec()), ShownSecret::Key(b"k2".to_vec())];
        check("key.azE, key.azI", &two);
        check("key.***", &[ShownSecret::Key(Vec::new())]);
        check("KEY.azE, keys", &[]);
    }
}
