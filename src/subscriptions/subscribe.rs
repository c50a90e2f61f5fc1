//! `events/subscribe` and `events/unsubscribe`: who is told at an address of their own.

use std::sync::PoisonError;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use crate::adapters::callback::{Callback, SigningKey};
use crate::adapters::outbound::OutboundError;
use crate::clock::Timestamp;
use crate::store::oauth::grants;
use crate::store::sha256_hex;
use crate::store::subscriptions::{self, Kept, Refused, Secret, SubscriptionRow};
use crate::subscriptions::error::{EventsError, Missing};
use crate::subscriptions::page;
use crate::subscriptions::params::{Followed, Lifetime, Params};
use crate::subscriptions::story::{self, Fact, record};
use crate::subscriptions::{ANONYMOUS, Inner, Subscriptions, pace};

/// The shortest time for which somebody is told.
const SHORTEST: Duration = Duration::from_mins(5);

/// The time when they do not say.
const USUAL: Duration = Duration::from_hours(24);

/// The longest.
const LONGEST: Duration = Duration::from_hours(24 * 7);

/// How long a secret signs beside the one that took its place.
const GRACE: Duration = Duration::from_hours(1);

/// A subscription's address and what it is about, read from params.
struct Asked {
    id: String,
    url: Url,
    followed: Followed,
}

impl Subscriptions {
    /// Tells the caller of a kind of events at an address of its own from now on, or for longer.
    ///
    /// # Errors
    /// The params cannot be meant, the caller may not, there is no room, or nobody at the address
    /// wants to be told.
    pub async fn subscribe(&self, principal: &str, params: &Value) -> Result<Value, EventsError> {
        let inner = &*self.0;
        let params = Params::of(params)?;
        let asked = asked(inner, principal, params)?;
        let reach = inner.open.reach();
        if !reach.allows_url(&asked.url) {
            return Err(must_be(reach.allowed()));
        }
        let secret =
            SecretString::from(params.needed_object("delivery")?.needed_text("secret")?.to_owned());
        let key = SigningKey::of(&secret)
            .map_err(|error| EventsError::InvalidParams(format!("delivery.secret: {error}")))?;
        let (position, floor) = self.position(params)?;
        let now = inner.clock.now();
        let granted = granted(params.lifetime()?).min(longest(principal));
        let expires_at = now.plus(span(granted));
        self.make_room(principal, &asked, now).await?;
        self.verify(principal, &asked, &key, now).await?;

        let row = SubscriptionRow {
            id: asked.id.clone(),
            principal: principal.to_owned(),
            url: asked.url.to_string(),
            name: asked.followed.kind.name.to_owned(),
            arguments: asked.followed.filter.canonical(),
            secret: Secret::new(secret),
            old_secret: None,
            old_secret_until: None,
            seq: 0,
            created_at: now.to_string(),
            expires_at: expires_at.to_string(),
            suspended_at: None,
            delivered_at: None,
            last_error: None,
            failed_since: None,
        };
        let (grace, bounds) = (now.plus(span(GRACE)).to_string(), inner.bounds);
        let kept = inner.store.write(move |transaction| {
            let start = page::start(transaction.reader(), position, floor)?;
            let row = SubscriptionRow { seq: start.after, ..row.clone() };
            let kept = match subscriptions::keep(transaction, &row, &grace, bounds)? {
                Ok(kept) => kept,
                Err(refused) => return Ok(Err(refused)),
            };
            if let Some(fact) = told(&kept) {
                record(transaction, &kept.row.principal, fact)?;
            }
            Ok(Ok((kept, start)))
        });
        let (kept, start) = kept.await?.map_err(|refused| self.full(refused))?;
        inner.desk.tell(&kept.row.id, asked.followed);
        let mut answer = json!({
            "id": kept.row.id,
            "refreshBefore": kept.row.expires_at,
            "cursor": inner.cursors.seal(kept.row.seq),
            // Who is told already goes on where that is.
            "truncated": kept.before.is_none() && start.truncated,
        });
        if let Some(before) = &kept.before {
            answer["deliveryStatus"] = status(before);
        }
        Ok(answer)
    }

    /// Tells the caller of a kind of events at an address no more.
    ///
    /// # Errors
    /// The params cannot be meant, or the caller has no such subscription.
    pub async fn unsubscribe(&self, principal: &str, params: &Value) -> Result<Value, EventsError> {
        let inner = &*self.0;
        let asked = asked(inner, principal, Params::of(params)?)?;
        let id = asked.id.clone();
        let ended = inner.store.write(move |transaction| {
            let Some(row) = subscriptions::find(transaction.reader(), &id)? else {
                return Ok(false);
            };
            subscriptions::end(transaction, &id)?;
            record(transaction, &row.principal, story::ended(&row))?;
            Ok(true)
        });
        if !ended.await? {
            return Err(EventsError::NotFound(Missing::Subscription));
        }
        inner.desk.stop(&asked.id);
        // Somebody who subscribed again in between found the courier that was stopped here.
        let id = asked.id.clone();
        if inner.store.read(move |conn| subscriptions::find(conn, &id)).await?.is_some() {
            inner.desk.tell(&asked.id, asked.followed);
        }
        Ok(json!({}))
    }

    fn full(&self, refused: Refused) -> EventsError {
        let max = match refused {
            Refused::Full => self.0.bounds.all,
            Refused::PrincipalFull => self.0.bounds.per_principal,
        };
        EventsError::ResourceExhausted { limit: "subscriptions", max }
    }

