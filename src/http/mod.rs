//! The daemon's face: routes, and one gate around all of them.
//!
//! # Invariants
//!
//! 1. Every request passes the gate: host and origin, size, key, rate limit, content type, in this
//!    order. What is not declared public needs a key, unknown paths included.
//! 2. No key appears in a log line, an error or a header.
//! 3. Every refusal has a JSON body.

mod answers;
mod chat;
mod cockpit;
mod cors;
mod documents;
mod evidence;
mod gate;
mod head;
mod health;
mod hosts;
mod identity;
mod kept;
mod keys;
mod lifecycle;
mod log_line;
mod mcp;
mod metrics;
mod oauth;
mod openapi;
mod rate_limit;
mod report;
mod request_ids;
mod request_log;
mod routes;
mod server_card;
mod spans;
mod sse;
mod tickets;
mod tokens;
mod until_shown_again;
mod whoami;

use std::sync::Arc;

use crate::audit::{AnchorCounts, Audit, Exports};
use crate::canaries::Canaries;
use crate::clock::Clock;
use crate::events::Hub;
use crate::jobs::Jobs;
use crate::mcp::Server;
use crate::notifications::Notifications;
use crate::repo::Repo;
use crate::store::Store;
use crate::supervision::Supervision;
use crate::tools::Doors;

pub use self::chat::{ChatDoor, SocketPlace};
pub use self::gate::{Gate, GateSettings};
pub use self::health::proof;
pub use self::hosts::Hosts;
pub use self::keys::Keys;
pub use self::lifecycle::{Lifecycle, Phase};
pub use self::oauth::Oauth;
pub use self::rate_limit::RateLimiter;
pub use self::request_log::RequestLog;
pub use self::routes::{ROUTES, configure, configure_socket, not_found};
pub use self::spans::RequestSpans;
pub use self::tickets::Tickets;

/// What the routes need from the rest of the daemon.
pub struct Shared {
    /// Answers JSON-RPC.
    pub server: Arc<Server>,
    /// Streams events.
    pub events: Arc<Hub>,
    /// For metrics.
    pub audit: Audit,
    /// Hands out evidence.
    pub exports: Exports,
    /// For metrics.
    pub anchors: Arc<AnchorCounts>,
    /// For metrics.
    pub notifications: Notifications,
    /// For health and metrics.
    pub store: Store,
    /// For metrics.
    pub jobs: Jobs,
    /// Canaries.
    pub canaries: Canaries,
    /// For readiness, and the bytes of files.
    pub repo: Repo,
    /// For the documents about jobs, canaries and models.
    pub doors: Doors,
    /// For metrics.
    pub supervision: Supervision,
    /// Whether requests are welcome.
    pub lifecycle: Lifecycle,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Request log lines that found no room, for metrics.
    pub request_log: Option<Arc<RequestLog>>,
}
