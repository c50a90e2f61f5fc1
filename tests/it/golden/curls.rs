//! CONTRACT §1 to §3 and §6: what a curl sees.

use std::collections::HashSet;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::golden::text;
use crate::harness::{Daemon, Home, read_until};

async fn send(daemon: &Daemon, method: Method, path: &str, accept: Option<&str>) -> Response {
    let mut request = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
        .request(method, format!("{}{path}", daemon.url));
    if let Some(accept) = accept {
        request = request.header("Accept", accept);
    }
    request.send().await.unwrap()
}

fn kind(answer: &Response) -> &str {
    answer.headers()["content-type"].to_str().unwrap()
}

#[tokio::test]
async fn a_curl_without_accept_initialize_or_session_gets_plain_json() {
    let home = Home::new();
    let daemon = home.start().await;
    let answer =
        daemon.post(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).send().await.unwrap();
    assert_eq!((answer.status(), kind(&answer)), (StatusCode::OK, "application/json"));
    let body: Value = answer.json().await.unwrap();
    assert_eq!((&body["jsonrpc"], &body["id"]), (&json!("2.0"), &json!(1)));
    // Clients of the protocol accept both, and get JSON where nothing precedes the result.
    let ping = r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#;
    for accept in ["application/json, text/event-stream", "*/*", "application/json"] {
        let answer = daemon.post(ping).header("Accept", accept).send().await.unwrap();
        assert_eq!(kind(&answer), "application/json", "{accept}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body, json!({ "jsonrpc": "2.0", "id": "p", "result": {} }), "{accept}");
    }
    let answer = daemon.post(ping).header("Accept", "text/event-stream").send().await.unwrap();
    assert_eq!(kind(&answer), "text/event-stream");
    assert!(answer.text().await.unwrap().starts_with("event: message\ndata: {\"jsonrpc\""));
}

#[tokio::test]
async fn initialize_echoes_a_known_revision_and_else_names_the_newest() {
    let home = Home::new();
    let daemon = home.start().await;
    for (asked, given) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let params = json!({
            "protocolVersion": asked, "capabilities": {}, "clientInfo": { "name": "a", "version": "1" },
        });
        let result = daemon.rpc("initialize", params).await["result"].clone();
        assert_eq!(result["protocolVersion"], given);
        assert_ne!(result["serverInfo"]["name"].as_str().unwrap(), "");
        assert!(result["capabilities"]["tools"].is_object());
    }
    assert_eq!(daemon.rpc("ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn a_notification_gets_202_and_nothing_else() {
    let home = Home::new();
    let daemon = home.start().await;
    for method in ["notifications/initialized", "notifications/cancelled", "notifications/unknown"]
    {
        let answer = daemon.post(json!({ "jsonrpc": "2.0", "method": method }).to_string());
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED, "{method}");
        assert_eq!(answer.bytes().await.unwrap().len(), 0, "{method}");
    }
}

#[tokio::test]
async fn the_idle_stream_is_there_for_those_who_probe_it() {
    let home = Home::new();
    let daemon = home.start().await;
    let mut answer = send(&daemon, Method::GET, "/mcp", Some("text/event-stream")).await;
    assert_eq!((answer.status(), kind(&answer)), (StatusCode::OK, "text/event-stream"));
    let said = read_until(&mut answer, |text| text.ends_with("\n\n")).await;
    assert!(said.starts_with(':'), "{said}");
    for (method, accept) in
        [(Method::GET, None), (Method::GET, Some("application/json")), (Method::PUT, None)]
    {
        let answer = send(&daemon, method.clone(), "/mcp", accept).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {accept:?}");
        assert_eq!(answer.headers()["allow"], "DELETE, GET, POST", "{method}");
        assert!(answer.json::<Value>().await.unwrap().is_object(), "{method}");
    }
}

#[tokio::test]
async fn health_is_quick_and_says_when_it_ends() {
    let home = Home::new();
    let mut daemon = home.start().await;
    for path in ["/healthz", "/readyz", "/health", "/"] {
        let answer = send(&daemon, Method::HEAD, path, None).await;
        assert_eq!(answer.status(), StatusCode::OK, "HEAD {path}");
        assert_eq!(answer.bytes().await.unwrap().len(), 0, "HEAD {path}");
        let answer = send(&daemon, Method::GET, path, None).await;
        assert_eq!(answer.status(), StatusCode::OK, "GET {path}");
        assert!(answer.json::<Value>().await.unwrap().is_object(), "GET {path}");
    }
    let info: Value = send(&daemon, Method::GET, "/", None).await.json().await.unwrap();
    for key in ["name", "version", "description", "mcp_endpoint"] {
        assert!(info[key].is_string(), "{key}: {info}");
    }
    assert_eq!(info["mcp_endpoint"], "/mcp");
    assert!(info["tools"].as_array().unwrap().contains(&json!("run_eval")), "{info}");
    assert_eq!(daemon.terminate().await.code(), Some(0));
}

#[tokio::test]
async fn what_is_not_there_is_404_with_a_body() {
    let home = Home::new();
    let daemon = home.start().await;
    for path in ["/nothing", "/mcp/", "/sse/x", "/.well-known/oauth-authorization-server"] {
        for method in [Method::GET, Method::DELETE] {
            let answer = send(&daemon, method.clone(), path, None).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{method} {path}");
            let body: Value = answer.json().await.unwrap();
            assert_eq!(
                (&body["error"], &body["mcp_endpoint"]),
                (&json!("Not Found"), &json!("/mcp"))
            );
            assert!(body["message"].is_string(), "{body}");
        }
    }
}

#[tokio::test]
async fn every_tool_is_described_and_refuses_what_it_does_not_know() {
    let home = Home::new();
    let daemon = home.start().await;
    let listed = daemon.rpc("tools/list", json!({})).await["result"].clone();
    assert_eq!(listed.get("nextCursor"), None);
    let tools = listed["tools"].as_array().unwrap();
    let names: HashSet<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), tools.len(), "a name is there twice");
    for tool in tools {
        let name = tool["name"].as_str().unwrap();
        assert!(!tool["title"].as_str().unwrap().is_empty(), "{name}");
        assert!(!tool["description"].as_str().unwrap().is_empty(), "{name}");
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{name}: {hint}");
        }
        let schema = &tool["inputSchema"];
        assert_eq!(schema["type"], "object", "{name}");
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for key in &required {
            assert!(schema["properties"][key].is_object(), "{name}: {key}");
        }

        let mut arguments = json!({ "surprise": 1 });
        for key in &required {
            let form = schema["properties"][key]["pattern"].as_str().unwrap_or_default();
            arguments[*key] = match *key {
                "canaryId" => json!("canary_x"),
                "policy" => json!({}),
                "expectSha256" => json!("0".repeat(64)),
                _ => json!(if form.is_empty() { "job_x" } else { "x" }),
            };
        }
        let call = json!({ "name": name, "arguments": arguments });
        let answer = daemon.rpc("tools/call", call).await;
        assert_eq!(answer["id"], 1, "{answer}");
        // Clients of these two send arguments of their own, which are not looked at.
        if ["search", "fetch"].contains(&name) {
            assert_eq!(answer.get("error"), None, "{answer}");
        } else {
            assert_eq!(answer["error"]["code"], -32602, "{answer}");
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(message.contains("surprise"), "{name}: {message}");
        }

        // A missing argument is named as well.
        for key in &required {
            let mut arguments = arguments.clone();
            arguments.as_object_mut().unwrap().retain(|name, _| name != key && name != "surprise");
            let answer =
                daemon.rpc("tools/call", json!({ "name": name, "arguments": arguments })).await;
            assert_eq!(answer["error"]["code"], -32602, "{answer}");
            assert!(answer["error"]["message"].as_str().unwrap().contains(key), "{name}: {answer}");
        }
    }
    for (tool, required) in [
        ("run_eval", &["taskId", "configId"][..]),
        ("status", &["jobId"]),
        ("why", &["id"]),
        ("why_math", &["id"]),
    ] {
        let described = tools.iter().find(|described| described["name"] == tool).unwrap();
        assert_eq!(described["inputSchema"]["required"], json!(required), "{tool}");
    }
    let answer = daemon.rpc("tools/call", json!({ "name": "nothing", "arguments": {} })).await;
    assert_eq!(answer["error"]["code"], -32602);
    assert_eq!(daemon.rpc("nothing", json!({})).await["error"]["code"], -32601);
}

