//! Clients that hang up before they have their answer.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::Home;
use crate::mcp::client::Stateless;

#[tokio::test]
async fn who_hangs_up_ends_the_request_and_not_the_job() {
    let home = Home::new();
    let daemon = home.start().await;
    let client = Stateless::new(&daemon, json!({}));
    let job = daemon.run_eval("sleep").await;
    daemon.until(&job, &["RUNNING"]).await;
    let arguments = json!({ "jobId": job, "waitSeconds": 50 });
    let params = json!({ "name": "status", "arguments": arguments });
    let request = client.request(&json!(3), "tools/call", params, &json!({}));
    let impatient = request.timeout(Duration::from_millis(300)).send().await;
    assert!(impatient.unwrap_err().is_timeout());
    daemon.until_logged(|line| line.contains(r#""url":"/mcp","status":499"#)).await;
    daemon.until(&job, &["RUNNING"]).await;
    daemon.call("cancel_job", json!({ "jobId": job, "reason": "the test is over" })).await;
    daemon.until(&job, &["CANCELLED"]).await;
}

#[tokio::test]
async fn before_2026_07_28_a_request_goes_on_without_its_client() {
    let home = Home::new();
    let daemon = home.start().await;
    let (waited, cancelled) = (daemon.run_eval("sleep").await, daemon.run_eval("sleep").await);
    daemon.until(&cancelled, &["RUNNING", "QUEUED"]).await;
    let call = |id: u8, name: &str, arguments: Value| {
        let params = json!({ "name": name, "arguments": arguments });
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
    };
    let batch = json!([
        call(1, "status", json!({ "jobId": waited, "waitSeconds": 2 })),
        call(2, "cancel_job", json!({ "jobId": cancelled, "reason": "it is the second" })),
    ]);
    let request = daemon.post(batch.to_string()).timeout(Duration::from_millis(300));
    assert!(request.send().await.unwrap_err().is_timeout());
    daemon.until_logged(|line| line.contains(r#""url":"/mcp","status":499"#)).await;
    daemon.until(&cancelled, &["CANCELLED"]).await;
}

#[tokio::test]
async fn a_stream_that_nobody_reads_any_more_gives_its_place_back_at_once() {
    let home = Home::new();
    let daemon = home.start().await;
    let readers = async || {
        let metrics = daemon.get("/metrics").send().await.unwrap().text().await.unwrap();
        let line = metrics.lines().find_map(|line| line.strip_prefix("lukhas_mcp_sse_readers{} "));
        line.unwrap().parse::<f64>().unwrap()
    };
    let stream = daemon.get("/sse?topic=jobs").send().await.unwrap();
    assert!(0.0 < readers().await);
    drop(stream);
    let began = std::time::Instant::now();
    while 0.0 < readers().await {
        // Signs of life come every fifteen seconds, and would find it out as well.
        assert!(began.elapsed() < Duration::from_secs(8), "the place is still taken");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
