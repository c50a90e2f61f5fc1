//! The earlier revisions: sessions for those who want one, and streams that can be taken up again.

use serde_json::{Value, json};

use crate::harness::Home;
use crate::mcp::client::{Session, Stateless, answer, messages, messages_until};

#[tokio::test]
async fn who_takes_no_streams_never_sees_a_session() {
    let home = Home::new();
    let daemon = home.start().await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#;
    let sent = daemon.post(body).send().await.unwrap();
    assert!(!sent.headers().contains_key("mcp-session-id"));
    assert_eq!(answer(sent).await.result()["protocolVersion"], "2025-06-18");
    for (asked, agreed) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2026-07-28", "2025-11-25"),
        ("1.0", "2025-11-25"),
    ] {
        let answer = daemon.rpc("initialize", json!({ "protocolVersion": asked })).await;
        assert_eq!(answer["result"]["protocolVersion"], agreed, "{asked}");
        assert_eq!(answer["result"].get("resultType"), None);
    }
}

#[tokio::test]
async fn a_session_that_is_over_is_unknown() {
    let home = Home::new();
    let daemon = home.start().await;
    let session = Session::begin(&daemon, json!({})).await;
    assert_eq!(session.ask("ping", json!({})).await.result(), &json!({}));
    let end = || {
        let request = reqwest::Client::new().delete(format!("{}/mcp", daemon.url));
        session.with_id(request).send()
    };
    assert_eq!(end().await.unwrap().status(), 204);
    assert_eq!(end().await.unwrap().status(), 404);
    assert_eq!(session.ask("ping", json!({})).await.status, 404);
    assert_eq!(session.stream(None).await.status(), 404);
    let nameless = reqwest::Client::new().delete(format!("{}/mcp", daemon.url));
    assert_eq!(nameless.send().await.unwrap().status(), 400);
}

/// A17
#[tokio::test]
async fn a_session_of_somebody_else_is_unknown() {
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", "one,two");
    let daemon = home.start().await.with_key("one");
    let session = Session::begin(&daemon, json!({})).await;
    let ping = || {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let request = reqwest::Client::new().post(format!("{}/mcp", daemon.url));
        request.header("Content-Type", "application/json").body(body)
    };
    let of = async |key: &str| {
        let request = session.with_id(ping()).header("X-API-Key", key);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((of("one").await, of("two").await), (200, 404));
}

#[tokio::test]
async fn a_wait_can_be_cancelled_and_the_job_goes_on() {
    let home = Home::new();
    let daemon = home.start().await;
    let session = Session::begin(&daemon, json!({})).await;
    let job = daemon.run_eval("sleep").await;
    let arguments = json!({ "jobId": job, "waitSeconds": 50 });
    let params =
        json!({ "name": "status", "arguments": arguments, "_meta": { "progressToken": 1 } });
    let mut waiting = session.request(&json!("w"), "tools/call", &params).send().await.unwrap();
    messages_until(&mut waiting, |messages| !messages.is_empty()).await;
    // The same id cannot be under way twice.
    let twice = answer(session.request(&json!("w"), "tools/call", &params).send().await.unwrap());
    assert_eq!(twice.await.status, 400);
    let cancel = json!({
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": { "requestId": "w", "reason": "a test" },
    });
    assert_eq!(session.send(&cancel).send().await.unwrap().status(), 202);
    let rest = messages(&waiting.text().await.unwrap());
    assert!(rest.iter().all(|message| message.get("result").is_none()), "{rest:?}");
    daemon.until(&job, &["QUEUED", "RUNNING"]).await;
    daemon.call("cancel_job", json!({ "jobId": job, "reason": "the test is over" })).await;
}

#[tokio::test]
async fn a_stream_is_taken_up_where_it_was_lost() {
    let home = Home::new();
    home.task("slow", r#"sleep 0.8; printf '{"metrics":{"a":{"value":1}}}' > {result}"#);
    let daemon = home.start().await;
    let session = Session::begin(&daemon, json!({})).await;
    let job = daemon.run_eval("slow").await;
    let arguments = json!({ "jobId": job, "waitSeconds": 20 });
    let params =
        json!({ "name": "status", "arguments": arguments, "_meta": { "progressToken": 1 } });
    let mut lost = session.request(&json!(5), "tools/call", &params).send().await.unwrap();
    let first = crate::harness::read_until(&mut lost, |text| text.contains("progress")).await;
    drop(lost);
    let last_id = |text: &str| {
        let mut ids = text.lines().filter_map(|line| line.strip_prefix("id: "));
        ids.next_back().unwrap().to_owned()
    };
    let rest = session.stream(Some(&last_id(&first))).await.text().await.unwrap();
    let all: Vec<Value> = messages(&first).into_iter().chain(messages(&rest)).collect();
    assert_eq!(all.last().unwrap()["id"], 5, "{rest}");
    let answers = all.iter().filter(|message| message.get("result").is_some()).count();
    assert_eq!(answers, 1);
    // The session goes on, so it is not 404.
    assert_eq!(session.stream(Some("99-0")).await.status(), 400);
    assert_eq!(session.stream(Some("x")).await.status(), 400);
}

#[tokio::test]
async fn a_subscription_tells_of_the_job_until_it_is_ended() {
    let home = Home::new();
    let daemon = home.start().await;
    let session = Session::begin(&daemon, json!({})).await;
    let mut stream = session.stream(None).await;
    let job = daemon.run_eval("sleep").await;
    let uri = format!("job://{job}");
    let subscribed = session.ask("resources/subscribe", json!({ "uri": uri })).await;
    assert_eq!(subscribed.result(), &json!({}));
    daemon.call("cancel_job", json!({ "jobId": job, "reason": "a test" })).await;
    let updated = |message: &Value| {
        message["method"] == "notifications/resources/updated" && message["params"]["uri"] == *uri
    };
    let listed = |message: &Value| message["method"] == "notifications/resources/list_changed";
    let is_all = |all: &[Value]| all.iter().any(updated) && all.iter().any(listed);
    let told = messages_until(&mut stream, is_all).await;
    // Nothing of an earlier revision has a subscription's id.
    assert!(told.iter().all(|message| message["params"].get("_meta").is_none()), "{told:?}");
}

#[tokio::test]
async fn the_eras_live_side_by_side() {
    let home = Home::new();
    let daemon = home.start().await;
    let session = Session::begin(&daemon, json!({})).await;
    let stateless = Stateless::new(&daemon, json!({}));
    let (old, new) =
        tokio::join!(session.ask("tools/list", json!({})), stateless.ask("tools/list", json!({})));
    assert_eq!(old.result()["tools"], new.result()["tools"]);
    assert_eq!(old.result().get("ttlMs"), None);
}
