//! Signing a notification: HMAC-SHA256 over `timestamp.body`.

use std::fmt::Write as _;

use ring::hmac::{self, HMAC_SHA256, Key};
use secrecy::{ExposeSecret as _, SecretString};

/// The signature by each key, as the header carries them: `v1=<hexadecimal>`, comma-joined.
pub(super) fn sign(keys: &[SecretString], timestamp: &str, body: &str) -> String {
    let text = format!("{timestamp}.{body}");
    let signatures: Vec<String> = keys
        .iter()
        .map(|key| {
            let key = Key::new(HMAC_SHA256, key.expose_secret().as_bytes());
            let tag = hmac::sign(&key, text.as_bytes());
            tag.as_ref().iter().fold("v1=".to_owned(), |mut text, byte| {
                // Writing to a string cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            })
        })
        .collect();
    signatures.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with `printf '%s' '1700000000.{"a":1}' | openssl dgst -sha256 -hmac <key>`.
    #[test]
    fn a_signature_is_that_of_the_usual_tools() {
        let keys = ["whsec-one".to_owned().into(), "whsec-two".to_owned().into()];
        let expected = "v1=70a92f3a483541d33536a6b0eb8e7e37c20c0c98c97ee5c131dd57182f2d646e,v1=e897fa12a12aaa2b747a73f26d71c6c2d21112f35a56975cae65ad8fe22c3b87";
        assert_eq!(sign(&keys, "1700000000", "{\"a\":1}"), expected);
    }
}
