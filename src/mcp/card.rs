//! What does the server say about itself to who has not met it yet? Pure.

use serde_json::{Value, json};

use crate::mcp::introduction::TITLE;
use crate::mcp::version::Version;

const SCHEMA: &str = "https://static.modelcontextprotocol.io/schemas/v2/server-card.schema.json";

/// What registries know the server by; `server.json` has the same.
const NAME: &str = "io.github.LukhasAI/lukhas-mcp";

/// The card of a server whose endpoint is at this address.
pub fn server_card(endpoint: &str) -> Value {
    json!({
        "$schema": SCHEMA,
        "name": NAME,
        "title": TITLE,
        "version": env!("CARGO_PKG_VERSION"),
        "description": env!("CARGO_PKG_DESCRIPTION"),
        "remotes": [{
            "type": "streamable-http",
            "url": endpoint,
            "supportedProtocolVersions": Version::ALL.map(Version::as_str),
        }],
    })
}
