//! What does a trace say of a request? What the conventions for MCP have, by names of which there are
//! few, and nothing of what was sent.

use std::borrow::Cow;

use serde::Deserialize;
use tracing::{Span, debug_span, field};

use crate::mcp::fault::Fault;
use crate::mcp::methods::Asked;
use crate::mcp::server::Server;
use crate::telemetry::{self, SPANS};

/// The methods that have a span by their name. A method can be anything.
const METHODS: &[&str] = &[
    "completion/complete",
    "events/list",
    "events/poll",
    "events/stream",
    "events/subscribe",
    "events/unsubscribe",
    "initialize",
    "logging/setLevel",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "server/discover",
    "subscriptions/listen",
    "tasks/cancel",
    "tasks/get",
    "tasks/update",
    "tools/call",
    "tools/list",
];

/// The longest id of a request that is told, in bytes of JSON.
const LONGEST_ID: usize = 66;

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

impl Server {
    /// The span of a request: a part of the span that the request names, else of the HTTP request.
    pub(super) fn span(&self, asked: Asked<'_>, id: &str) -> Span {
        if !telemetry::is_traced() {
            return Span::none();
        }
        let method = METHODS.iter().copied().find(|method| *method == asked.method);
        let method = method.unwrap_or("_OTHER");
        let (tool, prompt) = match method {
            "tools/call" => (known(asked, &self.registry.names()), None),
            "prompts/get" => (None, known(asked, &self.prompts.names())),
            _ => (None, None),
        };
        let target = tool.or(prompt);
        let name = target.map_or_else(|| method.to_owned(), |target| format!("{method} {target}"));
        let span = debug_span!(
            target: SPANS,
            "mcp",
            otel.name = name,
            otel.kind = "server",
            otel.status_code = field::Empty,
            mcp.method.name = method,
            mcp.protocol.version = asked.version.as_str(),
            jsonrpc.request.id = (id.len() <= LONGEST_ID).then(|| id.trim_matches('"')),
            gen_ai.tool.name = tool,
            gen_ai.prompt.name = prompt,
            gen_ai.operation.name = tool.map(|_| "execute_tool"),
            rpc.response.status_code = field::Empty,
            error.type = field::Empty,
            lukhas_mcp.work.id = field::Empty,
        );
        telemetry::begin_within(&span, asked.meta.parent.clone());
        span
    }
}

/// The name in the params, if it is one of these.
fn known(asked: Asked<'_>, names: &[&'static str]) -> Option<&'static str> {
    let Named { name } = serde_json::from_str(asked.params?.get()).ok()?;
    names.iter().copied().find(|known| *known == name)
}

/// Says that a request failed, and by which code.
pub(super) fn failed(asked: Asked<'_>, fault: &Fault) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    let code = fault.code(asked.version).to_string();
    span.record("rpc.response.status_code", &*code);
    span.record("error.type", &*code);
    span.record("otel.status_code", "ERROR");
}

/// Says that a tool answered with an error.
pub(super) fn tool_failed() {
    let span = Span::current();
    span.record("error.type", "tool_error");
    span.record("otel.status_code", "ERROR");
}

/// Says which job or canary a call began.
pub(super) fn began(id: &str) {
    Span::current().record("lukhas_mcp.work.id", id);
}
