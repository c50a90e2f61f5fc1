//! Clients of each era that hide nothing: what they send and get is on the wire.

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::harness::{Daemon, read_until};

/// The revision without sessions.
pub const STATELESS: &str = "2026-07-28";

/// Both kinds of answers.
pub const BOTH: &str = "application/json, text/event-stream";

/// An answer that is one message.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    #[track_caller]
    pub fn result(&self) -> &Value {
        assert!(self.body["result"].is_object(), "{self:?}");
        &self.body["result"]
    }

    pub fn code(&self) -> i64 {
        self.body["error"]["code"].as_i64().unwrap_or_default()
    }
}

/// A client that says everything with each request.
pub struct Stateless<'a> {
    pub daemon: &'a Daemon,
    pub capabilities: Value,
}

impl<'a> Stateless<'a> {
    pub fn new(daemon: &'a Daemon, capabilities: Value) -> Self {
        Self { daemon, capabilities }
    }

    /// The params with what every request says about itself.
    pub fn params(&self, params: Value, meta: &Value) -> Value {
        let mut params = params;
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": STATELESS,
            "io.modelcontextprotocol/clientCapabilities": self.capabilities,
            "io.modelcontextprotocol/clientInfo": { "name": "a test", "version": "1" },
        });
        for (name, value) in meta.as_object().into_iter().flatten() {
            params["_meta"][name] = value.clone();
        }
        params
    }

    /// A request as it ought to be.
    pub fn request(&self, id: &Value, method: &str, params: Value, meta: &Value) -> RequestBuilder {
        let name = ["name", "uri", "taskId"].iter().find_map(|name| params[*name].as_str());
        let name = name.map(str::to_owned);
        let params = self.params(params, meta);
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let request = self
            .daemon
            .post(body.to_string())
            .header("Accept", BOTH)
            .header("MCP-Protocol-Version", STATELESS)
            .header("Mcp-Method", method);
        match name {
            Some(name) => request.header("Mcp-Name", name),
            None => request,
        }
    }

    pub async fn ask(&self, method: &str, params: Value) -> Answer {
        answer(self.request(&json!(7), method, params, &json!({})).send().await.unwrap()).await
    }

    /// Calls a tool and returns the result, whatever kind it is.
    pub async fn call(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({ "name": tool, "arguments": arguments })).await;
        answer.result().clone()
    }
}

pub async fn answer(response: Response) -> Answer {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or_else(|_| json!({ "not json": text }));
    Answer { status, body }
}

/// The messages in what came of a stream.
pub fn messages(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| !data.is_empty()).map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// Reads a stream until there are messages of which this holds.
pub async fn messages_until(
    stream: &mut Response,
    enough: impl Fn(&[Value]) -> bool,
) -> Vec<Value> {
    let whole = |text: &str| match text.rfind("\n\n") {
        Some(end) => messages(&text[..end]),
        None => Vec::new(),
    };
    whole(&(read_until(stream, |text| enough(&whole(text))).await))
}

/// A client of an earlier revision, with a session.
pub struct Session<'a> {
    pub daemon: &'a Daemon,
    pub id: String,
}

impl<'a> Session<'a> {
    pub async fn begin(daemon: &'a Daemon, capabilities: Value) -> Self {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": capabilities,
            "clientInfo": { "name": "a test", "version": "1" },
        });
        let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        let sent = daemon.post(body.to_string()).header("Accept", BOTH).send().await.unwrap();
        let id = sent.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        assert_eq!(answer(sent).await.result()["protocolVersion"], "2025-11-25");
        Self { daemon, id }
    }

    pub fn with_id(&self, request: RequestBuilder) -> RequestBuilder {
        request.header("Mcp-Session-Id", &self.id).header("MCP-Protocol-Version", "2025-11-25")
    }

    pub fn send(&self, body: &Value) -> RequestBuilder {
        self.with_id(self.daemon.post(body.to_string()).header("Accept", BOTH))
    }

    pub fn request(&self, id: &Value, method: &str, params: &Value) -> RequestBuilder {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
    }

    pub async fn ask(&self, method: &str, params: Value) -> Answer {
        answer(self.request(&json!(7), method, &params).send().await.unwrap()).await
    }

    /// The stream of the session, or the rest of another one.
    pub async fn stream(&self, last_event_id: Option<&str>) -> Response {
        let request = self.with_id(self.daemon.get("/mcp").header("Accept", "text/event-stream"));
        let request = match last_event_id {
            Some(id) => request.header("Last-Event-ID", id),
            None => request,
        };
        request.send().await.unwrap()
    }
}
