//! Which public keys does an issuer sign with? Pure.

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// The most keys that a set may have.
const MOST: usize = 64;

/// The keys of an issuer that can check a token.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Key>);

#[derive(Debug)]
struct Key {
    id: Option<String>,
    /// What it may check.
    checks: Vec<Algorithm>,
    decoding: DecodingKey,
}

/// The outcome of looking for the key of a token.
#[derive(Debug)]
pub(super) enum Lookup<'a> {
    /// This one.
    Found(&'a DecodingKey),
    /// The token names a key that is not here.
    Unknown,
    /// The named key does not check such signatures, or none is named and several would do.
    Unfit,
}

/// Why a set cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UnusableSet {
    #[error("its key set is not a JSON object with keys")]
    NotASet,
    #[error("its key set has more than {MOST} keys")]
    TooMany,
    #[error("its key set has no key for RS256, PS256, ES256 or EdDSA")]
    NoKey,
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a set as it is published. Keys of other kinds and for other uses are passed over.
    pub(super) fn read(body: &[u8]) -> Result<Self, UnusableSet> {
        let published: Published =
            serde_json::from_slice(body).map_err(|_not_one| UnusableSet::NotASet)?;
        if MOST < published.keys.len() {
            return Err(UnusableSet::TooMany);
        }
        let keys: Vec<Key> = published.keys.into_iter().filter_map(Key::read).collect();
        if keys.is_empty() { Err(UnusableSet::NoKey) } else { Ok(Self(keys)) }
    }

    /// The key that a token is signed with.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Lookup<'_> {
        let checks = |key: &&Key| key.checks.contains(&algorithm);
        let Some(id) = id else {
            let mut fitting = self.0.iter().filter(checks);
            return match (fitting.next(), fitting.next()) {
                (Some(only), None) => Lookup::Found(&only.decoding),
                _ => Lookup::Unfit,
            };
        };
        let mut named = self.0.iter().filter(|key| key.id.as_deref() == Some(id)).peekable();
        if named.peek().is_none() {
            return Lookup::Unknown;
        }
        named.find(checks).map_or(Lookup::Unfit, |key| Lookup::Found(&key.decoding))
    }
}

impl Key {
    fn read(published: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(published).ok()?;
        let common = &jwk.common;
        let for_signatures = match (&common.public_key_use, &common.key_operations) {
            (Some(usage), _) => *usage == PublicKeyUse::Signature,
            (None, Some(operations)) => operations.contains(&KeyOperations::Verify),
            (None, None) => true,
        };
        if !for_signatures {
            return None;
        }
        let possible: &[_] = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => {
                &[(Algorithm::RS256, KeyAlgorithm::RS256), (Algorithm::PS256, KeyAlgorithm::PS256)]
            }
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
                &[(Algorithm::ES256, KeyAlgorithm::ES256)]
            }
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                &[(Algorithm::EdDSA, KeyAlgorithm::EdDSA)]
            }
            _ => return None,
        };
        let fits = |named: KeyAlgorithm| common.key_algorithm.is_none_or(|only| only == named);
        let checks: Vec<Algorithm> =
            possible.iter().filter(|(_, named)| fits(*named)).map(|(checks, _)| *checks).collect();
        let decoding = DecodingKey::from_jwk(&jwk).ok().filter(|_| !checks.is_empty())?;
        Some(Self { id: jwk.common.key_id, checks, decoding })
    }
}
