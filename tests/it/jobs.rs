//! Evals from their acceptance to their story.

use serde_json::{Value, json};

use crate::harness::{Home, read_until};

#[tokio::test]
async fn an_eval_goes_from_queued_to_completed_and_can_be_explained() {
    let home = Home::new();
    let daemon = home.start().await;
    let mut stream = daemon.sse("topic=job/*").await;
    let job = daemon.run_eval("quick").await;
    let status = daemon.until(&job, &["COMPLETED"]).await;
    assert_eq!(status["result"]["metrics"], json!({ "accuracy": 0.75 }));
    assert_eq!(status["result"]["statistics"]["accuracy"]["n"], 20);

    let heard = read_until(&mut stream, |text| text.contains("event: completed")).await;
    let names: Vec<&str> = heard.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(names, ["open", "queued", "running", "completed"]);

    let why = daemon.call("why", json!({ "id": job })).await;
    let lines = why["content"][0]["text"].as_str().unwrap();
    let actions: Vec<&str> =
        lines.lines().map(|line| line.split(" action=").nth(1).unwrap()).collect();
    let expected = ["run_eval", "job_running", "job_complete"];
    for (action, expected) in actions.iter().zip(expected) {
        assert!(action.starts_with(expected), "{lines}");
    }
    let prose = why["content"][1]["text"].as_str().unwrap();
    assert!(prose.contains("accuracy 0.7500 ± 0.1000"), "{prose}");
    let math = daemon.ask("why_math", json!({ "id": job })).await;
    assert_eq!(math["decision"], "COMPLETED");
    assert!(math["statistics"]["accuracy"]["interval_95"][0].as_f64().unwrap() < 0.56);
    assert_eq!(math["evidence"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_kill_in_the_middle_of_a_run_costs_nothing() {
    let home = Home::new();
    home.task(
        "slow",
        r#"echo started >> starts; sleep 1; printf '{"metrics":{"m":{"value":1}}}' > {result}"#,
    );
    let daemon = home.start().await;
    let job = daemon.run_eval("slow").await;
    daemon.until(&job, &["RUNNING"]).await;
    daemon.kill();
    let daemon = home.start().await;
    let status = daemon.until(&job, &["COMPLETED", "FAILED"]).await;
    assert_eq!(status["status"], "COMPLETED", "{status}");
    let starts = std::fs::read_to_string(home.path().join("starts")).unwrap();
    assert_eq!(starts, "started\n");
}

#[tokio::test]
async fn a_run_that_ended_while_nobody_watched_is_finalised_from_its_files() {
    let home = Home::new();
    home.task("short", r#"sleep 0.3; printf '{"metrics":{"m":{"value":2}}}' > {result}"#);
    home.task("mute", "sleep 0.3");
    let daemon = home.start().await;
    let (good, bad) = (daemon.run_eval("short").await, daemon.run_eval("mute").await);
    for job in [&good, &bad] {
        daemon.until(job, &["RUNNING"]).await;
    }
    daemon.kill();
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    let daemon = home.start().await;
    let status = daemon.until(&good, &["COMPLETED", "FAILED"]).await;
    assert_eq!(status["result"]["metrics"]["m"], 2.0);
    let status = daemon.until(&bad, &["COMPLETED", "FAILED"]).await;
    assert_eq!(
        (status["status"].as_str(), status["reason"].as_str()),
        (Some("FAILED"), Some("lost"))
    );
}

#[tokio::test]
async fn cancelling_ends_the_run() {
    let home = Home::new();
    home.task("marked", "echo $$ > pid; exec sleep 600");
    let daemon = home.start().await;
    let job = daemon.run_eval("marked").await;
    daemon.until(&job, &["RUNNING"]).await;
    let answer = daemon.ask("cancel_job", json!({ "jobId": job, "reason": "enough" })).await;
    assert_eq!(
        (answer["status"].as_str(), answer["pending"].as_bool()),
        (Some("CANCELLED"), Some(false))
    );
    let why = daemon.call("why", json!({ "id": job })).await;
    assert!(why["content"][1]["text"].as_str().unwrap().contains("enough"), "{why}");
}

#[tokio::test]
async fn lists_logs_and_dry_runs_answer() {
    let home = Home::new();
    home.task(
        "talks",
        r#"echo hello; echo oops >&2; printf '{"metrics":{"m":{"value":2}}}' > {result}"#,
    );
    let daemon = home.start().await;
    let job = daemon.run_eval("talks").await;
    daemon.until(&job, &["COMPLETED"]).await;
    let logs = daemon.ask("job_logs", json!({ "jobId": job })).await;
    assert_eq!(
        (logs["text"].as_str(), logs["truncated"].as_bool()),
        (Some("hello\n"), Some(false))
    );
    let logs = daemon.ask("job_logs", json!({ "jobId": job, "stream": "stderr" })).await;
    assert_eq!(logs["text"], "oops\n");

    let call = json!({ "taskId": "quick", "configId": "default", "dryRun": true });
    assert_eq!(daemon.ask("run_eval", call).await["status"], "DRY_RUN");
    let page = daemon.ask("list_jobs", json!({ "limit": 1 })).await;
    assert_eq!(page["jobs"][0]["status"], "DRY_RUN");
    let cursor = page["nextCursor"].clone();
    let page = daemon.ask("list_jobs", json!({ "limit": 1, "cursor": cursor })).await;
    assert_eq!(page["jobs"][0]["jobId"], Value::String(job));
    assert_eq!(page.get("nextCursor"), None);
    let page = daemon.ask("list_jobs", json!({ "status": ["FAILED"] })).await;
    assert_eq!(page["jobs"], json!([]));
}

#[tokio::test]
async fn a_graceful_end_tells_the_readers_and_leaves_the_runs_alone() {
    let home = Home::new();
    home.task("slow", r#"sleep 1; printf '{"metrics":{"m":{"value":1}}}' > {result}"#);
    let mut daemon = home.start().await;
    let mut stream = daemon.sse("topic=jobs").await;
    let job = daemon.run_eval("slow").await;
    daemon.until(&job, &["RUNNING"]).await;
    let began = std::time::Instant::now();
    let ended = daemon.terminate().await;
    assert_eq!(ended.code(), Some(0), "{:?}", daemon.log());
    assert!(began.elapsed().as_millis() < 1000, "{:?}", began.elapsed());
    read_until(&mut stream, |text| text.contains("event: shutdown")).await;
    let daemon = home.start().await;
    daemon.until(&job, &["COMPLETED"]).await;
}

#[tokio::test]
async fn the_shipped_eval_runs_with_nothing_but_the_binary() {
    let home = Home::new();
    let daemon = home.start().await;
    let job = daemon.run_eval("smollm2.quick").await;
    let status = daemon.until(&job, &["COMPLETED", "FAILED"]).await;
    assert_eq!(status["status"], "COMPLETED", "{status}");
    let probe = home.command(&["probe", "--url", &daemon.url]).output().unwrap();
    assert!(probe.status.success(), "{probe:?}");
}
