//! The settings of who is told when something moves.

use secrecy::SecretString;

use super::error::ConfigError;
use super::keys::{Group, declare_group, setting};
use super::load::Reader;
use super::value::Kind;

declare_group! {
    /// Who is told when a canary or a model moves.
    notifications: NotificationSettings {
        /// Where each transition is posted as signed JSON.
        webhooks: Vec<SecretString> = setting("notifications.webhooks", Kind::Webhooks)
            .variables(&["LUKHAS_MCP_WEBHOOKS"])
            .optional("https://hooks.example.org/lukhas");
        /// Keys with which they are signed: one, and in a rotation the old one beside the new.
        /// Webhooks need one.
        signing_keys: Vec<SecretString> = setting("notifications.signing_keys", Kind::Keys)
            .variables(&["LUKHAS_MCP_WEBHOOK_SIGNING_KEYS"])
            .credential("webhook-signing-keys")
            .optional("replace-me-with-32-random-bytes");
        /// Where each transition is posted as a sentence, in the form that Slack and what imitates
        /// it understand; not signed.
        slack: Vec<SecretString> = setting("notifications.slack", Kind::Webhooks)
            .variables(&["LUKHAS_MCP_SLACK_WEBHOOKS"])
            .optional("https://hooks.slack.example/services/replace-me");
        /// Hours after which a transition that could not be delivered is skipped.
        give_up_hours: u32 = setting("notifications.give_up_hours", Kind::integer(1, 168))
            .variables(&["LUKHAS_MCP_WEBHOOK_GIVE_UP_HOURS"])
            .default("24");
    }
}
