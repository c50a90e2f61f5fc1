//! One attempt to tell a subscription of something, and what follows from its outcome.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::adapters::callback::{Callback, CallbackFailure, Delivery, Message, SigningKey};
use crate::adapters::webhook::Next;
use crate::clock::Timestamp;
use crate::store::subscriptions::SubscriptionRow;
use crate::subscriptions::desk::Office;
use crate::supervision::jitter;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// It was taken.
    Taken,
    /// It will not be sent again, and why.
    Dropped(&'static str),
    /// It was not taken for too long.
    GaveUp,
    /// The subscription is not what it was: look at it again.
    Changed,
}

impl Sent {
    pub(super) const UNWANTED: &'static str = "it is not wanted (status 410)";
    const TOO_LARGE: &'static str = "it is too long for the receiver (status 413)";
}

/// Why a message was not taken this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) why: CallbackFailure,
    /// After how long to try again, if at all.
    pub(super) wait: Option<Duration>,
}

/// The attempts to send one message.
pub(super) struct Attempts<'a> {
    office: &'a Office,
    subscription: &'a str,
    failed: u32,
    most: Option<u32>,
}

impl<'a> Attempts<'a> {
    /// `most` attempts, or as many as patience allows.
    pub(super) fn new(office: &'a Office, subscription: &'a str, most: Option<u32>) -> Self {
        Self { office, subscription, failed: 0, most }
    }

    /// Tries once, to the address and with the secrets of the row as it is now.
    pub(super) async fn once(
        &mut self,
        row: &SubscriptionRow,
        id: &str,
        body: &str,
    ) -> Result<Sent, Failed> {
        let now = self.office.clock.now();
        let message = Message { id, subscription: self.subscription, body };
        let delivery = match self.prepare(row, now).await {
            None => Delivery::Failed(CallbackFailure::Connection),
            Some((callback, keys)) => callback.deliver(message, &keys, now.unix_seconds()).await,
        };
        match delivery {
            Delivery::Taken => Ok(Sent::Taken),
            Delivery::Unwanted => Ok(Sent::Dropped(Sent::UNWANTED)),
            Delivery::TooLarge => Ok(Sent::Dropped(Sent::TOO_LARGE)),
            Delivery::Failed(why) => {
                self.failed += 1;
                let wait = self.wait(row, self.office.clock.now());
                Err(Failed { why, wait })
            }
        }
    }

    /// Where to send, and what signs. The address may be one that is no longer allowed.
    async fn prepare(
        &self,
        row: &SubscriptionRow,
        now: Timestamp,
    ) -> Option<(Callback, Vec<SigningKey>)> {
        let url = Url::parse(&row.url).ok()?;
        let callback = Callback::new(&self.office.open, url).await.ok()?;
        let now = now.to_string();
        let is_good = row.old_secret_until.as_ref().is_some_and(|until| now < *until);
        let old = row.old_secret.as_ref().filter(|_| is_good);
        let secrets = std::iter::once(&row.secret).chain(old);
        let key = |secret: &SecretString| SigningKey::of(secret).ok();
        let keys: Option<Vec<_>> = secrets.map(|secret| key(secret.reveal())).collect();
        Some((callback, keys?))
    }

    fn wait(&self, row: &SubscriptionRow, now: Timestamp) -> Option<Duration> {
        if self.most.is_some_and(|most| most <= self.failed) {
            return None;
        }
        let since = row.failed_since.as_ref().and_then(|since| Timestamp::parse(since).ok());
        let age = since.map_or(time::Duration::ZERO, |since| now.since(since));
        match self.office.patience.after_failure(self.failed, age, jitter()) {
            Next::Retry(wait) => Some(wait),
            Next::Skip => None,
        }
    }
}
