//! How often the issuer is asked, and what becomes of tokens meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use time::macros::datetime;

use super::super::key_set::KeySet;
use super::super::published::FetchError;
use super::super::token::{Expected, Fault};
use super::super::{Issuer, KeySource, Refused};
use super::mint::SigningKey;
use crate::clock::{Clock, Timestamp};

const NOW: time::OffsetDateTime = datetime!(2026-11-21 12:00:00 UTC);

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::new(NOW)
    }
}

/// What it publishes just now; nothing, and it does not answer.
#[derive(Default)]
struct Scripted {
    publishes: Mutex<Option<String>>,
    asked: AtomicUsize,
}

#[async_trait]
impl KeySource for Arc<Scripted> {
    async fn fetch(&self) -> Result<KeySet, FetchError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let published = self.publishes.lock().unwrap().clone();
        assert_ne!(published.as_deref(), Some("panic"), "as the script has it");
        Ok(KeySet::read(published.ok_or(FetchError::NoMetadata)?.as_bytes())?)
    }
}

struct Case {
    source: Arc<Scripted>,
    issuer: Issuer,
}

impl Case {
    fn new() -> Self {
        let source = Arc::<Scripted>::default();
        let expected = Expected { issuer: "https://id.example".into(), audience: "us".into() };
        let issuer = Issuer::with(expected, Box::new(Arc::clone(&source)), Arc::new(Stopped));
        Self { source, issuer }
    }

    fn publishes(&self, keys: &[(&SigningKey, &str)]) {
        let keys: Vec<_> = keys.iter().map(|(key, id)| key.published(id)).collect();
        *self.source.publishes.lock().unwrap() = Some(json!({ "keys": keys }).to_string());
    }

    fn asked(&self) -> usize {
        self.source.asked.load(Ordering::SeqCst)
    }
}

fn token(key: &SigningKey, id: &str) -> String {
    let exp = NOW.unix_timestamp() + 86_400;
    let claims = json!({ "iss": "https://id.example", "sub": "me", "aud": "us", "exp": exp });
    key.sign(&json!({ "alg": "EdDSA", "kid": id }), &claims)
}

#[tokio::test(start_paused = true)]
async fn a_hundred_requests_ask_the_issuer_once() {
    let (case, key) = (Case::new(), SigningKey::ed25519());
    case.publishes(&[(&key, "a")]);
    let token = token(&key, "a");
    let all = (0..100).map(|_| case.issuer.judge(&token));
    for judged in futures_util::future::join_all(all).await {
        assert_eq!(judged.unwrap().principal, "oauth:me");
    }
    assert_eq!(case.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn keys_may_change_and_tokens_of_no_key_are_cheap() {
    let case = Case::new();
    let (old, new) = (SigningKey::ed25519(), SigningKey::ed25519());
    case.publishes(&[(&old, "old")]);
    case.issuer.judge(&token(&old, "old")).await.unwrap();
    for n in 0..50 {
        let refused = case.issuer.judge(&token(&new, &format!("made up {n}"))).await;
        assert_eq!(refused, Err(Refused::Invalid(Fault::UnknownKey)));
    }
    assert_eq!(case.asked(), 1, "it was asked a moment ago");
    case.publishes(&[(&new, "new")]);
    tokio::time::sleep(Duration::from_secs(10)).await;
    case.issuer.judge(&token(&new, "new")).await.unwrap();
    assert_eq!(case.asked(), 2);
    let withdrawn = case.issuer.judge(&token(&old, "old")).await;
    assert_eq!(withdrawn, Err(Refused::Invalid(Fault::UnknownKey)));
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_nobody_is_let_in_and_with_one_everybody_is() {
    let (case, key) = (Case::new(), SigningKey::ed25519());
    for published in [None, Some("<html>".to_owned()), Some("panic".to_owned())] {
        *case.source.publishes.lock().unwrap() = published;
        let before = case.asked();
        for _ in 0..20 {
            let refused = case.issuer.judge(&token(&key, "a")).await;
            assert!(matches!(refused, Err(Refused::Unjudged(_))), "{refused:?}");
        }
        assert_eq!(case.asked(), before + 1);
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    case.publishes(&[(&key, "a")]);
    case.issuer.judge(&token(&key, "a")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn kept_keys_serve_while_the_issuer_is_away_but_not_for_ever() {
    let (case, key) = (Case::new(), SigningKey::ed25519());
    case.publishes(&[(&key, "a")]);
    let token = token(&key, "a");
    case.issuer.judge(&token).await.unwrap();
    *case.source.publishes.lock().unwrap() = None;
    for _ in 0..59 {
        tokio::time::sleep(Duration::from_mins(1)).await;
        case.issuer.judge(&token).await.unwrap();
    }
    assert!(40 < case.asked(), "it is asked again and again: {}", case.asked());
    tokio::time::sleep(Duration::from_mins(1)).await;
    let refused = case.issuer.judge(&token).await;
    assert!(matches!(refused, Err(Refused::Unjudged(_))), "{refused:?}");
}
