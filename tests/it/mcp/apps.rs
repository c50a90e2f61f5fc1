//! MCP Apps: which clients are told of the page, and what they get when they ask for it.

use serde_json::{Value, json};

use crate::harness::Home;
use crate::mcp::client::{Session, Stateless};

const PAGE: &str = "ui://lukhas/cockpit.html";

fn apps() -> Value {
    let settings = json!({ "mimeTypes": ["text/html;profile=mcp-app"] });
    json!({ "extensions": { "io.modelcontextprotocol/ui": settings } })
}

/// The tools that name a page.
fn opening(tools: &Value) -> Vec<&str> {
    let tools = tools["tools"].as_array().unwrap();
    let names_it = |tool: &&Value| tool["_meta"]["ui"]["resourceUri"] == PAGE;
    tools.iter().filter(names_it).map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_page_belongs_to_tools_for_whoever_may_show_it() {
    let home = Home::new();
    let daemon = home.start().await;
    let other = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    for (capabilities, told) in [(apps(), true), (json!({}), true), (other, false)] {
        let client = Stateless::new(&daemon, capabilities.clone());
        let listed = client.ask("tools/list", json!({})).await;
        let opens = opening(listed.result());
        assert_eq!(opens.contains(&"canary_status"), told, "{capabilities}");
        assert!(!opens.contains(&"abort_canary") && !opens.contains(&"search"));
        let session = Session::begin(&daemon, capabilities.clone()).await;
        let listed = session.ask("tools/list", json!({})).await;
        assert_eq!(!opening(listed.result()).is_empty(), told, "{capabilities}");
    }
    // Who never introduced itself gets what it always got.
    let listed = daemon.rpc("tools/list", json!({})).await;
    assert!(!listed.to_string().contains("_meta"));
}

#[tokio::test]
async fn the_extension_is_announced_in_every_revision() {
    let home = Home::new();
    let daemon = home.start().await;
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": apps() });
    let hello = daemon.rpc("initialize", params).await;
    let found = Stateless::new(&daemon, apps()).ask("server/discover", json!({})).await;
    for capabilities in [&hello["result"]["capabilities"], &found.result()["capabilities"]] {
        assert_eq!(capabilities["extensions"]["io.modelcontextprotocol/ui"], json!({}));
    }
}

#[tokio::test]
async fn a_reader_gets_the_page_and_may_keep_it() {
    let home = Home::new().with("LUKHAS_MCP_READ_API_KEYS", "reader");
    let daemon = home.start().await.with_key("reader");
    let client = Stateless::new(&daemon, apps());
    let read = client.ask("resources/read", json!({ "uri": PAGE })).await;
    let result = read.result();
    assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(300_000), &json!("public")));
    let page = &result["contents"][0];
    assert_eq!(page["mimeType"], "text/html;profile=mcp-app");
    assert_eq!(page["_meta"], json!({ "ui": { "prefersBorder": true } }));
    assert!(page["text"].as_str().unwrap().starts_with("<!doctype html>"));
    let listed = client.ask("resources/list", json!({})).await;
    let resources = listed.result()["resources"].as_array().unwrap();
    let listed = resources.iter().find(|resource| resource["uri"] == PAGE).unwrap();
    assert_eq!(listed["mimeType"], page["mimeType"]);
    let missing = client.ask("resources/read", json!({ "uri": "ui://lukhas/else.html" })).await;
    assert_eq!(missing.code(), -32602);
}