    /// Makes sure that there is room, before anybody is bothered.
    async fn make_room(
        &self,
        principal: &str,
        asked: &Asked,
        now: Timestamp,
    ) -> Result<(), EventsError> {
        let (id, principal, bounds) = (asked.id.clone(), principal.to_owned(), self.0.bounds);
        let now = now.to_string();
        let room = self.0.store.read(move |conn| match subscriptions::find(conn, &id)? {
            Some(row) if now < row.expires_at => Ok(Ok(())),
            _ => subscriptions::room(conn, (&id, &principal), bounds),
        });
        room.await?.map_err(|refused| self.full(refused))
    }

    /// Makes sure that somebody at the address wants to be told, unless this principal had it asked
    /// before.
    async fn verify(
        &self,
        principal: &str,
        asked: &Asked,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<(), EventsError> {
        let inner = &*self.0;
        let callback = Callback::new(&inner.open, asked.url.clone()).await;
        let callback = callback.map_err(not_allowed)?;
        let (owner, url) = (principal.to_owned(), asked.url.to_string());
        let stamp = now.to_string();
        let known = inner
            .store
            .read(move |conn| subscriptions::is_verified(conn, (&owner, &url), &stamp))
            .await?;
        if known {
            return Ok(());
        }
        let exhausted = |max| EventsError::ResourceExhausted { limit: "verifications", max };
        let host = asked.url.host_str().unwrap_or_default();
        let admitted =
            inner.pace.lock().unwrap_or_else(PoisonError::into_inner).admits(host, Instant::now());
        if !admitted {
            return Err(exhausted(pace::MOST));
        }
        let place = inner.verifying.try_acquire();
        let _place = place.map_err(|_none_left| exhausted(super::VERIFYING))?;
        let unix_seconds = now.unix_seconds();
        let verified = callback.verify(&asked.id, key, unix_seconds).await;
        verified.map_err(EventsError::Callback)
    }
}

/// Reads what is asked for, and by whom.
fn asked(inner: &Inner, principal: &str, params: Params<'_>) -> Result<Asked, EventsError> {
    if principal == ANONYMOUS {
        return Err(EventsError::Forbidden(
            "a subscription belongs to a key; set one, or follow events with events/poll or \
             events/stream",
        ));
    }
    let followed = params.followed()?;
    let delivery = params.needed_object("delivery")?;
    let mode = delivery.text("mode")?;
    if let Some(mode) = mode.filter(|mode| *mode != "webhook") {
        let value = mode.chars().filter(char::is_ascii_graphic).take(32).collect();
        let (feature, offered) = ("deliveryMode", "webhook");
        return Err(EventsError::Unsupported { feature, value, offered });
    }
    let url = Url::parse(delivery.needed_text("url")?);
    let url = url.map_err(|_not_one| must_be(inner.open.reach().allowed()))?;
    let id = id_of(principal, &url, &followed);
    Ok(Asked { id, url, followed })
}

/// Refuses an address.
fn must_be(allowed: &str) -> EventsError {
    EventsError::InvalidParams(format!("delivery.url must be {allowed}"))
}

/// What a subscription is called: the same for the same principal, address, name and arguments.
fn id_of(principal: &str, url: &Url, followed: &Followed) -> String {
    let key = json!([principal, url.as_str(), followed.kind.name, followed.filter.canonical()]);
    format!("sub_{}", &sha256_hex(key.to_string().as_bytes())[..32])
}

fn not_allowed(error: OutboundError) -> EventsError {
    let what = error.to_string();
    match error {
        OutboundError::NotAllowed { allowed, .. } => must_be(allowed),
        error => EventsError::Failed { what, source: error.into() },
    }
}

/// For how long somebody is told at most. Whether a token of an issuer elsewhere was taken back is
/// not told to us, so its holder has to show another one soon.
fn longest(principal: &str) -> Duration {
    let is_of_issuer = principal.starts_with("oauth:") && !grants::is_consented(principal);
    if is_of_issuer { Duration::from_hours(1) } else { LONGEST }
}

/// For how long somebody is told.
fn granted(lifetime: Lifetime) -> Duration {
    match lifetime {
        Lifetime::Usual => USUAL,
        Lifetime::Longest => LONGEST,
        Lifetime::About(milliseconds) => {
            // What is no number at all is as short as may be.
            let about = Duration::try_from_secs_f64(milliseconds / 1_000.0);
            let about = about.unwrap_or(if 0.0 < milliseconds { LONGEST } else { SHORTEST });
            about.clamp(SHORTEST, LONGEST)
        }
    }
}

fn span(duration: Duration) -> time::Duration {
    time::Duration::try_from(duration).unwrap_or(time::Duration::MAX)
}

/// The fact that a subscription was made, or that its secret was changed; that it was renewed is
/// none.
fn told(kept: &Kept) -> Option<Fact> {
    match &kept.before {
        None => Some(story::begun(&kept.row)),
        Some(before) if !before.secret.is(&kept.row.secret) => Some(story::rotated(&kept.row)),
        Some(_) => None,
    }
}

/// How telling went until it was renewed.
fn status(before: &SubscriptionRow) -> Value {
    let mut status = json!({
        "active": before.suspended_at.is_none(),
        "lastDeliveryAt": before.delivered_at,
        "lastError": before.last_error,
    });
    if let Some(since) = &before.failed_since {
        status["failedSince"] = json!(since);
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_brought_into_bounds_and_never_refused() {
        let about = |milliseconds| granted(Lifetime::About(milliseconds));
        assert_eq!(about(3_600_000.0), Duration::from_hours(1));
        for short in [0.0, -1.0, 1.0, f64::MIN, f64::NEG_INFINITY, f64::NAN] {
            assert_eq!(about(short), SHORTEST, "{short}");
        }
        for long in [1e12, 1e300, f64::INFINITY] {
            assert_eq!(about(long), LONGEST, "{long}");
        }
        assert_eq!(granted(Lifetime::Usual), USUAL);
        assert_eq!(granted(Lifetime::Longest), LONGEST);
    }
}
