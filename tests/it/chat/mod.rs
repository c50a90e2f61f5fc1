//! The chat as its users have it: the real binary, a provider and an MCP server on real sockets and
//! pipes, and the tools with which people talk and decide.

mod by_tools;
mod killed;
mod provider;
mod storm;
mod whole;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};
use tokio::time::Instant;

use self::provider::Provider;
use crate::harness::{Daemon, Home, PATIENCE};

/// A home whose daemon has a chat with this provider, and a server `files` whose tool `append` is
/// allowed and `ask_append` is asked about. `more` goes to the end of `config.yaml`.
pub fn home(provider: &Provider, more: &str) -> Home {
    let home = Home::new();
    let path = home.path().to_owned();
    let config = format!(
        "llm:\n  active: local\n  providers:\n    local:\n      base_url: \
         http://127.0.0.1:{}/v1\n      model: fake-1\n{more}",
        provider.port
    );
    put(&path.join("config.yaml"), &config);
    let script = path.join("counting_server.py");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/counting_server.py");
    std::fs::copy(source, &script).unwrap();
    let servers = json!({ "mcpServers": { "files": {
        "command": "python3",
        "args": [script, path.join("counted")],
        "tools": { "append": "allow", "ask_append": "ask", "peek": "allow" },
    } } });
    put(&path.join("servers_config.json"), &servers.to_string());
    let config = path.join("config.yaml");
    home.with("LUKHAS_MCP_CHAT_CONFIG", config.to_str().unwrap())
}

/// Writes a file that nobody else can write.
fn put(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// What the server `files` was told, line by line.
pub fn counted(home: &Home) -> Vec<String> {
    let text = std::fs::read_to_string(home.path().join("counted")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Whether the machine has what the server is written in.
pub fn has_python() -> bool {
    let ran = std::process::Command::new("python3").arg("--version").output();
    ran.is_ok_and(|ran| ran.status.success())
}

/// Says something and waits for the answer.
pub async fn say(daemon: &Daemon, conversation: &str, request: &str, text: &str) -> Value {
    let call = json!({ "conversationId": conversation, "requestId": request, "text": text });
    daemon.ask("send_message", call).await
}

/// Waits until a server's tool can be called.
pub async fn until_connected(daemon: &Daemon) {
    let began = Instant::now();
    for n in 0.. {
        let answer = say(daemon, "probe", &format!("probe-{n}"), "call files__peek {}").await;
        if answer["answer"].as_str().unwrap().contains("It says: [") {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "the server is not connected: {answer}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
