//! Who follows events over MCP, from the settings.

use std::sync::Arc;
use std::time::Duration;

use super::parts::Parts;
use crate::adapters::outbound::{OpenOutbound, Reach};
use crate::adapters::webhook::Patience;
use crate::app::AppError;
use crate::events::Hub;
use crate::http::Keys;
use crate::subscriptions::{Bounds, EventBells, SubscriptionDeps, Subscriptions};

/// Takes up every subscription where it was left.
pub(super) async fn start(
    parts: &Parts<'_>,
    hub: &Arc<Hub>,
    bells: Arc<EventBells>,
) -> Result<Subscriptions, AppError> {
    let settings = &parts.settings.events;
    let reach =
        if settings.allow_loopback_webhooks { Reach::PublicAndLoopback } else { Reach::Public };
    let auth = &parts.settings.auth;
    let keys = Keys::new(&auth.api_keys, &auth.read_keys);
    let deps = SubscriptionDeps {
        store: parts.store.clone(),
        hub: Arc::clone(hub),
        bells,
        clock: Arc::clone(parts.clock),
        supervision: parts.supervision.clone(),
        arbiter: parts.arbiter.clone(),
        open: OpenOutbound::new(reach),
        bounds: Bounds {
            all: settings.max_subscriptions,
            per_principal: settings.max_subscriptions_per_key,
        },
        codes: settings.error_codes,
        patience: Patience {
            give_up: Duration::from_mins(settings.give_up_minutes.into()),
            least_attempts: 6,
        },
        is_known: Box::new(move |principal| {
            let has_key = |name: &str| keys.names().any(|known| known == name);
            match principal.strip_prefix("oauth:").and_then(|rest| rest.split_once('/')) {
                // What a key consented to goes with it.
                Some((key, _client)) => has_key(&format!("key:{key}")),
                None => !principal.starts_with("key:") || has_key(principal),
            }
        }),
    };
    Ok(Subscriptions::start(deps).await?)
}
