//! Signing a message: the symmetric scheme of Standard Webhooks.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use ring::hmac::{self, HMAC_SHA256, Key};
use secrecy::{ExposeSecret as _, SecretString};

/// What every secret begins with.
const PREFIX: &str = "whsec_";

/// How many bytes a secret may have.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Takes the usual alphabet, whether it was filled up or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The text is no secret that can sign. The words do not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret must be whsec_ followed by 24 to 64 random bytes in base64")]
pub struct InvalidSecret;

/// A key that signs; nothing shows it.
#[derive(Clone)]
pub struct SigningKey(Key);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// The key that a secret stands for.
    ///
    /// # Errors
    /// It is no secret of the scheme.
    pub fn of(secret: &SecretString) -> Result<Self, InvalidSecret> {
        let encoded = secret.expose_secret().strip_prefix(PREFIX).ok_or(InvalidSecret)?;
        let bytes = BASE64.decode(encoded).map_err(|_not_base64| InvalidSecret)?;
        if !BYTES.contains(&bytes.len()) {
            return Err(InvalidSecret);
        }
        Ok(Self(Key::new(HMAC_SHA256, &bytes)))
    }
}

/// The signature by each key, as the header carries them: `v1,<base64>`, with blanks between them.
pub(super) fn sign(keys: &[SigningKey], id: &str, timestamp: &str, body: &str) -> String {
    let text = format!("{id}.{timestamp}.{body}");
    let one = |SigningKey(key): &SigningKey| {
        format!("v1,{}", STANDARD.encode(hmac::sign(key, text.as_bytes())))
    };
    keys.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: &str) -> Result<SigningKey, InvalidSecret> {
        SigningKey::of(&secret.to_owned().into())
    }

    /// The example of the scheme's own documents.
    #[test]
    fn a_signature_is_that_of_the_scheme() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = sign(
            std::slice::from_ref(&key),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            "{\"test\": 2432232314}",
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let both = sign(&[key.clone(), key], "a", "1", "b");
        let (one, other) = both.split_once(' ').unwrap();
        assert_eq!(one, other);
    }

    #[test]
    fn a_secret_has_enough_bytes_and_not_too_many() {
        let secret = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        for bytes in [24, 25, 26, 32, 64] {
            let padded = secret(bytes);
            assert!(key(&padded).is_ok(), "{bytes}");
            assert!(key(padded.trim_end_matches('=')).is_ok(), "{bytes}");
        }
        for bytes in [0, 1, 23, 65, 1024] {
            assert!(key(&secret(bytes)).is_err(), "{bytes}");
        }
        let good = STANDARD.encode([7; 32]);
        for text in [
            "",
            "whsec_",
            &good,
            &format!("WHSEC_{good}"),
            &format!("whsk_{good}"),
            &format!("whsec_{good} "),
            &format!("whsec_-_{good}"),
            "whsec_not base64 at all, no no",
        ] {
            assert!(key(text).is_err(), "{text:?}");
        }
        let shown = format!("{:?}", key(&secret(32)).unwrap());
        assert_eq!(shown, "SigningKey");
    }
}
