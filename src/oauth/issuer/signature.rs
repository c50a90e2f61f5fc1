//! Which signatures are checked, and by what? Four kinds, all by `ring`, which TLS uses as well.

use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{Error as Mismatch, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

/// What a token may be signed with. Whoever can check one with a shared secret could make one.
pub(super) const ALLOWED: [Algorithm; 4] =
    [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

/// Has tokens checked by `ring`; once for the process.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    // It fails only where it was done before.
    ONCE.call_once(|| _ = PROVIDER.install_default());
}

fn unsupported() -> Error {
    ErrorKind::UnsupportedAlgorithm.into()
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(unsupported()),
    verifier_factory: |algorithm, key| verifier(*algorithm, key),
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(unsupported()),
        rsa_pub_components_from_public_key: |_| Err(unsupported()),
        ec_pub_components_from_private_key: |_, _| Err(unsupported()),
        ed_pub_components_from_private_key: |_, _| Err(unsupported()),
        compute_digest: |_, _| Err(unsupported()),
    },
};

fn verifier(algorithm: Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    if !ALLOWED.contains(&algorithm) || key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(Signed { algorithm, key: key.clone() }))
}

struct Signed {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Signed {
    fn by_rsa(&self, how: &'static RsaParameters, message: &[u8], signature: &[u8]) -> bool {
        let DecodingKeyKind::RsaModulusExponent { n, e } = self.key.kind() else { return false };
        RsaPublicKeyComponents { n, e }.verify(how, message, signature).is_ok()
    }

    fn by_point(
        &self,
        how: &'static dyn VerificationAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let DecodingKeyKind::SecretOrDer(point) = self.key.kind() else { return false };
        UnparsedPublicKey::new(how, point).verify(message, signature).is_ok()
    }
}

impl Verifier<Vec<u8>> for Signed {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Mismatch> {
        let is_good = match self.algorithm {
            Algorithm::RS256 => self.by_rsa(&RSA_PKCS1_2048_8192_SHA256, message, signature),
            Algorithm::PS256 => self.by_rsa(&RSA_PSS_2048_8192_SHA256, message, signature),
            Algorithm::ES256 => self.by_point(&ECDSA_P256_SHA256_FIXED, message, signature),
            Algorithm::EdDSA => self.by_point(&ED25519, message, signature),
            _ => false,
        };
        is_good.then_some(()).ok_or_else(Mismatch::new)
    }
}

impl JwtVerifier for Signed {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