#[tokio::test]
async fn why_tells_one_line_a_fact_and_then_the_story() {
    let home = Home::new();
    let daemon = home.start().await;
    let job = daemon.run_eval("quick").await;
    daemon.until(&job, &["COMPLETED"]).await;
    let why = daemon.call("why", json!({ "id": job })).await;
    let form = r"^\[\d{4}-\d\d-\d\d \d\d:\d\d\] actor=(\S+) action=(\S+) details=(\{.*\})$";
    let form = regex::Regex::new(form).unwrap();
    let mut actions = Vec::new();
    for line in text(&why).lines() {
        let parts = form.captures(line).unwrap_or_else(|| panic!("{line}"));
        actions.push(parts[2].to_owned());
        assert_eq!(serde_json::from_str::<Value>(&parts[3]).unwrap()["jobId"], job, "{line}");
    }
    assert_eq!(actions, ["run_eval", "job_running", "job_complete"]);
    let prose = why["content"][1]["text"].as_str().unwrap();
    assert!(prose.contains("quick") && !prose.contains("action="), "{prose}");
    assert_eq!(why["structuredContent"]["facts"].as_array().unwrap().len(), actions.len());

    let math = daemon.ask("why_math", json!({ "id": job })).await;
    for key in ["id", "decision", "thresholds", "observed", "time_to_action_sec", "evidence"] {
        assert!(math.get(key).is_some(), "{key}: {math}");
    }
    for key in ["latency_p95_ms", "max_error_rate"] {
        assert!(math["thresholds"].get(key).is_some(), "{key}: {math}");
    }
    for key in ["latency_p95_ms", "error_rate"] {
        assert!(math["observed"].get(key).is_some(), "{key}: {math}");
    }

    for tool in ["why", "why_math"] {
        for id in ["job_unknown", "model-x", "%", "", "_"] {
            let answer =
                daemon.rpc("tools/call", json!({ "name": tool, "arguments": { "id": id } })).await;
            assert_eq!(answer["id"], 1);
            assert_eq!(answer["result"]["isError"], true, "{tool} {id:?}: {answer}");
            assert_eq!(text(&answer["result"]).lines().count(), 1);
        }
    }
}

#[tokio::test]
async fn every_request_is_one_json_line_of_the_log() {
    let home = Home::new();
    let daemon = home.start().await;
    let asked = daemon.get("/sse?topic=nothing&key=s3cret").header("User-Agent", "ua/1").send();
    assert_eq!(asked.await.unwrap().status(), StatusCode::BAD_REQUEST);
    let began = std::time::Instant::now();
    let line = loop {
        let line = daemon.log().into_iter().find(|line| line.contains("/sse?"));
        if let Some(line) = line {
            break serde_json::from_str::<Value>(&line).unwrap();
        }
        assert!(began.elapsed() < crate::harness::PATIENCE, "{:?}", daemon.log());
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    };
    assert_eq!((&line["ip"], &line["method"]), (&json!("127.0.0.1"), &json!("GET")));
    assert_eq!((&line["status"], &line["ua"]), (&json!(400), &json!("ua/1")));
    assert_eq!(line["url"], "/sse?topic=nothing&key=****");
    assert!(line["ts"].is_string() && line["duration_ms"].is_number(), "{line}");
}
