//! What hostile, broken and careless clients send, one row a case.
//!
//! A row's name begins with the number of its case. After each row the daemon lives and answers the
//! next valid call, and at the end of each table no key stands in its log, its database or its
//! answers.

mod auth;
mod envelope;
mod every_route;
mod fuzz;
mod http;
mod limits;
mod origin;
mod principals;
mod protocol;
mod roles;
mod sse;
mod wire;

use std::path::Path;

use lukhas_mcp::http::ROUTES;
use serde_json::{Value, json};

use self::wire::{Answer, Wire, request};
use crate::harness::{Daemon, Home};

/// Valid keys that nothing else in the world looks like, so that a leak can be found.
const KEY: &str = "canary-7f1e9b0c4d2a";
const OTHER: &str = "canary-83ab61d7e5f0";
/// One for reading, where there is one.
const READER: &str = "canary-reader-5c8e21d09b";

/// A home whose daemon serves every route that there is.
fn everything_on() -> Home {
    Home::new()
        .with_chat()
        .with("MCP_PUBLIC_BASE_URL", "https://mcp.example")
        .with("LUKHAS_MCP_OAUTH_BUILT_IN", "true")
}

/// A daemon to be abused.
struct Target {
    home: Home,
    daemon: Daemon,
}

impl Target {
    /// One that wants a key.
    async fn start() -> Self {
        Self::start_in(Home::new()).await
    }

    async fn start_in(home: Home) -> Self {
        let home = home.with("LUKHAS_MCP_API_KEYS", &format!("{KEY},{OTHER}"));
        let daemon = home.start().await.with_key(KEY);
        Self { home, daemon }
    }

    fn connect(&self) -> Wire {
        Wire::open(&self.daemon.url)
    }

    /// Sends bytes as they are, on a connection of their own. `None` when it closed without a word.
    fn send(&self, bytes: &[u8]) -> Option<Answer> {
        let mut wire = self.connect();
        wire.send(bytes);
        wire.answer()
    }

    /// Posts a body with a valid key.
    fn post(&self, body: impl AsRef<[u8]>) -> Answer {
        self.post_with(&[], body)
    }

    fn post_with(&self, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
        let mut all = vec![("X-API-Key", KEY), ("Content-Type", "application/json")];
        all.extend(headers);
        self.send(&request("POST", "/mcp", &all, body.as_ref())).expect("an answer")
    }

    /// How many jobs there are.
    async fn jobs(&self) -> usize {
        self.daemon.ask("list_jobs", json!({ "limit": 100 })).await["jobs"]
            .as_array()
            .unwrap()
            .len()
    }

    /// The process is there, and a valid call is answered.
    #[track_caller]
    fn is_well_after(&mut self, row: &str) {
        let ended = self.daemon.child.try_wait().unwrap();
        assert!(ended.is_none(), "{row}: the daemon ended: {:?}", self.daemon.log());
        let answer = self.post(r#"{"jsonrpc":"2.0","id":"next","method":"ping"}"#);
        assert_eq!((answer.status, answer.json()["id"].as_str()), (200, Some("next")), "{row}");
    }

    /// Nothing that was sent may show a key, a path or the inside of the program.
    #[track_caller]
    fn tells_nothing(&self, row: &str, answer: &Answer) {
        let text = answer.whole_text();
        let home = self.home.path().to_str().unwrap();
        for secret in [KEY, OTHER, READER, home, "panicked", "src/", "SELECT "] {
            assert!(!text.contains(secret), "{row}: {secret} is in the answer: {text}");
        }
        let a_fault_of_ours = 500 <= answer.status && answer.status != 503;
        assert!(!a_fault_of_ours, "{row}: {} {text}", answer.status);
    }

    /// The daemon ends in order, and neither its log nor its files hold a key.
    async fn leaks_nothing(mut self) {
        let ended = self.daemon.terminate().await;
        assert_eq!(ended.code(), Some(0), "{:?}", self.daemon.log());
        for line in self.daemon.log() {
            for key in [KEY, OTHER, READER] {
                assert!(!line.contains(key), "a key is in the log: {line}");
            }
            assert!(!line.contains("panicked"), "{line}");
            assert!(serde_json::from_str::<Value>(&line).is_ok(), "not one event a line: {line:?}");
        }
        no_file_holds_a_key(self.home.path());
    }
}

fn no_file_holds_a_key(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            no_file_holds_a_key(&path);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for key in [KEY, OTHER, READER] {
            let found = bytes.windows(key.len()).any(|window| window == key.as_bytes());
            assert!(!found, "a key is in {}", path.display());
        }
    }
}

/// Every path that is served, with a file that is there where one can be named.
pub fn every_path() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|route| match route.path {
        "/repo/{path:.*}" => "/repo/evals/tasks/quick.toml",
        "/documents/{id:.*}" => "/documents/adder:3",
        "/api/report/{id:.*}" => "/api/report/adder:3",
        "/v1/models/{id:.*}" => "/v1/models/groq",
        path => {
            assert!(!path.contains('{'), "{path} needs an example");
            path
        }
    })
}

/// The code of a JSON-RPC error, or of the first of several.
fn code(body: &Value) -> i64 {
    let first = body.get(0).unwrap_or(body);
    first["error"]["code"].as_i64().unwrap_or_default()
}

/// A call of a tool, as text.
fn call(id: u32, tool: &str, arguments: &Value) -> String {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()
}
