//! What has become of what MCP clients are told at addresses of their own.

use super::{Family, Kind, count, float, one};
use crate::http::Shared;

pub(super) fn families(shared: &Shared) -> [Family; 5] {
    let counts = shared.doors.subscriptions.counts();
    let counter = |name, help, value| one(name, help, Kind::Counter, float(value));
    [
        one("event_subscriptions", "Subscriptions by webhook", Kind::Gauge, count(counts.open)),
        counter("event_delivered", "Events that subscribers took", counts.delivered),
        counter("event_failed_attempts", "Attempts that failed", counts.failed),
        counter("event_skipped", "Events that subscribers refused for good", counts.skipped),
        counter(
            "event_suspensions",
            "Times that a subscription was told nothing more until it is renewed",
            counts.suspended,
        ),
    ]
}
