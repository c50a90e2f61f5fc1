//! JSON-RPC 2.0 and MCP: what comes in, what goes out, and nothing about HTTP.
//!
//! The lenient path serves curl: no `initialize`, no session, no protocol header. A request in a
//! revision of the protocol is served by the rules of that revision.

mod answer;
mod envelope;
mod server;
mod version;

pub use self::answer::{Answer, internal_error, rate_limited, refused, unauthorized};
pub use self::server::Server;
pub use self::version::{LATEST, Version};
