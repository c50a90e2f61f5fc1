//! That a daemon that is started anew takes up its runs as they are.

use std::process::Command;
use std::sync::Arc;

use serde_json::Value;

use super::*;

/// A run that waits for the file `go` and then leaves a result.
fn waiting(result: &str) -> String {
    format!("echo started >> starts; until [ -e go ]; do sleep 0.01; done; {result}")
}

#[tokio::test]
async fn a_run_that_lives_is_taken_up_and_finishes() {
    let machine = Machine::new();
    machine.script("waiting", &format!("echo LUKHAS_PROGRESS 0.1; {}", waiting(RESULT)), "");
    let run = machine.runner().run(&request("1", "waiting")).await.unwrap();
    until("it has started", || machine.path("repository/starts").exists()).await;
    let runner = machine.runner();
    assert_eq!(runner.find(&job("1")).await.unwrap(), Some(run.clone()));
    assert_eq!(runner.run(&request("1", "waiting")).await.unwrap(), run);
    let status = runner.poll(&run).await.unwrap();
    assert!(
        matches!(&status, RunStatus::Running(progress) if progress.fraction == Some(0.1)),
        "{status:?}"
    );
    machine.write("repository/go", "");
    let result = done(outcome(&runner, &run).await);
    assert_eq!(result.exit_code, None, "only the first daemon could have known");
    assert_eq!(machine.read("repository/starts"), "started\n");
}

#[tokio::test]
async fn a_run_that_ended_meanwhile_is_judged_by_its_files() {
    let machine = Machine::new();
    machine.write("repository/go", "");
    machine.script("lucky", &waiting(RESULT), "");
    machine.script("unlucky", &waiting("exit 1"), "");
    let (lucky, unlucky) = {
        let runner = machine.runner();
        let lucky = runner.run(&request("1", "lucky")).await.unwrap();
        (lucky, runner.run(&request("2", "unlucky")).await.unwrap())
    };
    let runner = machine.runner();
    done(outcome(&runner, &lucky).await);
    let failure = failed(outcome(&runner, &unlucky).await, FailureReason::Lost);
    let expected = "the run is gone and left no result, and nobody saw how it ended";
    assert_eq!(failure.message, expected);
}

#[tokio::test]
async fn what_one_daemon_saw_the_next_one_knows() {
    let machine = Machine::new();
    machine.script("unlucky", "exit 7", "");
    let first = machine.runner();
    let run = first.run(&request("1", "unlucky")).await.unwrap();
    let seen = outcome(&first, &run).await;
    assert_eq!(outcome(&machine.runner(), &run).await, seen);
    assert_eq!(failed(seen, FailureReason::NoResult).exit_code, Some(7));
}

#[tokio::test]
async fn a_run_taken_up_is_timed_from_its_start_and_can_be_ended() {
    let machine = Machine::new();
    machine.script("long", "sleep 1000", "");
    let mut request = request("1", "long");
    request.timeout = Some(Duration::from_millis(400));
    let run = machine.runner().run(&request).await.unwrap();
    let runner = machine.runner();
    failed(outcome(&runner, &run).await, FailureReason::Timeout);
    assert_eq!(machine.processes(), 0);
    request.job_id = job("2");
    request.timeout = None;
    let run = machine.runner().run(&request).await.unwrap();
    runner.cancel(&run).await.unwrap();
    assert_eq!(machine.processes(), 0);
}

#[tokio::test]
async fn an_end_that_was_cut_short_is_brought_to_its_end() {
    let machine = Machine::new();
    machine.script("stubborn", "trap '' TERM; touch up; while :; do sleep 0.1; done", "");
    let first = Arc::new(machine.runner());
    let run = first.run(&request("1", "stubborn")).await.unwrap();
    until("the signal is ignored", || machine.path("repository/up").exists()).await;
    let cancel = {
        let (first, run) = (Arc::clone(&first), run.clone());
        tokio::spawn(async move { first.cancel(&run).await })
    };
    until("the end is noted", || machine.path("runs/job_1/1/ending.json").exists()).await;
    cancel.abort();
    let machine = machine.with_grace(Duration::from_millis(100));
    let runner = machine.runner();
    let failure = failed(outcome(&runner, &run).await, FailureReason::NoResult);
    assert_eq!(failure.message, "the run was cancelled");
    assert_eq!(machine.processes(), 0);
}

#[tokio::test]
async fn a_start_that_a_crash_cut_short_is_made_void_and_started_anew_once() {
    let machine = Machine::new();
    machine.script("count", &format!("echo started >> starts; {RESULT}"), "");
    let slow = machine.slow_daemon();
    let crashed = {
        let runner = machine.runner_started_by(&slow);
        tokio::spawn(async move { runner.run(&request("1", "count")).await })
    };
    until("the first attempt waits", || machine.path("runs/job_1/1/spec.json").exists()).await;
    let runner = machine.runner();
    assert_eq!(runner.find(&job("1")).await.unwrap(), None);
    let run = runner.run(&request("1", "count")).await.unwrap();
    done(outcome(&runner, &run).await);
    machine.write("go", "");
    assert_eq!(crashed.await.unwrap().unwrap(), run, "the late one finds the run of the other");
    until("the late shim is gone", || machine.processes() == 0).await;
    assert_eq!(machine.read("repository/starts"), "started\n");
}

