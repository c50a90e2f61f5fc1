//! The screen of `status`, as its reader sees it.

use serde_json::json;

use super::*;

fn screen(actors: &Value) -> Screen {
    let job = |id: &str, status: &str, progress: Value| {
        json!({
            "jobId": id, "taskId": "quick", "configId": "default", "status": status,
            "startedAt": "2026-11-21T19:00:00Z", "runningAt": "2026-11-21T19:00:00Z",
            "updatedAt": "2026-11-21T19:59:00Z", "progress": progress, "error": "timeout",
        })
    };
    let canary = |id: &str, status: &str, phase: &str, reason: Value| {
        json!({
            "canaryId": id, "modelId": "adder:3", "fromGate": "staging", "toGate": "production",
            "status": status, "phase": phase, "updatedAt": "2026-11-21T19:59:30Z",
            "elapsedSeconds": 30.0, "policy": { "windowSeconds": 60 }, "reason": reason,
        })
    };
    Screen {
        address: "http://127.0.0.1:1".to_owned(),
        you: You { principal: "key:ab12".to_owned(), role: "operate".to_owned() },
        daemon: serde_json::from_value(json!({
            "name": "lukhas-mcp", "version": "0.1.0", "uptimeSeconds": 7_260, "registry": "local",
            "jobs": { "byStatus": { "FAILED": 1, "RUNNING": 1, "QUEUED": 0 } },
            "canaries": { "RUNNING": 2 }, "actors": actors,
            "database": { "bytes": 1_260_000, "commits": 46, "failedOperations": 0, "waiting": 0 },
        }))
        .unwrap(),
        open_jobs: vec![
            serde_json::from_value(job("job_q", "QUEUED", Value::Null)).unwrap(),
            serde_json::from_value(job("job_r", "RUNNING", json!({ "fraction": 0.5 }))).unwrap(),
        ],
        ended_jobs: vec![serde_json::from_value(job("job_f", "FAILED", Value::Null)).unwrap()],
        canaries: [
            canary("canary_o", "RUNNING", "observing", Value::Null),
            canary("canary_w", "RUNNING", "awaiting_approval", json!("inconclusive")),
            canary("canary_a", "ROLLED_BACK", "over", json!("aborted")),
            canary("canary_b", "ROLLED_BACK", "over", json!("latency_breach")),
        ]
        .map(|canary| serde_json::from_value(canary).unwrap())
        .into(),
    }
}

#[test]
fn the_screen_tells_what_runs_and_what_needs_attention() {
    let now = Timestamp::parse("2026-11-21T20:00:00Z").unwrap();
    let lines = screen(&json!([])).render(Style::PLAIN, now);
    let head = "lukhas-mcp 0.1.0 at http://127.0.0.1:1, up 2 h 1 min, local registry; \
                you are key:ab12 and may operate";
    assert_eq!(lines[0], head);
    assert_eq!(lines[1], "  jobs      ✕ 1 failed   ● 1 running");
    assert_eq!(lines[3], "  database  1.3 MB, 46 commits, 0 waiting");
    assert_eq!(lines[5], "Needs attention");
    let expected = [
        "  ◌ awaits approval  canary_w  adder:3  staging → production  inconclusive  30 s ago",
        "  ↩ rolled back      canary_b  adder:3  staging → production  latency_breach  30 s ago",
        "  ✕ failed           job_f  quick default  timeout  1 min ago",
    ];
    assert_eq!(lines[6..9], expected);
    assert_eq!(lines[10], "Running");
    let canary = "  ● running          canary_o  adder:3  staging → production  \
                  ██████████░░░░░░░░░░  30 s of 1 min";
    assert_eq!(lines[11], canary);
    let job =
        "  ● running          job_r  quick default  ██████████░░░░░░░░░░  50 %  since 1 h ago";
    assert_eq!(lines[13], job);
}

#[test]
fn a_daemon_with_troubles_says_so_and_one_without_has_nothing() {
    let now = Timestamp::parse("2026-11-23T20:00:00Z").unwrap();
    let mut calm = screen(&json!([]));
    calm.canaries.clear();
    let lines = calm.render(Style::PLAIN, now);
    assert!(lines.contains(&"Needs attention: nothing".to_owned()), "{lines:#?}");
    let troubled = screen(&json!([
        { "actor": "database", "restarts": 0, "givenUp": 0 },
        { "actor": "canary", "restarts": 2, "givenUp": 1 },
    ]));
    let lines = troubled.render(Style::PLAIN, now);
    let said = "  ✕ daemon           canary: 2 restarts, given up 1 times";
    assert!(lines.contains(&said.to_owned()), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("database: ")), "{lines:#?}");
}
