//! Who is told of transitions, from the settings.

use std::sync::Arc;
use std::time::Duration;

use super::parts::Parts;
use crate::adapters::webhook::{Form, Patience, Webhook, WebhookError};
use crate::app::AppError;
use crate::config::Settings;
use crate::notifications::{Bell, NotificationDeps, Notifications};

fn webhooks(settings: &Settings) -> Result<Vec<Webhook>, WebhookError> {
    let settings = &settings.notifications;
    let signed =
        settings.webhooks.iter().map(|url| (url, Form::Signed(settings.signing_keys.clone())));
    let slack = settings.slack.iter().map(|url| (url, Form::Slack));
    signed.chain(slack).map(|(url, form)| Webhook::new(url, form)).collect()
}

/// Starts telling them.
pub(super) async fn start(parts: &Parts<'_>, bell: Arc<Bell>) -> Result<Notifications, AppError> {
    let deps = NotificationDeps {
        store: parts.store.clone(),
        clock: Arc::clone(parts.clock),
        supervision: parts.supervision.clone(),
        arbiter: parts.arbiter.clone(),
        bell,
        webhooks: webhooks(parts.settings)?,
        patience: Patience {
            give_up: Duration::from_hours(parts.settings.notifications.give_up_hours.into()),
            least_attempts: 8,
        },
    };
    Ok(Notifications::start(deps).await?)
}
