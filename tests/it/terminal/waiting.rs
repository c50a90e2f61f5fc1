//! `--wait` and `watch --until`: the exit code is how the thing ended.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::{Operator, ended, run};
use crate::canaries::home as canary_home;
use crate::canaries::site::{Face, Site};
use crate::harness::{Daemon, Home, PATIENCE};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_waited_for_gives_its_end() {
    let home = Home::new();
    home.task("broken", "exit 3");
    let daemon = home.start().await;
    let operator = Operator { home: &home, daemon: &daemon };
    let printed = operator.print(&["run-eval", "quick", "default", "--wait"]).await;
    assert!(printed.starts_with("✓ completed"), "{printed}");
    assert!(printed.contains("accuracy  0.7500  ± 0.1000  20"), "{printed}");
    let ended_well = operator.json(&["run-eval", "quick", "default", "--wait"]).await;
    assert_eq!(ended_well["status"], "COMPLETED");
    assert_eq!(ended_well["result"]["metrics"]["accuracy"], 0.75);

    let output = operator.run(&["run-eval", "broken", "default", "--wait", "--json"]).await;
    let line = ended(&output, 9);
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["status"], "FAILED");
    assert!(line.contains(&format!("{} failed", printed["jobId"].as_str().unwrap())), "{line}");
    // Long over, and nobody tells of it any more.
    let job = printed["jobId"].as_str().unwrap();
    ended(&operator.run(&["watch", "--until", job]).await, 9);
    let good = ended_well["jobId"].as_str().unwrap();
    assert!(operator.run(&["watch", "--until", good]).await.status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_job_is_9_and_an_aborted_canary_is_10() {
    let site = Site::start([("live", Face::idle())]).await;
    let home = canary_home(&site);
    let daemon = home.start().await;
    let operator = Operator { home: &home, daemon: &daemon };
    let waiting = run(operator.command(&["run-eval", "sleep", "default", "--wait"]));
    let cancelling = async {
        let job = first(&daemon, "list_jobs", "jobs", "jobId", |job| job["status"] == "RUNNING");
        let call = json!({ "jobId": job.await, "reason": "only a try" });
        daemon.ask("cancel_job", call).await;
    };
    let (output, ()) = tokio::join!(waiting, cancelling);
    let line = ended(&output, 9);
    assert!(line.contains("was cancelled for anonymous"), "{line}");

    let canary = [
        "start-canary",
        "live-model:2",
        "--from",
        "stage",
        "--to",
        "live",
        "--window",
        "600",
        "--max-error-rate",
        "0.05",
        "--wait",
    ];
    let waiting = run(operator.command(&canary));
    let aborting = async {
        let is_there = |canary: &Value| canary["phase"] == "observing";
        let id = first(&daemon, "list_canaries", "canaries", "canaryId", is_there).await;
        daemon.ask("abort_canary", json!({ "canaryId": id, "reason": "only a try" })).await;
    };
    let (output, ()) = tokio::join!(waiting, aborting);
    let line = ended(&output, 10);
    assert!(line.contains("was rolled back: aborted"), "{line}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("■ aborted"), "{output:?}");
}

/// A dry run changes no status; what it would have come to is its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_that_was_waited_for_ends_as_it_would_have() {
    let site = Site::start([
        ("good", Face::failing(0.0)),
        ("bad", Face::failing(0.5)),
        ("empty", Face::idle()),
    ])
    .await;
    let home = canary_home(&site);
    let daemon = home.start().await;
    let operator = Operator { home: &home, daemon: &daemon };
    for (gate, code, sign) in [
        ("good", 0, "↑ would promote"),
        ("bad", 10, "↩ would roll back"),
        ("empty", 9, "◌ would ask"),
    ] {
        let policy = json!({
            "windowSeconds": 5, "pollSeconds": 0.25, "warmupSeconds": 0,
            "targets": { "max_error_rate": 0.2 }, "onNoData": "wait", "onInconclusive": "hold",
        });
        std::fs::write(home.path().join("policy.json"), policy.to_string()).unwrap();
        let begin = ["start-canary", "some-model:2", "--from", gate, "--to", "live", "--dry-run"];
        let begin = [&begin[..], &["--policy", "policy.json", "--wait"]].concat();
        let output = operator.run(&begin).await;
        let printed = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{gate}: {output:?}");
        assert!(printed.starts_with(sign), "{gate}: {printed}");
        let canary = printed.split_whitespace().find(|word| word.starts_with("canary_")).unwrap();
        let watched = operator.run(&["watch", "--until", canary]).await;
        assert_eq!(watched.status.code(), Some(code), "{gate}: {watched:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_ends_the_waiting_and_not_the_job() {
    let home = Home::new();
    let daemon = home.start().await;
    let operator = Operator { home: &home, daemon: &daemon };
    let mut command = operator.command(&["run-eval", "sleep", "default", "--wait"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let is_there = |job: &Value| job["status"] == "RUNNING";
    let job = first(&daemon, "list_jobs", "jobs", "jobId", is_there).await;
    // It tells how the job stands after it has begun to listen for the signal.
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let telling = tokio::task::spawn_blocking(move || {
        let mut first = String::new();
        said.read_line(&mut first).unwrap();
        (first, said)
    });
    let (first, mut said) = tokio::time::timeout(PATIENCE, telling).await.unwrap().unwrap();
    assert!(first.contains("running") || first.contains("queued"), "{first}");
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    let output = tokio::task::spawn_blocking(move || {
        let mut output = child.wait_with_output().unwrap();
        said.read_to_end(&mut output.stderr).unwrap();
        output
    });
    let output = tokio::time::timeout(PATIENCE, output).await.unwrap().unwrap();
    let line = ended(&output, 130);
    assert!(line.contains(&format!("{job} goes on")), "{line}");
    assert_eq!(daemon.ask("status", json!({ "jobId": job })).await["status"], "RUNNING");
}

/// Waits until a list has something, and returns its id.
async fn first(
    daemon: &Daemon,
    tool: &str,
    list: &str,
    id: &str,
    is_it: impl Fn(&Value) -> bool,
) -> String {
    let began = Instant::now();
    loop {
        let listed = daemon.ask(tool, json!({})).await;
        if let Some(found) = listed[list].as_array().unwrap().iter().find(|one| is_it(one)) {
            return found[id].as_str().unwrap().to_owned();
        }
        assert!(began.elapsed() < PATIENCE, "nothing came: {listed}");
        sleep(Duration::from_millis(20)).await;
    }
}
