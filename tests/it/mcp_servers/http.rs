//! Servers over streamable HTTP: the daemon itself, and nobody.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use lukhas_mcp::config::chat::{McpServersSettings, Transport};
use lukhas_mcp::mcp_servers::{CallOptions, ToolCallError};
use serde_json::json;
use url::Url;

use super::bench::{Bench, arguments};
use crate::harness::Home;

/// Makes of the server one at an address.
pub(super) fn at(url: &str, key: &str) -> impl FnOnce(&mut McpServersSettings) + use<> {
    let url: Url = url.parse().unwrap();
    let headers = BTreeMap::from([("X-API-Key".to_owned(), key.to_owned().into())]);
    move |settings| {
        settings.servers[1].transport = Transport::Http { url, headers };
        settings.connection.ping_timeout = Duration::from_millis(500);
    }
}

#[actix::test]
async fn the_daemon_is_a_server_like_any_other() {
    let key = "a-key-that-is-long-enough-for-one";
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", key);
    let daemon = home.start().await;
    let url = format!("{}/mcp", daemon.url);
    let bench = Bench::with(&[], at(&url, key)).await;
    let view = bench.until("ready").await;
    assert_eq!(view.protocol_version.as_deref(), Some("2026-07-28"));
    assert!(view.quarantined.is_empty() && 20 < view.tools, "{view:?}");
    let (tool, options) = (bench.tool("list_jobs"), CallOptions::default);
    let jobs = bench.servers.call(&tool, arguments(json!({})), options()).await.unwrap();
    assert!(jobs.structured.is_some() && !jobs.is_error, "{jobs:?}");

    daemon.kill();
    // Nobody listens any more, so it is certain that nothing was done.
    let lost = bench.servers.call(&tool, arguments(json!({})), options()).await.unwrap_err();
    assert!(matches!(lost, ToolCallError::NotSent(_)), "{lost}");
    let view = bench.until("backoff").await;
    assert!(!bench.servers.catalogue().find_origin("faults", "list_jobs").unwrap().is_available);
    assert_eq!(view.failures, 1);
    bench.until("failed").await;
    assert!(bench.servers.catalogue().find_origin("faults", "list_jobs").is_none());
    bench.stop().await;

    let stranger = home.start().await;
    let url = format!("{}/mcp", stranger.url);
    let bench = Bench::with(&[], at(&url, "another-key-than-the-daemon-has")).await;
    let view = bench.until("failed").await;
    let why = view.last_error.unwrap();
    assert!(!why.contains("key") && !why.contains("http"), "{why}");
    bench.stop().await;
}

#[actix::test]
async fn an_address_where_nobody_listens_is_tried_on() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let bench = Bench::with(&[], at(&format!("http://127.0.0.1:{port}/mcp"), "k")).await;
    let why = bench.until("failed").await.last_error.unwrap();
    assert_eq!(why, "it cannot be reached");
    bench.stop().await;
    let bench = Bench::with(&[], at("http://mcp.example/mcp", "k")).await;
    let why = bench.until("failed").await.last_error.unwrap();
    assert!(why.contains("must be https"), "{why}");
    bench.stop().await;
}
