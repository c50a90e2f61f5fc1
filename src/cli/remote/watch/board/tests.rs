//! What the live view makes of events, whatever their order against what it read.

use serde_json::json;

use super::*;

fn event(name: &str, data: Value) -> ServerEvent {
    ServerEvent { id: Some(1), name: name.to_owned(), data }
}

fn job(status: &str, second: u32, more: &Value) -> ServerEvent {
    let mut data = json!({
        "topic": "job/job_x", "type": status.to_lowercase(), "status": status, "jobId": "job_x",
        "taskId": "quick", "configId": "default", "ts": format!("2026-11-21T19:00:{second:02}Z"),
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        data[name] = value.clone();
    }
    event("job", data)
}

fn canary(name: &str, status: &str, second: u32, more: &Value) -> ServerEvent {
    let mut data = json!({
        "topic": "canary/canary_x", "type": name, "status": status, "canaryId": "canary_x",
        "modelId": "adder:3", "fromGate": "staging", "toGate": "production",
        "phase": "observing", "ts": format!("2026-11-21T19:00:{second:02}Z"),
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        data[name] = value.clone();
    }
    event(name, data)
}

#[test]
fn a_job_goes_its_way_and_never_back() {
    let mut board = Board::default();
    board.take(&job("QUEUED", 1, &json!({})));
    board.take(&job("RUNNING", 2, &json!({})));
    let progress = json!({ "type": "update", "progress": { "fraction": 0.5, "text": "half" } });
    board.take(&job("RUNNING", 3, &progress));
    let shown = board.jobs()[0].clone();
    assert_eq!((shown.status.as_str(), shown.running_at.is_some()), ("RUNNING", true));
    assert_eq!(shown.progress.unwrap().fraction, Some(0.5));
    board.take(&job("FAILED", 5, &json!({ "error": "timeout" })));
    board.take(&job("RUNNING", 6, &json!({})));
    assert_eq!(board.jobs()[0].status, "FAILED");
    assert_eq!(board.jobs()[0].said(), "timeout");
    let names: Vec<_> = board.log().map(|logged| logged.name.clone()).collect();
    assert_eq!(names, ["running", "failed", "running", "queued"], "progress is in the bar");
}

#[test]
fn what_was_read_wins_over_older_events_and_loses_to_newer() {
    let mut board = Board::default();
    let read: Job = serde_json::from_value(json!({
        "jobId": "job_x", "taskId": "quick", "configId": "default", "status": "RUNNING",
        "startedAt": "2026-11-21T19:00:01Z", "updatedAt": "2026-11-21T19:00:05Z",
    }))
    .unwrap();
    board.put_job(read.clone());
    board.take(&job("QUEUED", 1, &json!({})));
    assert_eq!(board.jobs()[0].status, "RUNNING");
    board.take(&job("COMPLETED", 6, &json!({})));
    board.put_job(read);
    assert_eq!(board.jobs()[0].status, "COMPLETED");
    board.forget_open();
    assert_eq!(board.jobs().len(), 1);
}

#[test]
fn a_canary_has_its_window_its_evidence_and_its_end() {
    let mut board = Board::default();
    let started = json!({ "policy": { "windowSeconds": 15, "alpha": 0.01 }, "phase": "entering" });
    board.take(&canary("started", "RUNNING", 1, &started));
    let bets = json!({ "breach": 1.0, "breachAt": 5.3, "proof": 0.1, "proofAt": 3.0 });
    let look = json!({
        "elapsedSeconds": 2.5, "error_rate": 0.1, "latency_p95_ms": null,
        "evidence": { "error_rate": bets },
    });
    board.take(&canary("metric", "RUNNING", 3, &look));
    let watched = board.canaries()[0].clone();
    assert_eq!(watched.canary.policy.window_seconds, Some(15.0));
    assert_eq!((watched.error_rate, watched.latency_p95_ms), (Some(0.1), None));
    assert!(watched.evidence.line("error_rate").is_some());
    assert!((watched.canary.elapsed_seconds - 2.5).abs() < 1e-9);
    let end = json!({ "phase": "over", "reason": "error_rate_breach" });
    board.take(&canary("rolled_back", "ROLLED_BACK", 4, &end));
    board.take(&canary("metric", "RUNNING", 5, &json!({ "elapsedSeconds": 9.0 })));
    let watched = board.canaries()[0];
    assert_eq!(watched.canary.status, "ROLLED_BACK");
    assert_eq!(watched.canary.said(), "error_rate_breach");
    assert!((watched.canary.elapsed_seconds - 2.5).abs() < 1e-9);
    assert_eq!(board.log().count(), 2);
}

#[test]
fn memory_is_bounded() {
    let mut board = Board::default();
    for number in 0..1000 {
        let topic = json!({ "topic": format!("job/job_{number}") });
        board.take(&job("COMPLETED", 1, &topic));
    }
    assert_eq!(board.jobs().len(), ENDED);
    assert_eq!(board.log().count(), EVENTS);
}
