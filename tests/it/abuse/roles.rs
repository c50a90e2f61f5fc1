//! A key for reading sees everything and changes nothing, whatever it calls and however.

use serde_json::{Value, json};

use crate::abuse::wire::{Answer, request};
use crate::abuse::{KEY, OTHER, READER, Target, call};
use crate::harness::Home;

/// A daemon for which `KEY` and `OTHER` operate and `READER` reads.
async fn target() -> Target {
    Target::start_in(Home::new().with("LUKHAS_MCP_READ_API_KEYS", READER)).await
}

fn post_as(target: &Target, key: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut all = vec![("X-API-Key", key), ("Content-Type", "application/json")];
    all.extend(headers);
    target.send(&request("POST", "/mcp", &all, body.as_bytes())).unwrap()
}

/// Every tool that `key` is shown, and whether it says that it only reads.
fn listed(target: &Target, key: &str) -> Vec<(String, bool)> {
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let answer = post_as(target, key, &[], list).json();
    let tools = answer["result"]["tools"].as_array().unwrap().iter();
    let row = |tool: &Value| {
        let reads = tool["annotations"]["readOnlyHint"].as_bool().unwrap();
        (tool["name"].as_str().unwrap().to_owned(), reads)
    };
    tools.map(row).collect()
}

fn is_refused_for_its_role(result: &Value) -> bool {
    let said = result["content"][0]["text"].as_str().unwrap_or_default();
    result["isError"] == true && said.contains("needs a key with the role operate")
}

#[tokio::test]
async fn a_key_for_reading_calls_what_reads_and_nothing_else() {
    let mut target = target().await;
    let all = listed(&target, KEY);
    let reading: Vec<_> = all.iter().filter(|(_, reads)| *reads).cloned().collect();
    assert_eq!(listed(&target, READER), reading);
    assert!(all.iter().any(|(name, _)| name == "run_eval"), "{all:?}");
    for (tool, reads) in &all {
        for arguments in [json!({}), json!({ "id": 1 }), json!([])] {
            for revision in [&[][..], &[("MCP-Protocol-Version", "2025-11-25")]] {
                let row = format!("{tool} {arguments} {revision:?}");
                let body = call(7, tool, &arguments);
                let answer = post_as(&target, READER, revision, &body);
                target.tells_nothing(&row, &answer);
                let answer = answer.json();
                assert_eq!(answer["id"], 7, "{row}");
                let refused = is_refused_for_its_role(&answer["result"]);
                assert_eq!(refused, !reads, "{row}: {answer}");
            }
        }
        target.is_well_after(tool);
    }
    let metrics = target.daemon.get("/metrics").send().await.unwrap().text().await.unwrap();
    for (tool, _) in all.iter().filter(|(_, reads)| !reads) {
        let counted =
            format!(r#"lukhas_mcp_tool_calls_total{{tool="{tool}",outcome="refused"}} 6"#);
        assert!(metrics.contains(&counted), "{counted}");
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn no_way_of_calling_is_a_way_around_the_role() {
    let target = target().await;
    let valid = json!({ "taskId": "quick", "configId": "default" });
    let run = call(1, "run_eval", &valid);
    let promote = call(2, "promote_model", &json!({ "modelId": "m", "gate": "g", "dryRun": true }));
    let batch = post_as(&target, READER, &[], &format!("[{run},{promote}]")).json();
    for answer in batch.as_array().unwrap() {
        assert!(is_refused_for_its_role(&answer["result"]), "{answer}");
    }
    let both = [("Authorization", &*format!("Bearer {KEY}"))];
    assert_eq!(post_as(&target, READER, &both, &run).status, 401, "two keys are none");
    let quiet = run.replace(r#""id":1,"#, "");
    assert_eq!(post_as(&target, READER, &[], &quiet).status, 202);
    assert_eq!(target.jobs().await, 0);
    assert_eq!(post_as(&target, OTHER, &[], &run).status, 200);
    assert_eq!(target.jobs().await, 1);
    target.leaks_nothing().await;
}

#[tokio::test]
async fn a_key_for_reading_reads_streams_metrics_and_evidence() {
    let target = target().await;
    for path in ["/metrics", "/evidence/export?from=1d", "/sse?topic=jobs"] {
        let mut wire = target.connect();
        wire.send(&request("GET", path, &[("X-API-Key", READER)], b""));
        assert_eq!(wire.head().unwrap().status, 200, "{path}");
    }
    let mut wire = target.connect();
    wire.send(&request("GET", &format!("/sse?topic=jobs&key={READER}"), &[], b""));
    assert_eq!(wire.head().unwrap().status, 200);
    target.leaks_nothing().await;
}

#[test]
fn a_key_has_one_role() {
    let home = Home::new()
        .with("LUKHAS_MCP_API_KEYS", &format!("{KEY},{OTHER}"))
        .with("LUKHAS_MCP_READ_API_KEYS", &format!("{READER},{OTHER}"));
    let ended = home.command(&["serve", "--port", "0"]).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.contains("LUKHAS_MCP_READ_API_KEYS") && !said.contains(OTHER), "{said}");
}
