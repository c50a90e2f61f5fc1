//! Clients that hang up before they have their answer.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::harness::{Daemon, Home};
use crate::mcp::client::{Session, Stateless, messages_until};

/// How soon something is noticed; much less than any call here waits, and than the fifteen seconds
/// between two signs of life.
const SOON: Duration = Duration::from_secs(8);

/// How long the calls wait that must not wait so long, and those that must.
const LONG: u64 = 50;
const SHORT: u64 = 3;

/// A figure of the daemon that has no labels.
async fn figure(daemon: &Daemon, name: &str) -> String {
    let metrics = daemon.get("/metrics").send().await.unwrap().text().await.unwrap();
    let begin = format!("lukhas_mcp_{name}{{}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&begin));
    line.unwrap_or_else(|| panic!("no {name} in {metrics}")).to_owned()
}

async fn until_figure(daemon: &Daemon, name: &str, value: &str) {
    let began = Instant::now();
    while figure(daemon, name).await != value {
        assert!(began.elapsed() < SOON, "{name} is not {value}");
        sleep(Duration::from_millis(20)).await;
    }
}

fn status(job: &str, seconds: u64) -> Value {
    json!({ "name": "status", "arguments": { "jobId": job, "waitSeconds": seconds } })
}

/// A daemon with a job that tells how far it is and then takes for ever.
async fn busy() -> (Home, Daemon, String) {
    let home = Home::new();
    home.task("telling", "echo LUKHAS_PROGRESS 0.1 a tenth; exec sleep 600");
    let daemon = home.start().await;
    let job = daemon.run_eval("telling").await;
    daemon.until(&job, &["RUNNING"]).await;
    assert_eq!(figure(&daemon, "calls_waiting").await, "0.0");
    (home, daemon, job)
}

#[tokio::test]
async fn who_hangs_up_ends_the_request_and_not_the_job() {
    let (_home, daemon, job) = busy().await;
    let client = Stateless::new(&daemon, json!({}));
    let request = client.request(&json!(3), "tools/call", status(&job, LONG), &json!({}));
    let call = tokio::spawn(request.send());
    until_figure(&daemon, "calls_waiting", "1.0").await;
    call.abort();
    until_figure(&daemon, "calls_waiting", "0.0").await;
    daemon.until_logged(|line| line.contains(r#""url":"/mcp","status":499"#)).await;
    daemon.until(&job, &["RUNNING"]).await;
    daemon.call("cancel_job", json!({ "jobId": job, "reason": "the test is over" })).await;
    daemon.until(&job, &["CANCELLED"]).await;
}

#[tokio::test]
async fn who_stops_reading_its_progress_ends_the_request_and_not_the_job() {
    let (_home, daemon, job) = busy().await;
    let client = Stateless::new(&daemon, json!({}));
    let token = json!({ "progressToken": "p" });
    let request = client.request(&json!(3), "tools/call", status(&job, LONG), &token);
    let mut stream = request.send().await.unwrap();
    let told = messages_until(&mut stream, |all| !all.is_empty()).await;
    assert_eq!(told[0]["method"], "notifications/progress", "{told:?}");
    assert_eq!(figure(&daemon, "calls_waiting").await, "1.0");
    drop(stream);
    until_figure(&daemon, "calls_waiting", "0.0").await;
    daemon.until(&job, &["RUNNING"]).await;
}

#[tokio::test]
async fn before_2026_07_28_a_request_goes_on_without_its_client() {
    let (_home, daemon, job) = busy().await;
    let cancelled = daemon.run_eval("sleep").await;
    daemon.until(&cancelled, &["RUNNING", "QUEUED"]).await;
    let call = |id: u8, params: Value| json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
    let reason = json!({ "jobId": cancelled, "reason": "it is the second" });
    let batch = json!([
        call(1, status(&job, SHORT)),
        call(2, json!({ "name": "cancel_job", "arguments": reason })),
    ]);
    let began = Instant::now();
    let request = daemon.post(batch.to_string()).timeout(Duration::from_millis(300));
    assert!(request.send().await.unwrap_err().is_timeout());
    daemon.until_logged(|line| line.contains(r#""url":"/mcp","status":499"#)).await;
    until_figure(&daemon, "calls_waiting", "0.0").await;
    assert!(Duration::from_secs(SHORT) <= began.elapsed(), "it was ended with its client");
    daemon.until(&cancelled, &["CANCELLED"]).await;
}

#[tokio::test]
async fn with_a_session_only_saying_so_ends_a_request() {
    let (_home, daemon, job) = busy().await;
    let session = Session::begin(&daemon, json!({})).await;
    for (id, seconds, says_so) in [(3, SHORT, false), (4, LONG, true)] {
        let began = Instant::now();
        let mut params = status(&job, seconds);
        params["_meta"] = json!({ "progressToken": id });
        let mut stream = session.request(&json!(id), "tools/call", &params).send().await.unwrap();
        messages_until(&mut stream, |all| !all.is_empty()).await;
        assert_eq!(figure(&daemon, "calls_waiting").await, "1.0");
        drop(stream);
        if says_so {
            let method = "notifications/cancelled";
            let said = json!({ "jsonrpc": "2.0", "method": method, "params": { "requestId": id } });
            assert_eq!(session.send(&said).send().await.unwrap().status(), 202);
        }
        until_figure(&daemon, "calls_waiting", "0.0").await;
        let waited = Duration::from_secs(seconds) <= began.elapsed();
        assert_eq!(waited, !says_so, "request {id}");
    }
    daemon.until(&job, &["RUNNING"]).await;
}

#[tokio::test]
async fn a_stream_that_nobody_reads_any_more_gives_its_place_back_at_once() {
    let home = Home::new();
    let daemon = home.start().await;
    let stream = daemon.get("/sse?topic=jobs").send().await.unwrap();
    assert_eq!(figure(&daemon, "sse_readers").await, "1.0");
    drop(stream);
    until_figure(&daemon, "sse_readers", "0.0").await;
}
