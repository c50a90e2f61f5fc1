//! What is recorded of subscriptions: facts about the daemon, and their sentences. Neither the secret
//! nor the whole address is in them, as an address may be a secret.

use serde_json::{Value, json};
use url::Url;

use crate::store::subscriptions::SubscriptionRow;
use crate::store::{StoreError, Transaction};

/// Who acts where nobody asked.
pub(super) const SYSTEM: &str = "system";

/// A fact: its action, its details and its sentence.
pub(super) struct Fact {
    pub(super) action: &'static str,
    pub(super) details: Value,
    pub(super) message: String,
}

/// Writes a fact down.
pub(super) fn record(
    transaction: &mut Transaction<'_>,
    actor: &str,
    fact: Fact,
) -> Result<(), StoreError> {
    let Fact { action, details, message } = fact;
    transaction.audit_daemon(actor, action, &details, message).map(drop)
}

/// Where events are told, as far as it may be shown.
fn host(row: &SubscriptionRow) -> String {
    let url = Url::parse(&row.url).ok();
    let host = url.and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "an address that is none".to_owned())
}

fn fact(action: &'static str, row: &SubscriptionRow, more: &Value, message: String) -> Fact {
    let mut details = json!({
        "subscription": row.id, "principal": row.principal, "event": row.name,
        "arguments": serde_json::from_str(&row.arguments).unwrap_or(Value::Null),
        "host": host(row),
    });
    if let (Some(details), Some(more)) = (details.as_object_mut(), more.as_object()) {
        details.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    Fact { action, details, message }
}

pub(super) fn begun(row: &SubscriptionRow) -> Fact {
    let message = format!(
        "{} subscribed to {} at {}, which said that it wants to be told, until {}.",
        row.principal,
        row.name,
        host(row),
        row.expires_at
    );
    fact("event_subscribe", row, &json!({ "expiresAt": row.expires_at }), message)
}

pub(super) fn rotated(row: &SubscriptionRow) -> Fact {
    let message =
        format!("{} changed the secret of a subscription to {}.", row.principal, row.name);
    fact("event_secret", row, &json!({}), message)
}

pub(super) fn ended(row: &SubscriptionRow) -> Fact {
    let message =
        format!("{} ended its subscription to {} at {}.", row.principal, row.name, host(row));
    fact("event_unsubscribe", row, &json!({}), message)
}

pub(super) fn expired(row: &SubscriptionRow) -> Fact {
    let message = format!(
        "The subscription of {} to {} at {} was not renewed and ended.",
        row.principal,
        row.name,
        host(row)
    );
    fact("event_expire", row, &json!({}), message)
}

/// It was ended by the daemon; `why` follows a colon.
pub(super) fn dropped(row: &SubscriptionRow, why: &str) -> Fact {
    let message = format!(
        "The subscription of {} to {} at {} was ended: {why}.",
        row.principal,
        row.name,
        host(row)
    );
    fact("event_end", row, &json!({ "reason": why }), message)
}

pub(super) fn suspended(row: &SubscriptionRow, event: &str, error: &str) -> Fact {
    let message = format!(
        "{} at {} is told nothing more until the subscription is renewed, because it took nothing \
         for too long; the last attempt: {error}.",
        row.principal,
        host(row)
    );
    fact("event_suspend", row, &json!({ "eventId": event, "error": error }), message)
}

pub(super) fn skipped(row: &SubscriptionRow, event: &str, why: &str) -> Fact {
    let message = format!("{} at {} was not told of {event}: {why}.", row.principal, host(row));
    fact("event_skip", row, &json!({ "eventId": event, "reason": why }), message)
}
