//! `search`: what is found, in which order, and that its ids lead to documents.

use serde_json::{Value, json};

use super::Site;
use crate::harness::PATIENCE;

/// Searches until a file is found: the index, or the scan, may be a moment behind the disk.
async fn until_found(site: &Site, query: &str, path: &str) -> Value {
    let began = std::time::Instant::now();
    loop {
        let found = site.call("search", json!({ "query": query })).await.answered();
        if found["hits"].as_array().unwrap().iter().any(|hit| hit["path"] == path) {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{query} never found {path}: {found}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn files_are_found_by_what_they_hold_and_their_ids_are_fetched() {
    let site = Site::start().await;
    site.put("src/deep/parser.rs", "//! Reads.\n\npub fn parse_the_frobnicator() {}\n");
    site.put("docs/guide.md", "# Guide\n\nHow to frobnicate a whole thing.\n");
    let found = until_found(&site, "parse_the_frobnicator", "src/deep/parser.rs").await;
    let (hit, result) = (&found["hits"][0], &found["results"][0]);
    assert_eq!(
        (&hit["path"], &hit["line"], &hit["type"]),
        (&json!("src/deep/parser.rs"), &json!(3), &json!("file"))
    );
    assert!(hit["snippet"].as_str().unwrap().contains("pub fn parse_the_frobnicator"), "{hit}");
    assert_eq!((&result["id"], &found["ids"][0]), (&hit["id"], &hit["id"]));
    assert!(result["url"].as_str().unwrap().ends_with("/repo/src/deep/parser.rs"), "{result}");
    let fetched = site.call("fetch", json!({ "id": result["id"] })).await.answered();
    assert_eq!(fetched["metadata"]["path"], "src/deep/parser.rs");
    // What our own tools write is found at once.
    let write = json!({ "path": "docs/new.md", "contents": "A zyzzyva appears.\n" });
    site.call("write_file", write).await.answered();
    until_found(&site, "zyzzyva", "docs/new.md").await;
    until_found(&site, "\"whole thing\" ext:md", "docs/guide.md").await;
    let nothing = site.call("search", json!({ "query": "qqqqxxxxyyyy" })).await.answered();
    assert_eq!(nothing, json!({ "results": [], "ids": [], "hits": [], "complete": true }));
}

#[tokio::test]
async fn a_name_leads_to_what_is_called_so() {
    let site = Site::start().await;
    let job = site.daemon.run_eval("quick").await;
    site.daemon.until(&job, &["COMPLETED"]).await;
    for model in ["adder:3", "adder:4"] {
        let promote = json!({ "modelId": model, "gate": "production" });
        site.daemon.ask("promote_model", promote).await;
    }
    site.put("docs/quick.md", "The task quick is quick.\n");
    for (query, id, kind) in [
        (job.as_str(), job.as_str(), "job"),
        ("quick", &job, "job"),
        ("adder:3", "adder:3", "model"),
        ("adder", "adder:3", "model"),
    ] {
        let found = site.call("search", json!({ "query": query })).await.answered();
        assert_eq!(
            (&found["ids"][0], &found["hits"][0]["type"]),
            (&json!(id), &json!(kind)),
            "{query}: {found}"
        );
        let url = found["results"][0]["url"].as_str().unwrap();
        assert!(url.contains("/documents/"), "{url}");
        site.call("fetch", json!({ "id": id })).await.answered();
    }
    let one = site.call("search", json!({ "query": "adder", "limit": 1 })).await.answered();
    assert_eq!(one["ids"], json!(["adder:3"]));
    let found = until_found(&site, "quick", "docs/quick.md").await;
    assert_eq!(found["ids"][0], job);
}

#[tokio::test]
async fn a_search_says_what_it_cannot_do() {
    let site = Site::start().await;
    for (call, part) in [
        (json!({}), "query"),
        (json!({ "query": "" }), "empty"),
        (json!({ "query": "  " }), "empty"),
        (json!({ "query": "x".repeat(2000) }), "bytes"),
        (json!({ "query": "re:(" }), "re:"),
        (json!({ "query": "\"open" }), "quotation mark"),
        (json!({ "query": "x", "limit": 0 }), "limit"),
        (json!({ "query": "x", "limit": 51 }), "limit"),
        (json!({ "query": ["x"] }), "query"),
    ] {
        let said = site.call("search", call).await.invalid();
        assert!(said.contains(part), "{said}");
    }
    let with_more = json!({ "query": "x", "top_k": 3, "recency_days": 1 });
    site.call("search", with_more).await.answered();
    let listed = site.daemon.rpc("tools/list", json!({})).await;
    let tools = &listed["result"]["tools"];
    assert_eq!((&tools[0]["name"], &tools[1]["name"]), (&json!("search"), &json!("fetch")));
    assert_eq!(tools[0]["inputSchema"]["required"], json!(["query"]));
    assert_eq!(tools[1]["inputSchema"]["required"], json!(["id"]));
}

#[tokio::test]
async fn secrets_are_not_found() {
    let site = Site::start().await;
    site.put(".env", "PASSWORD=correcthorsebattery\n");
    site.put("a/server.pem", "correcthorsebattery\n");
    site.put("seen.md", "correcthorsebattery is a word\n");
    let found = until_found(&site, "correcthorsebattery", "seen.md").await;
    assert_eq!(found["ids"].as_array().unwrap().len(), 1, "P16 {found}");
    for query in [".env", "server.pem", "path:.env", "ext:pem", "mcp-state"] {
        let found = site.call("search", json!({ "query": query })).await.answered();
        assert!(!found["hits"].to_string().contains("correcthorse"), "P16 {query}: {found}");
    }
}
