//! A daemon that fails for a moment, goes away or does not answer costs whoever waits neither an
//! event nor the end, and never the way out.

use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep, timeout};

use super::stand_in::{Reply, StandIn, event, job, open};
use super::watching::{on_a_terminal, script_is_there};
use super::{Operator, run};
use crate::harness::{Home, PATIENCE};

/// The events that were printed, by their ids.
fn ids(output: &std::process::Output) -> Vec<i64> {
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    let ids = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    ids.filter_map(|line| line["id"].as_i64()).collect()
}

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
    for command in [&["run-eval", "t", "c", "--wait"][..], &["watch", "--until", "job_x"]] {
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

#[tokio::test]
async fn what_happened_while_nobody_listened_is_told_before_the_end() {
    let home = Home::new();
    let answers = |_: &str, _: &Value, before: usize| {
        let status = if before == 0 { "RUNNING" } else { "COMPLETED" };
        Reply::Answer(job("job_x", status))
    };
    let first = vec![(0, open(Some(1))), (0, event(2, "running", "job_x", "RUNNING"))];
    let second = vec![
        (0, open(None)),
        (500, event(3, "update", "job_x", "RUNNING")),
        (0, event(4, "completed", "job_x", "COMPLETED")),
    ];
    let daemon = StandIn::start(answers, [first, second]).await;
    let watching = ["watch", "--until", "job_x", "--url", &daemon.url];
    let output = run(home.command(&watching)).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(ids(&output), [2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_begins_behind_the_end_ends() {
    let home = Home::new();
    let daemon = home.start().await;
    let operator = Operator { home: &home, daemon: &daemon };
    let first = daemon.run_eval("quick").await;
    daemon.until(&first, &["COMPLETED"]).await;
    let whole = operator.run(&["watch", "--after", "0", "--until", &first]).await;
    assert_eq!(whole.status.code(), Some(0), "{whole:?}");
    let last = ids(&whole).last().unwrap().to_string();
    // Nothing comes behind it.
    let behind = operator.run(&["watch", "--after", &last, "--until", &first]).await;
    assert_eq!((behind.status.code(), ids(&behind)), (Some(0), vec![]), "{behind:?}");
    assert!(ended_is_said(&behind), "{behind:?}");
    // Much comes behind it, and none of that is before the end.
    sleep(Duration::from_millis(1100)).await;
    let second = daemon.run_eval("quick").await;
    daemon.until(&second, &["COMPLETED"]).await;
    let behind = operator.run(&["watch", "*", "--after", &last, "--until", &first]).await;
    assert_eq!(behind.status.code(), Some(0), "{behind:?}");
    assert!(!String::from_utf8_lossy(&behind.stdout).contains(&second), "{behind:?}");
}

fn ended_is_said(output: &std::process::Output) -> bool {
    String::from_utf8_lossy(&output.stderr).contains("not among the events that are kept")
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

/// A command on a terminal, and what is drawn there.
struct Shown {
    running: tokio::task::JoinHandle<std::process::Output>,
    typescript: std::path::PathBuf,
}

impl Shown {
    fn start(command: &Command, home: &Path) -> Self {
        let typescript = home.join("typescript");
        let running = tokio::spawn(run(on_a_terminal(command, &typescript)));
        Self { running, typescript }
    }

    async fn until(&self, part: &str) {
        let began = Instant::now();
        let drawn = || std::fs::read_to_string(&self.typescript).unwrap_or_default();
        while !drawn().contains(part) {
            assert!(began.elapsed() < PATIENCE, "{part} was never drawn: {:?}", drawn());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends a signal, and returns with which code the command ended because of it.
    async fn end_by(self, signal: Signal) -> Option<i32> {
        let file = self.typescript.with_extension("pid");
        let pid = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
        let ended = timeout(Duration::from_secs(5), self.running).await;
        ended.expect("it does not hear the signal").unwrap().status.code()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_view_ends_at_once_while_the_daemon_does_not_answer() {
    if !script_is_there() {
        return;
    }
    for signal in [Signal::INT, Signal::TERM] {
        let home = Home::new();
        let answers = |_: &str, _: &Value, _: usize| Reply::Silence;
        let daemon = StandIn::start(answers, [vec![(0, open(Some(1)))]]).await;
        let watch = home.command(&["watch", "--until", "job_x", "--url", &daemon.url]);
        let shown = Shown::start(&watch, home.path());
        shown.until("connecting").await;
        let began = Instant::now();
        while daemon.calls("status") == 0 {
            assert!(began.elapsed() < PATIENCE, "it never asked");
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(shown.end_by(signal).await, Some(130));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_thing_is_shown_however_many_are_newer() {
    if !script_is_there() {
        return;
    }
    let home = Home::new();
    let answers = |tool: &str, _: &Value, before: usize| match tool {
        "status" if before == 0 => Reply::Busy,
        "status" => Reply::Answer(job("job_old", "RUNNING")),
        _ => {
            let newest: Vec<_> = (0..200).map(|id| job(&format!("job_{id}"), "RUNNING")).collect();
            Reply::Answer(json!({ "jobs": newest }))
        }
    };
    let daemon = StandIn::start(answers, [vec![(0, open(Some(1)))]]).await;
    let watch = home.command(&["watch", "job/job_old", "--url", &daemon.url]);
    let shown = Shown::start(&watch, home.path());
    shown.until("takes no requests").await;
    shown.until("job_old          ").await;
    shown.until("1 running, 0 queued").await;
    assert_eq!(shown.end_by(Signal::INT).await, Some(0));
}
