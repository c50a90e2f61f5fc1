//! Servers that others made. `tests/slow/mcp-servers/run` says which there are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use lukhas_mcp::config::chat::{McpServerSettings, McpServersSettings, Transport};
use lukhas_mcp::mcp_servers::{CallOptions, NotSent, ToolCallError};
use serde_json::json;

use super::bench::{Bench, arguments, stdio};

/// Reads a line: a name, a revision, and how the server is reached.
fn settings(line: &str) -> (McpServerSettings, String) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, revision, kind, at, args @ ..] = words.as_slice() else { panic!("{line}") };
    let transport = match *kind {
        "http" => Transport::Http { url: at.parse().unwrap(), headers: BTreeMap::new() },
        _ => Transport::Stdio {
            command: (*at).into(),
            args: args.iter().map(|one| (*one).to_owned()).collect(),
            env: BTreeMap::new(),
            cwd: None,
        },
    };
    let settings = McpServerSettings { transport, ..stdio(name, &[], "/".as_ref()) };
    (settings, (*revision).to_owned())
}

async fn python(bench: &Bench) {
    let (servers, options) = (&bench.servers, CallOptions::default);
    let sum = bench.tool("add");
    let two = servers.call(&sum, arguments(json!({ "a": 2 })), options()).await.unwrap();
    assert!(two.text.contains('2') && !two.is_error, "{two:?}");
    let five = servers.call(&sum, arguments(json!({ "a": 2, "b": 3 })), options()).await.unwrap();
    assert!(five.text.contains('5'), "{five:?}");
    let wrong = servers.call(&sum, arguments(json!({ "a": "x" })), options()).await;
    assert!(matches!(wrong, Err(ToolCallError::NotSent(NotSent::Arguments(_)))), "{wrong:?}");
    let seen = Arc::new(Mutex::new(0));
    let sink = Arc::clone(&seen);
    let progress: lukhas_mcp::mcp_servers::OnProgress =
        Arc::new(move |_| *sink.lock().unwrap() += 1);
    let telling = CallOptions { progress: Some(progress), ..options() };
    let slow = servers.call(&bench.tool("slow"), arguments(json!({ "steps": 3 })), telling).await;
    assert_eq!(slow.unwrap().text.trim_matches('"').lines().next(), Some("done"));
    assert!(0 < *seen.lock().unwrap(), "no progress was told");
    let with = arguments(json!({ "path": "a.rs" }));
    let messages = servers.prompt("faults", "review", with, options()).await.unwrap();
    assert_eq!(messages[0].text, "Review a.rs.");
    let note = servers.resource("faults", "note://one", options()).await.unwrap();
    assert_eq!(note, "This is one.");
}

async fn everything(bench: &Bench) {
    let (servers, options) = (&bench.servers, CallOptions::default);
    let echo = bench.tool("echo");
    let said = servers.call(&echo, arguments(json!({ "message": "hello" })), options()).await;
    assert!(said.unwrap().text.contains("hello"));
    assert!(!servers.prompts().is_empty());
    let (_, first) = servers.resources().remove(0);
    let text = servers.resource("faults", &first.uri, options()).await.unwrap();
    assert!(!text.is_empty());
}

async fn daemon(bench: &Bench) {
    let tool = bench.tool("list_jobs");
    let jobs = bench.servers.call(&tool, arguments(json!({})), CallOptions::default()).await;
    let jobs = jobs.unwrap();
    assert!(!jobs.is_error && jobs.structured.is_some(), "{jobs:?}");
    assert!(!bench.servers.prompts().is_empty());
}

#[actix::test]
#[ignore = "it needs servers that others made"]
async fn all() {
    let lines = std::fs::read_to_string(std::env::var_os("SERVERS_OF_TEST").unwrap()).unwrap();
    for line in lines.lines() {
        let (server, revision) = settings(line);
        let name = server.name.clone();
        let change = |settings: &mut McpServersSettings| {
            settings.servers[1] = McpServerSettings { name: "faults".to_owned(), ..server };
        };
        let began = Instant::now();
        let bench = Bench::with(&[], change).await;
        let view = bench.until("ready").await;
        let connected = began.elapsed();
        assert_eq!(view.protocol_version.as_deref(), Some(revision.as_str()), "{name}");
        assert!(view.quarantined.is_empty(), "{name}: {:?}", view.quarantined);
        match name.split('_').next().unwrap() {
            "python" => python(&bench).await,
            "everything" => everything(&bench).await,
            _ => daemon(&bench).await,
        }
        let ending = Instant::now();
        bench.stop().await;
        println!(
            "{name}: {revision}, {} tools, connected in {connected:?}, ended in {:?}",
            view.tools,
            ending.elapsed(),
        );
    }
}
