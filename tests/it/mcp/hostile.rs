//! H28 and H30, and A17 and A18 for what only the protocol has: ids that are used twice, headers that
//! lie, and handles of somebody else.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Daemon, Home};
use crate::mcp::client::{Answer, STATELESS, Session, Stateless, answer};

const EVAL: &str = r#"{"taskId":"quick","configId":"default"}"#;

async fn jobs(daemon: &Daemon) -> usize {
    daemon.ask("list_jobs", json!({})).await["jobs"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_same_id_under_way_twice_is_answered_on_each_connection() {
    let home = Home::new();
    let daemon = home.start().await;
    let job = daemon.run_eval("sleep").await;
    let arguments = json!({ "jobId": job, "waitSeconds": 1 });
    let params = json!({ "name": "status", "arguments": arguments });
    let stateless = Stateless::new(&daemon, json!({}));
    let (one, other) =
        (Session::begin(&daemon, json!({})).await, Session::begin(&daemon, json!({})).await);
    let id = json!("same");
    let plain = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
    let meta = json!({ "progressToken": 1 });
    let send = async |request: reqwest::RequestBuilder| request.send().await.unwrap().text().await;
    for (name, first, second) in [
        ("H28 without a session", daemon.post(plain.to_string()), daemon.post(plain.to_string())),
        (
            "H28 stateless",
            stateless.request(&id, "tools/call", params.clone(), &meta),
            stateless.request(&id, "tools/call", params.clone(), &meta),
        ),
        (
            "H28 in two sessions",
            one.request(&id, "tools/call", &params),
            other.request(&id, "tools/call", &params),
        ),
    ] {
        let (first, second) = tokio::join!(send(first), send(second));
        for text in [first.unwrap(), second.unwrap()] {
            assert!(text.contains(r#""id":"same","result""#), "{name}: {text}");
            assert!(text.contains(&job), "{name}: {text}");
        }
    }
    // In one session the second is refused, and the first goes on.
    let first = one.request(&id, "tools/call", &params);
    let second = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        answer(one.request(&id, "tools/call", &params).send().await.unwrap()).await
    };
    let (first, second) = tokio::join!(send(first), second);
    assert_eq!((second.status, second.code()), (400, -32600), "H28 in one session: {second:?}");
    assert!(first.unwrap().contains(r#""id":"same","result""#), "H28 in one session");
    // A second handshake begins a second session, and takes nothing from the first.
    let again = Session::begin(&daemon, json!({})).await;
    assert_ne!(again.id, one.id, "H28");
    for session in [&one, &again] {
        assert_eq!(session.ask("ping", json!({})).await.status, 200, "H28");
    }
}

#[tokio::test]
async fn headers_that_lie_run_nothing() {
    let home = Home::new();
    let daemon = home.start().await;
    let client =
        Stateless::new(&daemon, json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } }));
    let eval: Value = serde_json::from_str(EVAL).unwrap();
    let send = async |method: &str, params: Value, headers: &[(&str, &str)]| -> Answer {
        let params = client.params(params, &json!({}));
        let body = json!({ "jsonrpc": "2.0", "id": "h", "method": method, "params": params });
        let request =
            headers.iter().fold(daemon.post(body.to_string()), |request, (name, value)| {
                request.header(*name, *value)
            });
        answer(request.send().await.unwrap()).await
    };
    let version = ("MCP-Protocol-Version", STATELESS);
    let call = ("Mcp-Method", "tools/call");
    let rows: [(&str, &[(&str, &str)]); 16] = [
        ("H30 the name of what only reads", &[version, call, ("Mcp-Name", "search")]),
        ("H30 no name", &[version, call]),
        ("H30 an empty name", &[version, call, ("Mcp-Name", "")]),
        ("H30 no method", &[version, ("Mcp-Name", "run_eval")]),
        ("H30 another method", &[version, ("Mcp-Method", "tools/list"), ("Mcp-Name", "run_eval")]),
        (
            "H30 a method in upper case",
            &[version, ("Mcp-Method", "TOOLS/CALL"), ("Mcp-Name", "run_eval")],
        ),
        ("H30 a name in upper case", &[version, call, ("Mcp-Name", "RUN_EVAL")]),
        ("H30 two names", &[version, call, ("Mcp-Name", "run_eval"), ("Mcp-Name", "search")]),
        ("H30 a list of names", &[version, call, ("Mcp-Name", "run_eval, search")]),
        ("H30 no base64", &[version, call, ("Mcp-Name", "=?base64?%%%?=")]),
        ("H30 base64 without an end", &[version, call, ("Mcp-Name", "=?base64?cnVuX2V2YWw=")]),
        ("H30 base64 of nothing", &[version, call, ("Mcp-Name", "=?base64??=")]),
        ("H30 base64 of no text", &[version, call, ("Mcp-Name", "=?base64?/w==?=")]),
        ("H30 base64 of another name", &[version, call, ("Mcp-Name", "=?base64?c2VhcmNo?=")]),
        ("H30 no revision", &[call, ("Mcp-Name", "run_eval")]),
        (
            "H30 an earlier revision",
            &[("MCP-Protocol-Version", "2025-11-25"), call, ("Mcp-Name", "run_eval")],
        ),
    ];
    let params = json!({ "name": "run_eval", "arguments": eval });
    for (name, headers) in rows {
        let answer = send("tools/call", params.clone(), headers).await;
        assert_eq!((answer.status, answer.code()), (400, -32020), "{name}: {answer:?}");
        assert_eq!(answer.body["id"], "h", "{name}");
    }
    let commit = json!({ "name": "git_commit", "arguments": { "message": "m", "paths": ["a"] } });
    for (name, method, params, said) in [
        ("H30 a commit as a search", "tools/call", commit, "search"),
        ("H30 another prompt", "prompts/get", json!({ "name": "write_patch" }), "explain_rollback"),
        ("H30 another resource", "resources/read", json!({ "uri": "job://a" }), "job://b"),
        ("H30 another task to see", "tasks/get", json!({ "taskId": "job_a" }), "job_b"),
        ("H30 another task to end", "tasks/cancel", json!({ "taskId": "job_a" }), "job_b"),
    ] {
        let headers = [version, ("Mcp-Method", method), ("Mcp-Name", said)];
        let answer = send(method, params, &headers).await;
        assert_eq!((answer.status, answer.code()), (400, -32020), "{name}: {answer:?}");
    }
    assert_eq!(jobs(&daemon).await, 0, "H30");
    let true_one = [version, call, ("Mcp-Name", "=?base64?cnVuX2V2YWw=?=")];
    assert_eq!(send("tools/call", params, &true_one).await.status, 200, "H30 the truth");
    assert_eq!(jobs(&daemon).await, 1, "H30");
}

/// Ids that are nearly this one.
fn near(id: &str) -> Vec<String> {
    let last = if id.ends_with('a') { 'b' } else { 'a' };
    let short = &id[..id.len() - 1];
    let swapped = id.chars().map(|c| {
        if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
    });
    vec![
        format!("{short}{last}"),
        short.to_owned(),
        format!("{id}a"),
        format!("{short}%"),
        format!("{short}_"),
        format!("{short}*"),
        format!("{id}\u{0}"),
        format!("{id} "),
        format!("{id}' OR '1'='1"),
        swapped.collect(),
        String::new(),
    ]
}

#[tokio::test]
async fn no_door_takes_an_id_that_is_nearly_one() {
    let home = Home::new();
    let daemon = home.start().await;
    let job = daemon.run_eval("sleep").await;
    let client =
        Stateless::new(&daemon, json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } }));
    let (mut asked, encoded) =
        (0, |id: &str| id.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat());
    for id in near(&job) {
        for (tool, arguments) in [
            ("status", json!({ "jobId": id })),
            ("job_logs", json!({ "jobId": id })),
            ("cancel_job", json!({ "jobId": id, "reason": "guessed" })),
            ("why", json!({ "id": id })),
            ("why_math", json!({ "id": id })),
            ("fetch", json!({ "id": format!("job:{id}") })),
            ("canary_status", json!({ "canaryId": id })),
            ("abort_canary", json!({ "canaryId": id, "reason": "guessed" })),
        ] {
            let answer =
                daemon.rpc("tools/call", json!({ "name": tool, "arguments": arguments })).await;
            let is_no = answer["result"]["isError"] == true || answer["error"]["code"] == -32602;
            assert!(is_no, "A18 {tool} {id:?}: {answer}");
            asked += 1;
        }
        for method in ["tasks/get", "tasks/cancel", "tasks/update"] {
            if id.is_ascii() && !id.contains('\u{0}') && id.trim() == id && !id.is_empty() {
                let params = json!({ "taskId": id, "inputResponses": {} });
                let answer = client.ask(method, params).await;
                assert_eq!(answer.code(), -32602, "A18 {method} {id:?}: {answer:?}");
                asked += 1;
            }
        }
        let read = daemon.rpc("resources/read", json!({ "uri": format!("job://{id}") })).await;
        assert!(read["error"].is_object(), "A18 {id:?}: {read}");
        for path in ["/api/report", "/documents"] {
            let answer = daemon.get(&format!("{path}/{}", encoded(&id))).send().await.unwrap();
            let status = answer.status().as_u16();
            assert!((400..500).contains(&status), "A18 {path} {id:?}: {status}");
        }
    }
    assert!(90 < asked, "A18 {asked}");
    daemon.until(&job, &["RUNNING", "QUEUED"]).await;
    // A session is found by its whole id and by nothing near it.
    let session = Session::begin(&daemon, json!({})).await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for id in near(&session.id) {
        if id.bytes().all(|byte| byte.is_ascii_graphic()) && !id.is_empty() {
            let request = daemon.post(ping).header("MCP-Protocol-Version", "2025-11-25");
            let sent = request.header("Mcp-Session-Id", &id).send().await.unwrap();
            assert_eq!(sent.status(), 404, "A18 a session {id}");
        }
    }
    assert_eq!(session.ask("ping", json!({})).await.status, 200, "A18");
    assert!(21 <= session.id.len(), "A18 {}", session.id);
}

