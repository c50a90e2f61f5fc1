//! 2026-07-28: each request by itself.

use serde_json::{Value, json};

use crate::harness::Home;
use crate::mcp::client::{STATELESS, Stateless, answer, messages};

#[tokio::test]
async fn every_result_says_its_kind_its_server_and_how_long_it_holds() {
    let home = Home::new();
    let daemon = home.start().await;
    let client = Stateless::new(&daemon, json!({}));
    for (method, params, scope) in [
        ("server/discover", json!({}), Some("public")),
        ("tools/list", json!({}), Some("private")),
        ("resources/list", json!({}), Some("private")),
        ("resources/templates/list", json!({}), Some("public")),
        ("prompts/list", json!({}), Some("public")),
        ("tools/call", json!({ "name": "list_jobs" }), None),
    ] {
        let answer = client.ask(method, params).await;
        let result = answer.result();
        assert_eq!((answer.status, &result["resultType"]), (200, &json!("complete")), "{method}");
        let server = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
        assert_eq!(server["name"], "lukhas-mcp", "{method}");
        assert_eq!(result["cacheScope"].as_str(), scope, "{method}");
        assert_eq!(result["ttlMs"].is_u64(), scope.is_some(), "{method}");
    }
    let discovered = client.ask("server/discover", json!({})).await;
    let discovered = discovered.result();
    assert!(discovered["supportedVersions"].as_array().unwrap().contains(&json!(STATELESS)));
    let capabilities = &discovered["capabilities"];
    assert_eq!(capabilities["extensions"]["io.modelcontextprotocol/tasks"], json!({}));
    assert_eq!(capabilities.get("tasks"), None);
    assert_eq!(capabilities["tools"]["listChanged"], false);
}

#[tokio::test]
async fn methods_of_sessions_are_gone() {
    let home = Home::new();
    let daemon = home.start().await;
    let client = Stateless::new(&daemon, json!({}));
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "tasks/list",
        "tasks/result",
        "nothing/like/it",
    ] {
        let answer = client.ask(method, json!({})).await;
        assert_eq!((answer.status, answer.code(), &answer.body["id"]), (404, -32601, &json!(7)));
    }
    for method in [reqwest::Method::GET, reqwest::Method::DELETE] {
        let request = reqwest::Client::new().request(method.clone(), format!("{}/mcp", daemon.url));
        let request = request.header("Accept", "text/event-stream");
        let sent = request.header("MCP-Protocol-Version", STATELESS).send().await.unwrap();
        assert_eq!(sent.status(), 405, "{method}");
    }
}

/// H30
#[tokio::test]
async fn headers_say_what_the_body_says() {
    let home = Home::new();
    let daemon = home.start().await;
    let client = Stateless::new(&daemon, json!({}));
    let params = client.params(json!({ "name": "list_jobs", "arguments": {} }), &json!({}));
    let call = json!({ "jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": params });
    let all = [
        ("MCP-Protocol-Version", STATELESS),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "list_jobs"),
    ];
    let send = async |headers: &[(&str, &str)], body: &Value| {
        let mut request = daemon.post(body.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.send().await.unwrap()).await
    };
    assert_eq!(send(&all, &call).await.status, 200);
    let encoded = [all[0], all[1], ("mcp-name", "=?base64?bGlzdF9qb2Jz?=")];
    assert_eq!(send(&encoded, &call).await.status, 200);
    for n in 0..all.len() {
        let mut one_less = all.to_vec();
        one_less.remove(n);
        let answer = send(&one_less, &call).await;
        assert_eq!((answer.status, answer.code()), (400, -32020), "without {}", all[n].0);
        assert_eq!(answer.body["id"], "a");
        let mut another = all.to_vec();
        another[n].1 = "another";
        let answer = send(&another, &call).await;
        assert_eq!((answer.status, answer.code()), (400, -32020), "another {}", all[n].0);
        // The same header twice, with two values.
        let mut twice = all.to_vec();
        twice.push((all[n].0, "another"));
        let answer = send(&twice, &call).await;
        assert_eq!((answer.status, answer.code()), (400, -32020), "two of {}", all[n].0);
    }
    let mut unserved = call.clone();
    unserved["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    let answer = send(&[("MCP-Protocol-Version", "2099-01-01"), all[1], all[2]], &unserved).await;
    assert_eq!((answer.status, answer.code()), (400, -32022));
    assert_eq!(answer.body["error"]["data"]["requested"], "2099-01-01");
    for missing in ["protocolVersion", "clientCapabilities"] {
        let mut incomplete = call.clone();
        let meta = incomplete["params"]["_meta"].as_object_mut().unwrap();
        meta.remove(&format!("io.modelcontextprotocol/{missing}"));
        let answer = send(&all, &incomplete).await;
        assert_eq!((answer.status, answer.code()), (400, -32602), "without {missing}");
    }
}

#[tokio::test]
async fn a_session_is_neither_given_nor_looked_at() {
    let home = Home::new();
    let daemon = home.start().await;
    let client = Stateless::new(&daemon, json!({}));
    let request = client.request(&json!(1), "tools/list", json!({}), &json!({}));
    let sent = request.header("Mcp-Session-Id", "nobody's").send().await.unwrap();
    assert_eq!(sent.status(), 200);
    assert!(!sent.headers().contains_key("mcp-session-id"));
}

#[tokio::test]
async fn progress_and_messages_come_to_who_asked_for_them() {
    let home = Home::new();
    home.task("slow", r#"sleep 0.4; printf '{"metrics":{"a":{"value":1}}}' > {result}"#);
    let daemon = home.start().await;
    let client = Stateless::new(&daemon, json!({}));
    let wait = async |meta: Value| {
        let job = daemon.run_eval("slow").await;
        let arguments = json!({ "jobId": job, "waitSeconds": 20 });
        let params = json!({ "name": "status", "arguments": arguments });
        let sent = client.request(&json!(3), "tools/call", params, &meta).send().await.unwrap();
        let is_stream = sent.headers()["content-type"] == "text/event-stream";
        (is_stream, sent.text().await.unwrap())
    };
    let (is_stream, text) = wait(json!({})).await;
    assert!(!is_stream, "nobody asked: {text}");
    let silent: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(silent["result"]["structuredContent"]["status"], "COMPLETED");
    let (is_stream, text) =
        wait(json!({ "progressToken": "mine", "io.modelcontextprotocol/logLevel": "debug" })).await;
    assert!(is_stream);
    let messages = messages(&text);
    let (last, before) = messages.split_last().unwrap();
    assert_eq!(last["result"]["structuredContent"]["status"], "COMPLETED");
    assert_eq!(last["id"], 3);
    let told =
        |method: &str| before.iter().filter(|one| one["method"] == method).collect::<Vec<_>>();
    let progress = told("notifications/progress");
    assert!(!progress.is_empty(), "{before:?}");
    assert!(progress.iter().all(|one| one["params"]["progressToken"] == "mine"));
    let steps: Vec<f64> =
        progress.iter().map(|one| one["params"]["progress"].as_f64().unwrap()).collect();
    assert!(steps.is_sorted_by(|one, next| one < next), "{steps:?}");
    assert!(!told("notifications/message").is_empty(), "{before:?}");
}
