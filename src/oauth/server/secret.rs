//! How are codes and tokens drawn, recognised and forgotten? Only their digests are kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::store::oauth::secrets::SecretKind;
use crate::store::sha256_hex;

/// The random characters of a secret, each with 6 bits.
const LENGTH: usize = 43;

/// What secrets of a kind begin with, so that who finds one knows what it is.
fn prefix(kind: SecretKind) -> &'static str {
    match kind {
        SecretKind::Code => "lmc_",
        SecretKind::Access => "lma_",
        SecretKind::Refresh => "lmr_",
    }
}

/// Draws a secret.
pub(super) fn draw(kind: SecretKind) -> String {
    format!("{}{}", prefix(kind), nanoid::nanoid!(LENGTH))
}

/// Whether a text may be a secret of this kind.
pub(super) fn may_be(kind: SecretKind, text: &str) -> bool {
    let drawn = text.strip_prefix(prefix(kind));
    drawn.is_some_and(|drawn| drawn.len() == LENGTH && drawn.bytes().all(is_of_alphabet))
}

fn is_of_alphabet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_".contains(&byte)
}

/// The digest by which a secret is found.
pub(super) fn digest(secret: &str) -> String {
    sha256_hex(secret.as_bytes())
}

/// Whether a text may be a challenge of PKCE by S256: 256 bits in base64url.
pub(super) fn is_challenge(text: &str) -> bool {
    text.len() == 43 && BASE64URL.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

/// Whether a verifier answers a challenge, as RFC 7636 has it.
pub(super) fn answers(verifier: &str, challenge: &str) -> bool {
    let is_one = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    let answer = BASE64URL.encode(Sha256::digest(verifier.as_bytes()));
    is_one & bool::from(answer.as_bytes().ct_eq(challenge.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_are_known_by_their_beginnings() {
        let (code, access) = (draw(SecretKind::Code), draw(SecretKind::Access));
        assert!(may_be(SecretKind::Code, &code) && !may_be(SecretKind::Access, &code));
        assert_ne!(access, draw(SecretKind::Access));
        for not_one in ["", "lma_", &access[..46], &format!("{access}x"), &access.to_uppercase()] {
            assert!(!may_be(SecretKind::Access, not_one), "{not_one}");
        }
        assert_eq!(digest(&access).len(), 64);
    }

    #[test]
    fn a_verifier_answers_its_challenge_and_no_other() {
        // The pair of RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(is_challenge(challenge) && answers(verifier, challenge));
        for wrong in ["", "short", &verifier[1..], &verifier.to_lowercase(), challenge] {
            assert!(!answers(wrong, challenge), "{wrong}");
        }
        assert!(!answers(verifier, verifier), "the plain method is none");
        for not_one in ["", &challenge[1..], &format!("{challenge}="), &"+".repeat(43)] {
            assert!(!is_challenge(not_one), "{not_one}");
        }
    }
}