#[tokio::test]
async fn the_stream_and_the_end_of_a_session_are_its_owners() {
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", "one,two");
    let daemon = home.start().await.with_key("one");
    let session = Session::begin(&daemon, json!({})).await;
    let url = format!("{}/mcp", daemon.url);
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let client = reqwest::Client::new();
    for (name, request) in [
        ("A17 a stream", client.get(&url).header("Accept", "text/event-stream")),
        (
            "A17 the rest of a stream",
            client.get(&url).header("Accept", "text/event-stream").header("Last-Event-ID", "1-1"),
        ),
        ("A17 the end", client.delete(&url)),
        ("A17 a request", client.post(&url).header("Content-Type", "application/json").body(ping)),
        (
            "A17 a notification",
            client.post(&url).header("Content-Type", "application/json").body(
                r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
            ),
        ),
        (
            "A17 a response",
            client
                .post(&url)
                .header("Content-Type", "application/json")
                .body(r#"{"jsonrpc":"2.0","id":"1","result":{"action":"accept"}}"#),
        ),
        (
            "A17 a batch",
            client.post(&url).header("Content-Type", "application/json").body(format!("[{ping}]")),
        ),
    ] {
        let sent = session.with_id(request).header("X-API-Key", "two").send().await.unwrap();
        let expected = if name == "A17 a batch" { [400, 404] } else { [404, 404] };
        assert!(expected.contains(&sent.status().as_u16()), "{name}: {sent:?}");
    }
    assert_eq!(session.ask("ping", json!({})).await.status, 200, "A17 it is still there");
}