/// A daemon that dies while the shim that it started has not claimed its attempt yet.
async fn crash_before_claim(machine: &Machine) {
    // A daemon's part up to there, and a shim that has no parent any more.
    let runs = machine.path("runs/job_1/1");
    fs::create_dir_all(runs.join("result")).unwrap();
    let spec = serde_json::json!({
        "job_id": "job_1", "task_id": "count", "config_id": "plain",
        "command": ["sh", "-c", "echo started >> starts"],
        "working_directory": machine.path("repository"),
        "environment": { "pass": ["PATH"], "set": {} },
        "limits": { "output_mib": 1 },
        "timeout_milliseconds": 60_000,
        "result_format": "plain",
    });
    machine.write("runs/job_1/1/spec.json", &spec.to_string());
    let orphan = format!("'{}' exec-run '{}' &", machine.slow_daemon().display(), runs.display());
    let mut shell = Command::new("sh");
    shell.args(["-c", &orphan]).current_dir(machine.path("runs"));
    assert!(shell.status().unwrap().success());
    until("the shim is there", || machine.processes() > 0).await;
}

#[tokio::test]
async fn a_late_shim_of_a_daemon_that_died_runs_nothing_once_its_start_is_given_up() {
    for give_up in ["find", "cancel", "poll"] {
        let machine = Machine::new();
        crash_before_claim(&machine).await;
        let runner = machine.runner();
        let run = ExternalRef("job_1".to_owned());
        match give_up {
            "find" => assert_eq!(runner.find(&job("1")).await.unwrap(), None),
            "cancel" => runner.cancel(&run).await.unwrap(),
            _ => drop(runner.poll(&run).await.unwrap()),
        }
        machine.write("go", "");
        until("the late shim is gone", || machine.processes() == 0).await;
        let failure = failed(runner.poll(&run).await.unwrap(), FailureReason::NotStarted);
        assert_eq!(failure.message, "the run was never started");
        assert!(!machine.path("repository/starts").exists(), "after {give_up}");
    }
}

#[tokio::test]
async fn a_shim_of_a_daemon_that_died_may_still_be_in_time() {
    let machine = Machine::new();
    crash_before_claim(&machine).await;
    machine.write("go", "");
    until("the run is over", || machine.processes() == 0).await;
    let runner = machine.runner();
    machine.script("count", "echo started >> starts", "");
    let run = runner.run(&request("1", "count")).await.unwrap();
    failed(outcome(&runner, &run).await, FailureReason::Lost);
    assert_eq!(machine.read("repository/starts"), "started\n");
}

/// Changes the process that a run's claim names.
fn forge_claim(machine: &Machine, change: impl FnOnce(&mut Value)) {
    let mut claim: Value = serde_json::from_str(&machine.read("runs/job_1/1/claim")).unwrap();
    change(&mut claim["started"]);
    machine.write("runs/job_1/1/claim", &claim.to_string());
}

#[tokio::test]
async fn a_run_of_an_earlier_boot_is_lost() {
    let machine = Machine::new();
    machine.script("short", "true", "");
    let run = machine.runner().run(&request("1", "short")).await.unwrap();
    forge_claim(&machine, |process| process["boot_id"] = "an earlier one".into());
    let failure = failed(outcome(&machine.runner(), &run).await, FailureReason::Lost);
    let expected = "the machine was restarted during the run, which left no result";
    assert_eq!(failure.message, expected);
}

#[tokio::test]
async fn a_process_that_has_the_number_by_chance_is_left_alone() {
    let machine = Machine::new();
    machine.script("short", "true", "");
    let run = machine.runner().run(&request("1", "short")).await.unwrap();
    let mut bystander = Command::new("setsid").args(["sleep", "1000"]).spawn().unwrap();
    forge_claim(&machine, |process| {
        process["pid"] = bystander.id().into();
        process["start_ticks"] = 1.into();
    });
    let runner = machine.runner();
    runner.cancel(&run).await.unwrap();
    failed(outcome(&runner, &run).await, FailureReason::Lost);
    runner.forget(&job("1")).await.unwrap();
    assert_eq!(bystander.try_wait().unwrap(), None, "it goes on");
    bystander.kill().unwrap();
    bystander.wait().unwrap();
}

#[tokio::test]
async fn a_claim_that_cannot_be_read_starts_nothing_again() {
    let machine = Machine::new();
    machine.script("count", &format!("echo started >> starts; {RESULT}"), "");
    let run = machine.runner().run(&request("1", "count")).await.unwrap();
    until("it is over", || machine.path("runs/job_1/1/result/result.json").exists()).await;
    machine.write("runs/job_1/1/claim", "{");
    let runner = machine.runner();
    assert_eq!(runner.run(&request("1", "count")).await.unwrap(), run);
    done(outcome(&runner, &run).await);
    assert_eq!(machine.read("repository/starts"), "started\n");
}
