//! What is said about the server to who has not met it: the card that the daemon serves, and the file
//! for registries.

use std::path::Path;

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::client::Stateless;
use crate::harness::Home;

const CARD: &str = "/mcp/server-card";

fn json_in(file: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// Checks a document by a published schema, and that the schema refuses something.
#[track_caller]
fn is_by(schema: &str, document: &Value) {
    let schema = json_in(&format!("tests/fixtures/schemas/{schema}.schema.json"));
    let schema = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<_> = schema.iter_errors(document).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut nameless = document.clone();
    nameless["name"] = json!("nameless");
    assert!(!schema.is_valid(&nameless));
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers[name].to_str().unwrap()
}

#[tokio::test]
async fn the_card_says_what_the_server_says() {
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", "right");
    let daemon = home.start().await;
    // Nobody needs a key to look, and any page may.
    let sent = daemon.get(CARD).header("Origin", "https://elsewhere.example").send().await.unwrap();
    assert_eq!(sent.status(), 200);
    let headers = sent.headers().clone();
    assert_eq!(header(&headers, "content-type"), "application/mcp-server-card+json");
    assert_eq!(header(&headers, "access-control-allow-origin"), "*");
    assert_eq!(header(&headers, "cache-control"), "public, max-age=3600");
    let card: Value = sent.json().await.unwrap();
    is_by("server-card", &card);
    assert_eq!(card["remotes"][0]["url"], format!("{}/mcp", daemon.url));

    let daemon = daemon.with_key("right");
    let client = Stateless::new(&daemon, json!({}));
    let answer = client.ask("server/discover", json!({})).await;
    let server = answer.result();
    let remote = &card["remotes"][0];
    assert_eq!(remote["supportedProtocolVersions"], server["supportedVersions"]);
    let info = &server["_meta"]["io.modelcontextprotocol/serverInfo"];
    assert_eq!(card["version"], info["version"]);
    assert_eq!(card["title"], info["title"]);
    let name = card["name"].as_str().unwrap().split('/').next_back().unwrap();
    assert_eq!(info["name"], name);

    let tag = header(&headers, "etag");
    let again = daemon.get(CARD).header("If-None-Match", tag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    assert_eq!(header(again.headers(), "etag"), tag);
    assert!(again.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_card_names_the_address_that_was_asked_or_the_public_one() {
    let home = Home::new().with("LUKHAS_MCP_ALLOWED_HOSTS", "daemon.internal");
    let daemon = home.start().await;
    let asked = async |host: &str| {
        let sent = daemon.get(CARD).header("Host", host).send().await.unwrap();
        let status = sent.status().as_u16();
        (status, sent.json::<Value>().await.unwrap()["remotes"][0]["url"].clone())
    };
    let (status, url) = asked("daemon.internal:99").await;
    assert_eq!((status, url), (200, json!("http://daemon.internal:99/mcp")));
    assert_eq!(asked("evil.example").await, (403, Value::Null));

    let home = home.with("MCP_PUBLIC_BASE_URL", "https://mcp.example/base/");
    let daemon = home.start().await;
    let card: Value = daemon.get(CARD).send().await.unwrap().json().await.unwrap();
    assert_eq!(card["remotes"][0]["url"], "https://mcp.example/base/mcp");
}

#[tokio::test]
async fn the_card_costs_who_asks_too_often() {
    let home = Home::new().with("MCP_RL_BUCKET", "5");
    let daemon = home.start().await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(daemon.get(CARD).send().await.unwrap().status().as_u16());
    }
    assert_eq!(statuses[0], 200);
    assert_eq!(statuses[7], 429, "{statuses:?}");
}

#[tokio::test]
async fn the_file_for_registries_is_by_its_schema_and_of_this_version() {
    let file = json_in("server.json");
    is_by("server", &file);
    assert_eq!(file["version"], env!("CARGO_PKG_VERSION"));
    let home = Home::new();
    let daemon = home.start().await;
    let card: Value = daemon.get(CARD).send().await.unwrap().json().await.unwrap();
    for member in ["name", "title", "description", "version"] {
        assert_eq!(file[member], card[member], "{member}");
    }
    let remote = &file["remotes"][0];
    let address = remote["variables"]["address"]["default"].as_str().unwrap();
    let url = remote["url"].as_str().unwrap().replace("{address}", address);
    assert_eq!(url, "http://127.0.0.1:8766/mcp");
    assert_eq!(remote["headers"][0]["isSecret"], true);
}
