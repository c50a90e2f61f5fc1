//! Every command: for people, and for programs exactly what the tool answered.

use serde_json::{Value, json};

use super::Operator;
use crate::canaries::home;
use crate::canaries::site::{Face, Site};
use crate::harness::Home;

/// A policy whose canary waits for somebody, so that nothing moves while it is looked at.
fn waiting() -> Value {
    json!({
        "windowSeconds": 600, "targets": { "max_error_rate": 0.05 },
        "approval": { "before": ["start"] },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_is_shown_to_people_and_given_to_programs_as_it_is() {
    let site = Site::start([("live", Face::idle())]).await;
    let home = home(&site);
    std::fs::write(home.path().join("notes.md"), "# On the weather\nrain, mostly\n").unwrap();
    let daemon = home.start().await;
    let operator = Operator { home: &home, daemon: &daemon };
    let job = daemon.run_eval("quick").await;
    daemon.until(&job, &["COMPLETED"]).await;
    let canary = crate::canaries::begin(&daemon, "live", &waiting()).await;
    let shown = |id: &str| json!({ "id": id });
    let rows: [(&[&str], &str, Value, &[&str]); 9] = [
        (&["jobs"], "list_jobs", json!({}), &["STATE", "✓ completed", &job, "quick", "100 %"]),
        (
            &["jobs", "--status", "failed,queued", "--limit", "3"],
            "list_jobs",
            json!({ "status": ["FAILED", "QUEUED"], "limit": 3 }),
            &[],
        ),
        (&["canaries"], "list_canaries", json!({}), &["◌ awaits approval", &canary, "10 min"]),
        (
            &["canaries", "--model", "nobody", "--status", "rolled-back"],
            "list_canaries",
            json!({ "modelId": "nobody" }),
            &[],
        ),
        (&["models"], "list_models", json!({}), &["live-model:1", "live"]),
        (
            &["models", "--model", "live-model:1"],
            "model_history",
            json!({ "modelId": "live-model:1" }),
            &["live-model:1", "done"],
        ),
        (&["why", &job], "why", shown(&job), &["asked for an eval of quick", "accuracy 0.7500"]),
        (&["logs", &job], "job_logs", json!({ "jobId": job }), &[]),
        (
            &["call", "status", &json!({ "jobId": job }).to_string()],
            "status",
            json!({ "jobId": job }),
            &["\"taskId\": \"quick\""],
        ),
    ];
    for (arguments, tool, call, expected) in rows {
        let printed = operator.print(arguments).await;
        for part in expected {
            assert!(printed.contains(part), "{arguments:?} does not show {part}:\n{printed}");
        }
        assert!(!printed.contains('\u{1b}'), "{arguments:?} has colours in a pipe:\n{printed}");
        assert_eq!(operator.json(arguments).await, daemon.ask(tool, call).await, "{arguments:?}");
    }
    let facts = operator.print(&["why", &job, "--facts"]).await;
    assert!(facts.contains("action=job_complete"), "{facts}");
    let found = operator.print(&["search", "rain", "mostly"]).await;
    assert!(found.contains("notes.md") && found.contains("rain, mostly"), "{found}");
    assert_eq!(operator.json(&["search", "rain"]).await["ids"].as_array().unwrap().len(), 1);
    let screen = operator.print(&["status"]).await;
    for part in ["lukhas-mcp 0.1.0 at http", "✓ 1 completed", "Needs attention", &canary] {
        assert!(screen.contains(part), "{screen}");
    }
    assert_eq!(operator.json(&["status"]).await["jobs"]["byStatus"]["COMPLETED"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_something_says_how_it_stands_then() {
    let site = Site::start([("live", Face::idle())]).await;
    let home = home(&site);
    let daemon = home.start().await;
    let operator = Operator { home: &home, daemon: &daemon };
    let dry = operator.print(&["run-eval", "quick", "default", "--dry-run"]).await;
    assert!(dry.starts_with("◌ dry run"), "{dry}");
    let started =
        operator.json(&["run-eval", "sleep", "default", "--idempotency-key", "one"]).await;
    let job = started["jobId"].as_str().unwrap();
    let again = operator.json(&["run-eval", "sleep", "default", "--idempotency-key", "one"]).await;
    assert_eq!(again["jobId"], *job);
    let cancelled = operator.print(&["cancel", job, "--reason", "only a try"]).await;
    assert!(cancelled.contains(job), "{cancelled}");
    daemon.until(job, &["CANCELLED"]).await;
    let why = operator.print(&["why", job]).await;
    assert!(why.contains("only a try"), "{why}");

    let promoted =
        operator.print(&["promote", "live-model:1", "live", "--reason", "it is new"]).await;
    assert_eq!(promoted, "↑ promoted  live-model:1 into live\n");
    let again = operator.print(&["promote", "live-model:1", "live"]).await;
    assert_eq!(again, "· no change: live-model:1 stands in live\n");
    let dry = operator.print(&["promote", "live-model:0", "live", "--dry-run"]).await;
    assert_eq!(dry, "◌ dry run: live-model:0 would enter live\n");

    let policy = home.path().join("policy.json");
    std::fs::write(&policy, waiting().to_string()).unwrap();
    let begin = [
        "start-canary",
        "live-model:2",
        "--from",
        "stage",
        "--to",
        "live",
        "--latency-p95-ms",
        "250",
        "--policy",
        "policy.json",
    ];
    let started = operator.json(&begin).await;
    assert_eq!(
        started["policy"]["targets"],
        json!({ "max_error_rate": 0.05, "latency_p95_ms": 250 })
    );
    let canary = started["canaryId"].as_str().unwrap();
    let approved = operator.json(&["approve", canary, "--reason", "go"]).await;
    assert_eq!(approved["canaryId"], *canary);
    crate::canaries::until(&daemon, canary, crate::harness::PATIENCE, |shown| {
        shown["phase"] == "observing"
    })
    .await;
    let mark_of = |printed: String| printed.split("canary_").next().unwrap().trim().to_owned();
    assert_eq!(mark_of(operator.print(&["pause", canary]).await), "‖ paused");
    assert_eq!(mark_of(operator.print(&["resume", canary]).await), "● running");
    assert_eq!(
        mark_of(operator.print(&["promote-now", canary, "--reason", "known good"]).await),
        "↑ promoted"
    );
    let begin = ["start-canary", "live-model:3", "--from", "stage", "--to", "live", "--dry-run"];
    let begin = [&begin[..], &["--window", "600", "--max-error-rate", "0.05"]].concat();
    let dry = operator.json(&begin).await;
    assert_eq!((&dry["status"], &dry["policy"]["windowSeconds"]), (&json!("PENDING"), &json!(600)));
    let canary = dry["canaryId"].as_str().unwrap();
    let aborted = operator.print(&["abort", canary, "--reason", "only a try"]).await;
    assert!(aborted.contains(canary), "{aborted}");
    let back = operator.print(&["rollback", "live-model:2", "live", "--reason", "too new"]).await;
    assert_eq!(back, "↩ rolled back  live-model:2; live now has live-model:1\n");
}

/// Arguments from standard input, and a reader that has enough.
#[tokio::test]
async fn it_can_stand_in_a_pipe() {
    let home = Home::new();
    let daemon = home.start().await;
    let operator = Operator { home: &home, daemon: &daemon };
    let job = daemon.run_eval("quick").await;
    let program = env!("CARGO_BIN_EXE_lukhas-mcp");
    let line = format!(
        "set -o pipefail; printf '{{\"jobId\":\"{job}\"}}' | {program} call status - --json && \
         {program} why {job} | head -n 1 && {program} call git_log '{{}}' </dev/null | head -c 0"
    );
    let mut command = operator.command(&[]);
    command =
        {
            let mut shell = std::process::Command::new("bash");
            shell.args(["-c", &line]).env_clear().envs(command.get_envs().filter_map(
                |(name, value)| value.map(|value| (name.to_owned(), value.to_owned())),
            ));
            shell.current_dir(home.path());
            shell
        };
    let output = super::run(command).await;
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains(&job), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{output:?}");
}
