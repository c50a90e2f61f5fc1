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
