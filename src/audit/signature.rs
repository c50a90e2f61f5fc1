//! Signing checkpoints, and checking signatures.

use std::fmt::{self, Write as _};

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use secrecy::{ExposeSecret as _, SecretString};

use crate::store::checkpoints::Checkpoint;

/// Signs checkpoints with Ed25519.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: String,
}

impl SigningKey {
    /// Makes the pair of keys that belongs to a seed of 32 bytes in hexadecimal; `None` if it is
    /// something else.
    pub fn from_seed(seed: &SecretString) -> Option<Self> {
        let seed = bytes(seed.expose_secret())?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
        let public = hexadecimal(pair.public_key().as_ref());
        Some(Self { pair, public })
    }

    /// The half that may be known, in hexadecimal.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// Signs a checkpoint.
    pub fn sign(&self, checkpoint: &mut Checkpoint) {
        let signature = self.pair.sign(checkpoint.signed_text().as_bytes());
        checkpoint.signature = Some(hexadecimal(signature.as_ref()));
        checkpoint.public_key = Some(self.public.clone());
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// A checkpoint's signature is not its key's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the signature of the checkpoint at row {0} is not valid")]
pub struct BadSignature(pub i64);

/// The key that signed a checkpoint; `None` if nobody did.
///
/// # Errors
/// There is a signature, and it is not that of the key it names.
pub fn signer(checkpoint: &Checkpoint) -> Result<Option<&str>, BadSignature> {
    let (public, signature) = match (&checkpoint.public_key, &checkpoint.signature) {
        (None, None) => return Ok(None),
        (Some(public), Some(signature)) => (public, signature),
        _half => return Err(BadSignature(checkpoint.size)),
    };
    let bad = || BadSignature(checkpoint.size);
    let (key, proof) = (bytes(public).ok_or_else(bad)?, bytes(signature).ok_or_else(bad)?);
    let key = UnparsedPublicKey::new(&ED25519, key);
    key.verify(checkpoint.signed_text().as_bytes(), &proof).map_err(|_invalid| bad())?;
    Ok(Some(public))
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ChainHead;

    /// The seed, the key and the signature of no text from RFC 8032, section 7.1.
    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    fn checkpoint() -> Checkpoint {
        let head = ChainHead { id: 7, hash: "ab".repeat(32) };
        Checkpoint::of(head, "2026-11-21T00:00:00.000Z")
    }

    #[test]
    fn a_signature_holds_for_what_was_signed_and_for_nothing_else() {
        let key = SigningKey::from_seed(&SEED.to_owned().into()).unwrap();
        assert_eq!(key.public(), PUBLIC);
        let mut signed = checkpoint();
        assert_eq!(signer(&signed), Ok(None));
        key.sign(&mut signed);
        assert_eq!(signer(&signed), Ok(Some(PUBLIC)));
        let changes: [fn(&mut Checkpoint); 6] = [
            |one| one.size = 8,
            |one| one.head.replace_range(0..1, "b"),
            |one| one.ts.replace_range(0..1, "3"),
            |one| one.signature.as_mut().unwrap().replace_range(0..2, "00"),
            |one| one.public_key = Some("00".repeat(32)),
            |one| one.public_key = None,
        ];
        for change in changes {
            let mut forged = signed.clone();
            change(&mut forged);
            assert!(signer(&forged).is_err(), "{forged:?}");
        }
        assert!(!format!("{key:?}").contains(&SEED[..8]));
    }

    #[test]
    fn what_is_no_seed_makes_no_key() {
        for text in ["", "00", "zz", &"+1".repeat(32), &"0".repeat(63), &"é".repeat(32)] {
            assert!(SigningKey::from_seed(&text.to_owned().into()).is_none(), "{text}");
        }
    }
}
