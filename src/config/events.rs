//! The settings of following events, and of telling them at addresses that clients name.

use super::error::ConfigError;
use super::fields::EventErrorCodes;
use super::keys::{Group, declare_group, setting};
use super::load::Reader;
use super::value::Kind;

declare_group! {
    /// Following events over MCP; see `docs/events.md`.
    events: EventSettings {
        /// The numbers of its errors: `chatgpt` for those of the draft that ChatGPT knows, `sep` for
        /// those of the final text.
        error_codes: EventErrorCodes =
            setting("events.error_codes", Kind::Choice(EventErrorCodes::NAMES))
                .variables(&["LUKHAS_MCP_EVENT_ERROR_CODES"])
                .default("chatgpt");
        /// Subscriptions by webhook that there may be, in all; 0 allows none.
        max_subscriptions: usize = setting("events.max_subscriptions", Kind::integer(0, 10_000))
            .variables(&["LUKHAS_MCP_MAX_SUBSCRIPTIONS"])
            .default("256");
        /// Subscriptions by webhook that one key may have.
        max_subscriptions_per_key: usize =
            setting("events.max_subscriptions_per_key", Kind::integer(0, 10_000))
                .variables(&["LUKHAS_MCP_MAX_SUBSCRIPTIONS_PER_KEY"])
                .default("64");
        /// Minutes for which nothing was taken after which a subscription is told nothing more until
        /// its client renews it.
        give_up_minutes: u32 = setting("events.give_up_minutes", Kind::integer(1, 1_440))
            .variables(&["LUKHAS_MCP_EVENT_GIVE_UP_MINUTES"])
            .default("60");
        /// Whether webhooks may also be at loopback addresses of this machine, over http. For
        /// development and tests only: whoever may subscribe can then reach what listens there.
        allow_loopback_webhooks: bool = setting("events.allow_loopback_webhooks", Kind::Bool)
            .variables(&["LUKHAS_MCP_ALLOW_LOOPBACK_WEBHOOKS"])
            .default("false");
    }
}
