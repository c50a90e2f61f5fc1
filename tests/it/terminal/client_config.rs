//! What is printed for each client can be read by it, works, and holds no key.

use std::process::Output;

use serde_json::Value;

use super::{ended, run};
use crate::harness::Home;

const KEY: &str = "a-key-that-must-not-show";
const URL: &str = "https://mcp.example/base";

/// The clients, and whether each reads TOML.
const CLIENTS: [(&str, bool); 7] = [
    ("chatgpt", true),
    ("claude-code", false),
    ("claude-desktop", false),
    ("vscode", false),
    ("cursor", false),
    ("gemini-cli", false),
    ("codex-cli", true),
];

async fn printed(home: &Home, arguments: &[&str]) -> Output {
    let mut command = home.command(&[&["client-config"], arguments].concat());
    command.env("LUKHAS_MCP_API_KEY", KEY).env("HOME", home.path());
    run(command).await
}

#[tokio::test]
async fn what_is_printed_can_be_read_and_the_rest_is_said() {
    let home = Home::new();
    for (client, is_toml) in CLIENTS {
        let output = printed(&home, &[client, "--url", URL, "--name", "evals"]).await;
        let text = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.starts_with("lukhas-mcp: put this"), "{said}");
        assert!(!text.contains(KEY) && !said.contains(KEY), "{client}: {text}{said}");
        let settings: Value = if is_toml {
            toml::from_str(&text).unwrap()
        } else {
            serde_json::from_str(&text).unwrap()
        };
        let settings = settings.to_string();
        assert!(settings.contains(URL), "{client}: {settings}");
        assert!(client == "chatgpt" || settings.contains("\"evals\""), "{client}: {settings}");
    }
}

#[tokio::test]
async fn what_is_printed_for_chatgpt_are_settings_of_the_daemon() {
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", "right");
    let output = printed(&home, &["chatgpt", "--url", URL]).await;
    std::fs::write(home.path().join("lukhas-mcp.toml"), output.stdout).unwrap();
    let settings = run(home.command(&["config", "print"])).await;
    let text = String::from_utf8(settings.stdout).unwrap();
    assert!(settings.status.success() && text.contains(URL), "{text}");
    let line = ended(&printed(&home, &["chatgpt", "--url", "http://127.0.0.1:1"]).await, 3);
    assert!(line.contains("https"), "{line}");
}

#[tokio::test]
async fn without_an_address_it_is_that_of_the_settings() {
    let home = Home::new();
    let output = printed(&home, &["cursor", "--port", "4711"]).await;
    let settings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let server = &settings["mcpServers"]["lukhas-mcp"];
    assert_eq!(server["url"], "http://127.0.0.1:4711/mcp");
    for wrong in [&["cursor", "--name", "a b"][..], &["emacs"], &[]] {
        assert_eq!(printed(&home, wrong).await.status.code(), Some(2), "{wrong:?}");
    }
}

/// As a client does that starts what it is told to start, with the environment that it is told.
#[tokio::test]
async fn what_claude_desktop_is_told_to_start_is_the_bridge() {
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", "right");
    let daemon = home.start().await;
    let output = printed(&home, &["claude-desktop", "--url", &daemon.url]).await;
    let settings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let server = &settings["mcpServers"]["lukhas-mcp"];
    let key_file = server["env"]["LUKHAS_MCP_API_KEY_FILE"].as_str().unwrap();
    std::fs::create_dir_all(std::path::Path::new(key_file).parent().unwrap()).unwrap();
    std::fs::write(key_file, "right\n").unwrap();

    let mut command = std::process::Command::new(server["command"].as_str().unwrap());
    command
        .args(server["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap()))
        .env_clear()
        .env("LUKHAS_MCP_API_KEY_FILE", key_file)
        .stdin(std::process::Stdio::piped());
    let line = home.path().join("line");
    std::fs::write(&line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n").unwrap();
    command.stdin(std::fs::File::open(line).unwrap());
    let output = run(command).await;
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["result"], serde_json::json!({}), "{answer}");
}
