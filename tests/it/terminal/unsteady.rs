//! A daemon that fails for a moment, goes away or does not answer costs whoever waits neither an
//! event nor the end, and never the way out.

use serde_json::{Value, json};

use super::run;
use super::stand_in::{Reply, StandIn};
use crate::harness::Home;

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
