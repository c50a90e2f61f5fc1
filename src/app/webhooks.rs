//! Who is told of transitions, from the settings.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;

use crate::adapters::webhook::{Form, Patience, Webhook, WebhookError};
use crate::app::AppError;
use crate::clock::Clock;
use crate::config::Settings;
use crate::notifications::{Bell, NotificationDeps, Notifications};
use crate::store::Store;
use crate::supervision::Supervision;

fn webhooks(settings: &Settings) -> Result<Vec<Webhook>, WebhookError> {
    let settings = &settings.notifications;
    let signed =
        settings.webhooks.iter().map(|url| (url, Form::Signed(settings.signing_keys.clone())));
    let slack = settings.slack.iter().map(|url| (url, Form::Slack));
    signed.chain(slack).map(|(url, form)| Webhook::new(url, form)).collect()
}

/// Starts telling them.
pub(super) async fn start(
    (store, clock, bell): (&Store, &Arc<dyn Clock>, Arc<Bell>),
    settings: &Settings,
    (supervision, arbiter): (&Supervision, &ArbiterHandle),
) -> Result<Notifications, AppError> {
    let deps = NotificationDeps {
        store: store.clone(),
        clock: Arc::clone(clock),
        supervision: supervision.clone(),
        arbiter: arbiter.clone(),
        bell,
        webhooks: webhooks(settings)?,
        patience: Patience {
            give_up: Duration::from_hours(settings.notifications.give_up_hours.into()),
            least_attempts: 8,
        },
    };
    Ok(Notifications::start(deps).await?)
}
