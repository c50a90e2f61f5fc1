//! Clients that speak over standard input and output only, through the bridge.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::client::STATELESS;
use super::stdio_client::Client;
use crate::harness::{Home, PATIENCE};

/// The params of a request that says everything about itself.
fn whole(params: Value) -> Value {
    let mut params = params;
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(STATELESS);
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    params
}

fn text_of(answer: &Value) -> &str {
    answer["error"]["message"].as_str().unwrap_or_else(|| panic!("no error: {answer}"))
}

#[tokio::test]
async fn a_session_is_kept_from_the_first_line_to_the_last() {
    let home = Home::new();
    let daemon = home.start().await;
    let mut client = Client::in_session(&home, &daemon.url, json!({ "elicitation": {} })).await;
    let listed = client.ask(json!("l"), "tools/list", json!({})).await;
    assert_eq!(listed["result"]["tools"][0]["name"], "search");

    // Asked on the stream of the request, answered by a message of its own.
    let promotion = json!({ "modelId": "ranker:12", "gate": "production" });
    let params = json!({ "name": "promote_model", "arguments": promotion });
    client.request(json!(7), "tools/call", params).await;
    let question = client.hear(|message| message["method"] == "elicitation/create").await;
    let yes = json!({ "action": "accept", "content": { "confirm": true } });
    client.say(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": yes })).await;
    let answer = client.answer(&json!(7)).await;
    assert_eq!(answer["result"]["structuredContent"]["promoted"], true, "{answer}");

    // Told on the stream that belongs to no request.
    let job = client.call(8, "run_eval", json!({ "taskId": "sleep", "configId": "default" })).await;
    let job = job["result"]["structuredContent"]["jobId"].as_str().unwrap().to_owned();
    let uri = format!("job://{job}");
    client.ask(json!(9), "resources/subscribe", json!({ "uri": uri })).await;
    daemon.ask("cancel_job", json!({ "jobId": job })).await;
    let told = client.hear(|message| message["method"] == "notifications/resources/updated").await;
    assert_eq!(told["params"]["uri"], uri);

    let (status, _, said) = client.finish().await;
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
    let ends = |line: &str| line.contains(r#""method":"DELETE""#) && line.contains("204");
    daemon.until_logged(ends).await;
}

#[tokio::test]
async fn requests_that_say_everything_themselves_need_no_session() {
    let home = Home::new();
    let daemon = home.start().await;
    let mut client = Client::start(&home, &daemon.url, &[]);
    let server = client.ask(json!(1), "server/discover", whole(json!({}))).await;
    assert_eq!(server["result"]["supportedVersions"].as_array().unwrap().len(), 5);
    let arguments = json!({ "taskId": "größe", "configId": "default" });
    let params = whole(json!({ "name": "run_eval", "arguments": arguments }));
    let refused = client.ask(json!(2), "tools/call", params).await;
    assert_eq!(refused["result"]["isError"], true, "{refused}");
    // Names that no header can carry as they are arrive all the same.
    let params = whole(json!({ "uri": "repo://größe.md" }));
    let unknown = client.ask(json!(3), "resources/read", params).await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    let removed = client.ask(json!(4), "ping", whole(json!({}))).await;
    assert_eq!(removed["error"]["code"], -32601);

    let job = daemon.run_eval("sleep").await;
    let uri = format!("job://{job}");
    let filter = json!({ "notifications": { "resourceSubscriptions": [uri] } });
    client.request(json!("follow"), "subscriptions/listen", whole(filter)).await;
    let method = "notifications/subscriptions/acknowledged";
    client.hear(|message| message["method"] == method).await;
    daemon.ask("cancel_job", json!({ "jobId": job })).await;
    let told = client.hear(|message| message["method"] == "notifications/resources/updated").await;
    let meta = &told["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/subscriptionId"], "follow");
    // A stream without an end keeps nobody from leaving.
    let (status, rest, _) = client.finish().await;
    assert!(status.success() && !rest.iter().any(|message| message["id"] == "follow"), "{rest:?}");
}

/// A call that waits, in each era.
async fn waits(client: &mut Client, id: u64, job: &str, is_stateless: bool) {
    let arguments = json!({ "jobId": job, "waitSeconds": 50 });
    let params = json!({
        "name": "status", "arguments": arguments, "_meta": { "progressToken": "p" },
    });
    let params = if is_stateless { whole(params) } else { params };
    client.request(json!(id), "tools/call", params).await;
    client.hear(|message| message["method"] == "notifications/progress").await;
}

#[tokio::test]
async fn what_is_cancelled_is_not_answered_and_holds_nothing_up() {
    let home = Home::new();
    let daemon = home.start().await;
    let job = daemon.run_eval("sleep").await;
    for is_stateless in [false, true] {
        let mut client = if is_stateless {
            Client::start(&home, &daemon.url, &[])
        } else {
            Client::in_session(&home, &daemon.url, json!({})).await
        };
        waits(&mut client, 5, &job, is_stateless).await;
        let twice = client.ask(json!(5), "ping", json!({})).await;
        assert!(text_of(&twice).contains("under way"), "{twice}");
        let params = json!({ "requestId": 5, "reason": "a test" });
        let cancel =
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
        client.say(&cancel).await;
        // The id is free again once it is over; then nothing under way keeps the bridge.
        let began = tokio::time::Instant::now();
        loop {
            let params = json!({ "name": "list_jobs", "arguments": {} });
            let params = if is_stateless { whole(params) } else { params };
            let answer = client.ask(json!(5), "tools/call", params).await;
            if answer["result"].is_object() {
                assert!(answer["result"]["structuredContent"]["jobs"].is_array(), "{answer}");
                break;
            }
            assert!(began.elapsed() < PATIENCE, "{answer}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let began = tokio::time::Instant::now();
        let (status, rest, _) = client.finish().await;
        assert!(status.success() && began.elapsed() < Duration::from_secs(5));
        assert!(rest.iter().all(|message| message.get("id").is_none()), "{rest:?}");
    }
    assert_eq!(daemon.ask("status", json!({ "jobId": job })).await["status"], "RUNNING");
}

#[tokio::test]
async fn a_daemon_that_is_killed_and_comes_back_costs_no_more_than_what_was_under_way() {
    let home = Home::new();
    let daemon = home.start().await;
    let port: u16 = daemon.url.rsplit(':').next().unwrap().parse().unwrap();
    let mut client = Client::in_session(&home, &daemon.url, json!({})).await;
    let job = daemon.run_eval("sleep").await;
    let uri = format!("job://{job}");
    client.ask(json!(1), "resources/subscribe", json!({ "uri": uri })).await;
    waits(&mut client, 2, &job, false).await;
    let url = daemon.url.clone();
    daemon.kill();
    let lost = client.answer(&json!(2)).await;
    assert!(text_of(&lost).contains("look before you ask again"), "{lost}");
    // Nobody is there: that is an answer as well, and no reason to end.
    let away = client.ask(json!(3), "tools/list", json!({})).await;
    assert!(text_of(&away).contains("cannot be reached"), "{away}");

    let daemon = home.start_at(port).await;
    assert_eq!(daemon.url, url);
    let listed = client.ask(json!(4), "tools/list", json!({})).await;
    assert!(listed["result"]["tools"].is_array(), "{listed}");
    // The new daemon was told whom it has to tell what, and the client that it may have missed it.
    client.hear(|message| message["params"]["uri"] == *uri).await;
    client.heard.clear();
    daemon.ask("cancel_job", json!({ "jobId": job })).await;
    client.hear(|message| message["params"]["uri"] == *uri).await;
    let (status, _, said) = client.finish().await;
    assert!(status.success() && said.contains("begun again"), "{said}");
}

#[tokio::test]
async fn a_client_that_only_listens_hears_of_a_daemon_that_came_back() {
    let home = Home::new();
    let daemon = home.start().await;
    let port: u16 = daemon.url.rsplit(':').next().unwrap().parse().unwrap();
    let mut client = Client::in_session(&home, &daemon.url, json!({})).await;
    let job = daemon.run_eval("sleep").await;
    let uri = format!("job://{job}");
    client.ask(json!(1), "resources/subscribe", json!({ "uri": uri })).await;
    daemon.kill();
    let _daemon = home.start_at(port).await;
    client.hear(|message| message["params"]["uri"] == *uri).await;
}

#[tokio::test]
async fn what_is_no_message_is_answered_and_passed_over() {
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", "right");
    let daemon = home.start().await;
    let mut client = Client::start(&home, &daemon.url, &[("LUKHAS_MCP_API_KEY", "right")]);
    client.write("").await;
    client.write(&format!("\"{}\"", "x".repeat(4 * 1024 * 1024))).await;
    let long = client.answer(&Value::Null).await;
    assert!(text_of(&long).contains("4 MiB"), "{long}");
    for (line, code) in [("{", -32700), ("42", -32600), (r#"{"id":null,"method":"ping"}"#, -32600)]
    {
        client.write(line).await;
        let answer = client.answer(&Value::Null).await;
        assert_eq!(answer["error"]["code"], code, "{line}: {answer}");
    }
    // One revision has several messages in a line.
    client
        .write(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"x"}]"#)
        .await;
    let batch = client.hear(Value::is_array).await;
    assert_eq!(batch, json!([{ "jsonrpc": "2.0", "id": 1, "result": {} }]));
    let (status, rest, said) = client.finish().await;
    assert!(status.success() && rest.is_empty() && said.is_empty(), "{rest:?} {said}");
}

#[tokio::test]
async fn who_is_refused_is_told_why() {
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", "right");
    let daemon = home.start().await;
    for environment in [&[][..], &[("LUKHAS_MCP_API_KEY", "wrong-one")]] {
        let mut client = Client::start(&home, &daemon.url, environment);
        for (id, params) in [(1, json!({})), (2, whole(json!({})))] {
            let answer = client.ask(json!(id), "tools/list", params).await;
            let why = text_of(&answer);
            assert!(why.contains("LUKHAS_MCP_API_KEY") && !why.contains("wrong-one"), "{why}");
        }
    }
    // Where nothing is at the address, that is said as well.
    let nowhere = format!("{}/nowhere", daemon.url);
    let mut client = Client::start(&home, &nowhere, &[("LUKHAS_MCP_API_KEY", "right")]);
    let answer = client.ask(json!(1), "tools/list", json!({})).await;
    assert!(text_of(&answer).contains("nothing at this path"), "{answer}");
}

#[tokio::test]
async fn answers_come_when_they_are_ready_and_all_before_the_end() {
    let home = Home::new();
    let daemon = home.start().await;
    let mut client = Client::in_session(&home, &daemon.url, json!({})).await;
    let job = daemon.run_eval("sleep").await;
    waits(&mut client, 1000, &job, false).await;
    for id in 0..200 {
        let params = json!({ "name": "list_jobs", "arguments": { "limit": id % 7 + 1 } });
        client.request(json!(format!("n{id}")), "tools/call", params).await;
    }
    for id in 0..200 {
        let answer = client.answer(&json!(format!("n{id}"))).await;
        assert!(answer["result"]["structuredContent"]["jobs"].is_array(), "{answer}");
    }
    let ask = json!({ "jsonrpc": "2.0", "id": "last", "method": "ping" });
    client.say(&ask).await;
    daemon.ask("cancel_job", json!({ "jobId": job })).await;
    let (status, rest, _) = client.finish().await;
    assert!(status.success());
    for id in [json!("last"), json!(1000)] {
        assert!(rest.iter().any(|message| message["id"] == id), "{id}: {rest:?}");
    }
}

#[tokio::test]
async fn a_signal_and_a_client_that_reads_no_more_are_an_end() {
    let home = Home::new();
    let daemon = home.start().await;
    let mut client = Client::in_session(&home, &daemon.url, json!({})).await;
    let job = daemon.run_eval("sleep").await;
    waits(&mut client, 1, &job, false).await;
    let pid = rustix::process::Pid::from_raw(client.bridge.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = timeout(PATIENCE, client.bridge.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));

    let mut client = Client::in_session(&home, &daemon.url, json!({})).await;
    waits(&mut client, 1, &job, false).await;
    let Client { mut bridge, input, output, .. } = client;
    drop(output);
    let mut input = input.unwrap();
    input.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}\n").await.unwrap();
    let status = timeout(PATIENCE, bridge.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
}

/// Otherwise the bridge would have to repeat arguments in headers, which it does not.
#[tokio::test]
async fn no_tool_wants_arguments_in_headers() {
    let home = Home::new();
    let daemon = home.start().await;
    let listed = daemon.rpc("tools/list", json!({})).await;
    assert!(listed["result"]["tools"].is_array() && !listed.to_string().contains("x-mcp-header"));
}

#[tokio::test]
async fn a_late_yes_confirms_nothing_but_what_was_asked() {
    let home = Home::new();
    let daemon = home.start().await;
    let port = daemon.url.rsplit(':').next().unwrap().parse().unwrap();
    let mut client = Client::in_session(&home, &daemon.url, json!({ "elicitation": {} })).await;
    let promotion = |model: &str, gate: &str| json!({ "modelId": model, "gate": gate });
    let params = |arguments| json!({ "name": "promote_model", "arguments": arguments });
    let is_question = |message: &Value| message["method"] == "elicitation/create";
    client.request(json!(1), "tools/call", params(promotion("harmless:1", "staging"))).await;
    let first = client.hear(is_question).await;
    daemon.kill();
    let daemon = home.start_at(port).await;
    assert!(client.answer(&json!(1)).await.get("error").is_some());
    client.request(json!(2), "tools/call", params(promotion("dangerous:1", "production"))).await;
    let second = client.hear(is_question).await;
    assert_ne!(first["id"], second["id"]);
    let yes = json!({ "action": "accept", "content": { "confirm": true } });
    client.say(&json!({ "jsonrpc": "2.0", "id": first["id"], "result": yes })).await;
    let no = json!({ "action": "decline" });
    client.say(&json!({ "jsonrpc": "2.0", "id": second["id"], "result": no })).await;
    let answer = client.answer(&json!(2)).await;
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let listed = daemon.ask("list_models", json!({})).await;
    assert!(!listed.to_string().contains("dangerous"), "{listed}");
}
