//! JSON-RPC 2.0 and MCP: what comes in, what goes out, and nothing about HTTP.
//!
//! The lenient path serves curl: no `initialize`, no session, no protocol header. A request in a
//! revision of the protocol is served by the rules of that revision: until 2025-11-25 with sessions
//! for those who want one, from 2026-07-28 on each request by itself.

mod answer;
mod batch;
mod body;
mod call;
mod capabilities;
mod card;
mod change;
mod confirmation;
mod envelope;
mod era;
mod fault;
mod followed;
mod headers;
mod introduction;
mod line;
mod listen;
mod lists;
mod meta;
mod methods;
mod offers;
mod outbox;
mod places;
mod rounds;
mod seal;
mod server;
mod session;
mod sessions;
mod spans;
mod stream;
mod streaming;
mod tasks;
mod tool_list;
mod version;
mod watched;

pub use self::answer::{Answer, internal_error, rate_limited, refused, unauthorized};
pub use self::body::Body;
pub use self::card::server_card;
pub use self::headers::{Header, Headers};
pub use self::places::Place;
pub use self::server::{Policy, Received, Server, registry};
pub use self::stream::{Event, Events, Outcome};
pub use self::streaming::NoStream;
pub use self::version::Version;

/// The extension that shows a page beside an answer.
const APPS: &str = "io.modelcontextprotocol/ui";

/// The extension for following events.
const EVENTS: &str = "io.modelcontextprotocol/events";

/// The extension for long-running work.
const TASKS: &str = "io.modelcontextprotocol/tasks";
