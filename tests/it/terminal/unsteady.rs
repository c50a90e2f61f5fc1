//! A daemon that fails for a moment, goes away or does not answer costs whoever waits neither an
//! event nor the end, and never the way out.

use serde_json::{Value, json};

use super::run;
use super::stand_in::{Reply, StandIn, event, job, open};
use crate::harness::Home;

/// A stand-in whose job runs, fails to be asked twice, and is completed.
async fn hesitant(updates: u64) -> StandIn {
    let mut frames = vec![(0, open(Some(1)))];
    frames.extend((2..2 + updates).map(|id| (5, event(id, "update", "job_x", "RUNNING"))));
    frames.push((50, event(2 + updates, "completed", "job_x", "COMPLETED")));
    let answers = |tool: &str, _: &Value, before: usize| match (tool, before) {
        ("status", 0 | 2) => Reply::Busy,
        ("status", 1) | ("run_eval", _) => Reply::Answer(job("job_x", "RUNNING")),
        _ => Reply::Answer(job("job_x", "COMPLETED")),
    };
    StandIn::start(answers, [frames]).await
}

#[tokio::test]
async fn a_question_that_fails_for_a_moment_is_asked_again() {
    let home = Home::new();
    for command in [&["run-eval", "t", "c", "--wait"][..]] {
        let daemon = hesitant(1).await;
        let output = run(home.command(&[command, &["--url", &daemon.url]].concat())).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{command:?}: {said}");
        assert!(said.contains("it is busy; try again later; trying again"), "{command:?}: {said}");
    }
}

#[tokio::test]
async fn waiting_asks_no_more_the_more_there_is_to_tell() {
    let home = Home::new();
    let daemon = hesitant(100).await;
    let waiting = ["run-eval", "t", "c", "--wait", "--url", &daemon.url];
    let output = run(home.command(&waiting)).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(daemon.calls("status"), 4, "twice each, because it failed once each");
}

/// 60 newer canaries are over; one waits for somebody.
#[tokio::test]
async fn a_canary_that_waits_is_seen_behind_many_that_are_over() {
    let home = Home::new();
    let answers = |tool: &str, arguments: &Value, _: usize| {
        let canary = |id: usize, status: &str, phase: &str| {
            json!({
                "canaryId": format!("canary_{id}"), "modelId": "m:1", "fromGate": "stage",
                "toGate": "live", "status": status, "phase": phase,
                "updatedAt": "2026-11-21T19:00:00Z", "elapsedSeconds": 1.0,
            })
        };
        let mut canaries: Vec<Value> = (1..=60).map(|id| canary(id, "PROMOTED", "over")).collect();
        canaries.extend((61..=300).map(|id| canary(id, "PENDING", "over")));
        canaries.push(canary(999, "RUNNING", "awaiting_approval"));
        let statuses = arguments["status"].as_array().cloned().unwrap_or_default();
        canaries.retain(|canary| statuses.is_empty() || statuses.contains(&canary["status"]));
        let limit = arguments["limit"].as_u64().unwrap_or(50);
        canaries.truncate(usize::try_from(limit).unwrap());
        Reply::Answer(match tool {
            "list_canaries" => json!({ "canaries": canaries }),
            "list_jobs" => json!({ "jobs": [] }),
            _ => json!({ "name": "lukhas-mcp", "version": "0", "registry": "local" }),
        })
    };
    let daemon = StandIn::start(answers, [vec![]]).await;
    let output = run(home.command(&["status", "--url", &daemon.url])).await;
    let screen = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(screen.matches("◌ awaits approval  canary_999").count(), 2, "{screen}");
}
