//! How does a request come back from the page of consent as it went there, and only once?
//!
//! It is sealed and sent along, so that nothing need be kept for who only looks at the page.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::oauth::server::request::Asked;

/// How long somebody may look at the page, in seconds.
const LIFE: i64 = 600;

/// Seals and opens; its key lives as long as the process.
pub(super) struct Seal {
    key: hmac::Key,
    /// What was consented to, until it would be too old anyhow.
    used: Mutex<HashMap<String, i64>>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    /// Tells it from others.
    id: String,
    until: i64,
    asked: Asked,
}

/// A request that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    id: String,
    until: i64,
    /// What was asked for.
    pub asked: Asked,
}

impl Seal {
    pub(super) fn new() -> Self {
        // 64 characters of 6 bits each.
        let key = hmac::Key::new(hmac::HMAC_SHA256, nanoid::nanoid!(64).as_bytes());
        Self { key, used: Mutex::default() }
    }

    /// Seals a request. `now` is in seconds since 1970.
    pub(super) fn close(&self, asked: Asked, now: i64) -> String {
        let sealed = Sealed { id: nanoid::nanoid!(), until: now + LIFE, asked };
        let body = BASE64URL.encode(serde_json::to_vec(&sealed).unwrap_or_default());
        let tag = hmac::sign(&self.key, body.as_bytes());
        format!("{body}.{}", BASE64URL.encode(tag))
    }

    /// Opens what was sealed; `None` if it was not sealed here, is too old or was used.
    pub(super) fn open(&self, text: &str, now: i64) -> Option<Transaction> {
        let (body, tag) = text.split_once('.')?;
        hmac::verify(&self.key, body.as_bytes(), &BASE64URL.decode(tag).ok()?).ok()?;
        let sealed: Sealed = serde_json::from_slice(&BASE64URL.decode(body).ok()?).ok()?;
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let is_good = now < sealed.until && !used.contains_key(&sealed.id);
        let Sealed { id, until, asked } = sealed;
        is_good.then_some(Transaction { id, until, asked })
    }

    /// Uses a transaction; `false` if somebody was quicker.
    pub(super) fn consume(&self, transaction: &Transaction, now: i64) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, until| now < *until);
        used.insert(transaction.id.clone(), transaction.until).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        Asked {
            client_id: "client_a".to_owned(),
            client_name: "A".to_owned(),
            redirect_uri: "https://a.example/cb".to_owned(),
            state: Some("s".to_owned()),
            challenge: "c".to_owned(),
            operate: true,
        }
    }

    #[test]
    fn what_was_sealed_comes_back_once_and_in_time() {
        let seal = Seal::new();
        let text = seal.close(asked(), 1_000);
        let transaction = seal.open(&text, 1_599).unwrap();
        assert_eq!(transaction.asked, asked());
        assert_eq!(seal.open(&text, 1_600), None, "it is too old");
        assert!(seal.consume(&transaction, 1_000));
        assert!(!seal.consume(&transaction, 1_001), "it was used");
        assert_eq!(seal.open(&text, 1_002), None);
        let other = seal.open(&seal.close(asked(), 1_000), 1_000).unwrap();
        assert!(seal.consume(&other, 1_700));
        assert_eq!(seal.used.lock().unwrap().len(), 1, "what is too old is forgotten");
    }

    #[test]
    fn what_was_not_sealed_here_is_nothing() {
        let (seal, another) = (Seal::new(), Seal::new());
        let text = seal.close(asked(), 1_000);
        let (body, tag) = text.split_once('.').unwrap();
        let changed = String::from_utf8(BASE64URL.decode(body).unwrap()).unwrap();
        let changed = BASE64URL.encode(changed.replace("a.example", "b.example"));
        for forged in [
            String::new(),
            ".".to_owned(),
            body.to_owned(),
            format!("{body}."),
            format!("{changed}.{tag}"),
            format!("{body}.{}", BASE64URL.encode([0; 32])),
            another.close(asked(), 1_000),
        ] {
            assert_eq!(seal.open(&forged, 1_000), None, "{forged}");
        }
    }
}
