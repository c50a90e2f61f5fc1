//! What a file holds, in 32 bytes.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// SHA-256 of a file's raw bytes; as text, 64 hexadecimal digits in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentDigest([u8; 32]);

/// A text that is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 has 64 hexadecimal digits")]
pub struct InvalidDigest;

impl ContentDigest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl From<[u8; 32]> for ContentDigest {
    /// Takes a SHA-256 that was computed elsewhere.
    fn from(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

impl FromStr for ContentDigest {
    type Err = InvalidDigest;

    /// Reads 64 hexadecimal digits, in either case.
    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let mut bytes = [0; 32];
        if text.len() != 64 {
            return Err(InvalidDigest);
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digit = |place: usize| char::from(digits[place]).to_digit(16);
            let (Some(high), Some(low)) = (digit(0), digit(1)) else { return Err(InvalidDigest) };
            *byte = u8::try_from(high << 4 | low).map_err(|_too_large| InvalidDigest)?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentDigest({self})")
    }
}

impl Serialize for ContentDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for ContentDigest {
    fn schema_name() -> Cow<'static, str> {
        "ContentDigest".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
    }
}

impl<'de> Deserialize<'de> for ContentDigest {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_in_either_case() {
        let digest = ContentDigest::of(b"fresh\n");
        let text = "02db0d2659c9d48bc15f81a388594fc0e3cf4c780fdc27ea21e0671afc37de19";
        assert_eq!(digest.to_string(), text);
        assert_eq!(text.parse(), Ok(digest));
        assert_eq!(text.to_uppercase().parse(), Ok(digest));
        for wrong in ["", &text[1..], &format!("{text}0"), &text.replace('0', "g")] {
            assert_eq!(wrong.parse::<ContentDigest>(), Err(InvalidDigest), "{wrong}");
        }
        assert_eq!("é".repeat(32).parse::<ContentDigest>(), Err(InvalidDigest));
    }
}
