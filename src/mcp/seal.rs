//! What a call leaves with its client between two rounds, so that nobody but us can have written it.
//!
//! The client sends it back as it pleases, so it is sealed: encrypted and authenticated, bound to
//! who asked and to what was asked for, and it expires. The key lives as long as the process: after
//! a restart the client is asked again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

/// How long somebody has to answer.
const PATIENCE: Duration = Duration::from_mins(10);

/// The longest that can be left, in bytes.
const LONGEST: usize = 64 * 1024;

/// The most used ones that are remembered; older ones have expired long before.
const REMEMBERED: usize = 100_000;

/// What a call left.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Left {
    /// Somebody is being asked whether it shall be done.
    #[serde(default)]
    pub(super) confirming: bool,
    /// Somebody said that it shall be done.
    #[serde(default)]
    pub(super) confirmed: bool,
    /// What the tool itself left.
    #[serde(default)]
    pub(super) state: Option<Value>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    left: Left,
    /// Milliseconds after the start of the process.
    expires: u64,
    /// Its own, so that it can be used once.
    once: String,
}

/// What came back, whole.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Opened {
    pub(super) left: Left,
    once: String,
    expires: u64,
}

/// What came back is not what was left, or too late, or for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("requestState is not what this call left, or has expired; make the call again without it")]
pub(super) struct Broken;

/// Seals and opens.
pub(super) struct Seal {
    key: LessSafeKey,
    random: SystemRandom,
    began: Instant,
    used: Mutex<HashMap<String, u64>>,
}

/// What a call is about: who makes it, and what it is.
pub(super) struct Subject<'a> {
    pub(super) principal: &'a str,
    pub(super) method: &'a str,
    pub(super) name: &'a str,
    /// The arguments, in one spelling.
    pub(super) arguments: &'a str,
}

impl Subject<'_> {
    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for part in [self.principal, self.method, self.name, self.arguments] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        digest.finalize().into()
    }
}

impl Seal {
    /// A seal of its own.
    pub(super) fn new(now: Instant) -> Self {
        let random = SystemRandom::new();
        let mut key = [0; 32];
        random.fill(&mut key).expect("the system gives random bytes");
        let key = UnboundKey::new(&AES_256_GCM, &key).expect("the key has the length of a key");
        Self { key: LessSafeKey::new(key), random, began: now, used: Mutex::default() }
    }

    fn elapsed(&self, now: Instant) -> u64 {
        u64::try_from(now.duration_since(self.began).as_millis()).unwrap_or(u64::MAX)
    }

    /// Seals what a call leaves; nothing if it is too long.
    pub(super) fn close(&self, left: &Left, subject: &Subject<'_>, now: Instant) -> Option<String> {
        let expires = self.elapsed(now) + u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
        let sealed = Sealed { left: left.clone(), expires, once: nanoid::nanoid!() };
        let mut text = serde_json::to_vec(&sealed).ok()?;
        if LONGEST < text.len() {
            return None;
        }
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let aad = Aad::from(subject.digest());
        let unique = Nonce::assume_unique_for_key(nonce);
        self.key.seal_in_place_append_tag(unique, aad, &mut text).ok()?;
        let mut whole = nonce.to_vec();
        whole.append(&mut text);
        Some(URL_SAFE_NO_PAD.encode(whole))
    }

    /// Opens what came back.
    ///
    /// # Errors
    /// It is not what was left for this.
    pub(super) fn open(
        &self,
        text: &str,
        subject: &Subject<'_>,
        now: Instant,
    ) -> Result<Opened, Broken> {
        if LONGEST * 2 < text.len() {
            return Err(Broken);
        }
        let mut whole = URL_SAFE_NO_PAD.decode(text).map_err(|_| Broken)?;
        let (nonce, sealed) = whole.split_at_mut_checked(NONCE_LEN).ok_or(Broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Broken)?;
        let aad = Aad::from(subject.digest());
        let text = self.key.open_in_place(nonce, aad, sealed).map_err(|_| Broken)?;
        let sealed: Sealed = serde_json::from_slice(text).map_err(|_| Broken)?;
        if sealed.expires < self.elapsed(now) {
            return Err(Broken);
        }
        Ok(Opened { left: sealed.left, once: sealed.once, expires: sealed.expires })
    }

    /// Uses it up; whether this was the first time.
    pub(super) fn use_up(&self, opened: &Opened, now: Instant) -> bool {
        let now = self.elapsed(now);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, expires| now <= *expires);
        // Nobody answers so many in ten minutes; who tries is asked again.
        if REMEMBERED <= used.len() {
            return false;
        }
        used.insert(opened.once.clone(), opened.expires).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SUBJECT: Subject<'_> =
        Subject { principal: "a", method: "tools/call", name: "t", arguments: "{}" };

    #[tokio::test]
    async fn what_was_left_comes_back_whole() {
        let now = Instant::now();
        let seal = Seal::new(now);
        let left = Left { confirming: true, confirmed: false, state: Some(json!({ "n": 1 })) };
        let text = seal.close(&left, &SUBJECT, now).unwrap();
        assert!(!text.contains("confirm"));
        let opened = seal.open(&text, &SUBJECT, now).unwrap();
        assert_eq!(opened.left, left);
        assert!(seal.use_up(&opened, now));
        assert!(!seal.use_up(&opened, now));
        assert_eq!(seal.open(&text, &SUBJECT, now + PATIENCE * 2), Err(Broken));
    }

    #[tokio::test]
    async fn what_is_for_something_else_or_was_changed_is_refused() {
        let now = Instant::now();
        let seal = Seal::new(now);
        let text = seal.close(&Left::default(), &SUBJECT, now).unwrap();
        for other in [
            Subject { principal: "b", ..SUBJECT },
            Subject { method: "prompts/get", ..SUBJECT },
            Subject { name: "u", ..SUBJECT },
            Subject { arguments: "{\"a\":1}", ..SUBJECT },
            // The parts do not run into one another.
            Subject { principal: "at", method: "ools/call", ..SUBJECT },
        ] {
            assert_eq!(seal.open(&text, &other, now), Err(Broken));
        }
        for n in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[n] = if changed[n] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            if changed != text {
                assert_eq!(seal.open(&changed, &SUBJECT, now), Err(Broken), "{n}");
            }
        }
        for wrong in ["", "x", "-TAMPERED", &format!("{text}-TAMPERED"), &text[..20]] {
            assert_eq!(seal.open(wrong, &SUBJECT, now), Err(Broken), "{wrong}");
        }
        assert_eq!(Seal::new(now).open(&text, &SUBJECT, now), Err(Broken));
    }
}
