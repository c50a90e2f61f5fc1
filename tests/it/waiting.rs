//! Calls that wait for the end of a job or a canary, and what it costs to go away meanwhile.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::canaries::site::{Face, Site};
use crate::canaries::{begin, home, targets};
use crate::harness::{Daemon, Home, PATIENCE};

async fn wait(daemon: &Daemon, job: &str, seconds: u64) -> (Value, Duration) {
    let began = Instant::now();
    let answer = daemon.ask("status", json!({ "jobId": job, "waitSeconds": seconds })).await;
    (answer, began.elapsed())
}

#[tokio::test]
async fn a_wait_ends_with_the_job_or_with_its_time() {
    let home = Home::new();
    home.task("soon", r#"sleep 0.5; printf '{"metrics":{"m":{"value":1}}}' > {result}"#);
    let daemon = home.start().await;
    let job = daemon.run_eval("soon").await;
    let (answer, took) = wait(&daemon, &job, 20).await;
    assert_eq!(answer["status"], "COMPLETED");
    assert!(took < Duration::from_secs(15), "{took:?}");
    // What is over is answered at once, and as it is without waiting.
    let (again, took) = wait(&daemon, &job, 20).await;
    assert_eq!(again, daemon.ask("status", json!({ "jobId": job })).await);
    assert!(took < Duration::from_secs(5), "{took:?}");

    let endless = daemon.run_eval("sleep").await;
    daemon.until(&endless, &["RUNNING"]).await;
    let (answer, took) = wait(&daemon, &endless, 1).await;
    assert_eq!(answer["status"], "RUNNING");
    assert!(Duration::from_millis(900) < took && took < Duration::from_secs(10), "{took:?}");
    let (answer, _) = wait(&daemon, &endless, 0).await;
    assert_eq!(answer["status"], "RUNNING");

    let call = json!({ "name": "status", "arguments": { "jobId": endless, "waitSeconds": 56 } });
    let refused = daemon.rpc("tools/call", call).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    let said = refused["error"]["message"].as_str().unwrap();
    assert_eq!(said, "status: waitSeconds must be between 0 and 55");
}

#[tokio::test]
async fn a_cancelled_job_ends_the_wait_for_it() {
    let home = Home::new();
    let daemon = home.start().await;
    let job = daemon.run_eval("sleep").await;
    daemon.until(&job, &["RUNNING"]).await;
    let cancel = async {
        sleep(Duration::from_millis(300)).await;
        daemon.ask("cancel_job", json!({ "jobId": job })).await
    };
    let ((answer, took), _) = tokio::join!(wait(&daemon, &job, 50), cancel);
    assert_eq!(answer["status"], "CANCELLED");
    assert!(took < PATIENCE, "{took:?}");
}

#[tokio::test]
async fn who_hangs_up_leaves_the_job_as_it_is() {
    let home = Home::new();
    home.task("soon", r#"sleep 1.5; printf '{"metrics":{"m":{"value":1}}}' > {result}"#);
    let daemon = home.start().await;
    let job = daemon.run_eval("soon").await;
    for _ in 0..20 {
        let left = timeout(Duration::from_millis(20), wait(&daemon, &job, 50)).await;
        assert!(left.is_err(), "it did not wait");
    }
    let (answer, _) = wait(&daemon, &job, 20).await;
    assert_eq!(answer["status"], "COMPLETED");
}

#[tokio::test]
async fn a_daemon_that_stops_answers_who_waits_with_how_it_stands() {
    let home = Home::new();
    let mut daemon = home.start().await;
    let job = daemon.run_eval("sleep").await;
    daemon.until(&job, &["RUNNING"]).await;
    let body = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "status", "arguments": { "jobId": job, "waitSeconds": 55 } },
    });
    let waiting = tokio::spawn(daemon.post(body.to_string()).timeout(PATIENCE).send());
    sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    assert!(daemon.terminate().await.success());
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    let answer: Value = waiting.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(answer["result"]["structuredContent"]["status"], "RUNNING", "{answer}");
}

#[tokio::test]
async fn a_wait_for_a_canary_ends_with_it() {
    let site = Site::start([("prod", Face::failing(0.0))]).await;
    let daemon = home(&site).start().await;
    let policy = json!({ "windowSeconds": 600, "pollSeconds": 0.2, "targets": targets() });
    let id = begin(&daemon, "prod", &policy).await;
    let wait =
        |seconds| daemon.ask("canary_status", json!({ "canaryId": id, "waitSeconds": seconds }));
    assert_eq!(wait(1).await["status"], "RUNNING");
    let abort = async {
        sleep(Duration::from_millis(500)).await;
        daemon.ask("abort_canary", json!({ "canaryId": id })).await
    };
    let (answer, _) = tokio::join!(wait(50), abort);
    assert_eq!((&answer["status"], &answer["phase"]), (&json!("ROLLED_BACK"), &json!("over")));
}

#[tokio::test]
async fn who_waits_on_a_stream_hears_how_it_goes() {
    let home = Home::new();
    home.task(
        "talking",
        r#"for n in 1 2 3; do echo "LUKHAS_PROGRESS 0.$n step $n"; sleep 0.6; done
        printf '{"metrics":{"m":{"value":1}}}' > {result}"#,
    );
    let daemon = home.start().await;
    let job = daemon.run_eval("talking").await;
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/logLevel": "info",
        "progressToken": "p",
    });
    let params = json!({
        "name": "status", "arguments": { "jobId": job, "waitSeconds": 30 }, "_meta": meta,
    });
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params });
    let request = daemon
        .post(body.to_string())
        .header("Accept", "application/json, text/event-stream")
        .header("MCP-Protocol-Version", "2026-07-28")
        .header("Mcp-Method", "tools/call")
        .header("Mcp-Name", "status");
    let text = request.timeout(PATIENCE).send().await.unwrap().text().await.unwrap();
    let messages: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let of = |method: &str| {
        let method = json!(method);
        messages.iter().filter(move |one| one["method"] == method).map(|one| &one["params"])
    };
    let heard: Vec<f64> =
        of("notifications/progress").map(|told| told["progress"].as_f64().unwrap()).collect();
    assert!(2 < heard.len() && heard.is_sorted_by(|one, next| one < next), "{text}");
    assert_eq!(heard.last(), Some(&1.0));
    assert!(of("notifications/progress").all(|told| told["progressToken"] == "p"));
    let logged: Vec<&str> =
        of("notifications/message").map(|told| told["data"]["status"].as_str().unwrap()).collect();
    assert_eq!(logged.last(), Some(&"COMPLETED"), "{text}");
    let answer = messages.last().unwrap();
    assert_eq!(answer["id"], 7, "{text}");
    assert_eq!(answer["result"]["structuredContent"]["status"], "COMPLETED", "{text}");
}
