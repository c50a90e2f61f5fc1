//! That a run's end is an end: of all its processes, and of its files when it is forgotten.

use lukhas_mcp::adapters::RunnerError;

use super::*;

/// Grandchildren in the run's own process group, in a group of their own, and without a parent.
const FAMILY: &str =
    "sleep 1000 & (sleep 1000 &) ; sh -c 'set -m; sleep 1000 & wait' & touch up; wait";

#[tokio::test]
async fn a_cancel_ends_every_process_and_may_be_repeated() {
    let machine = Machine::new();
    machine.script("family", FAMILY, "");
    let runner = machine.runner();
    let run = runner.run(&request("1", "family")).await.unwrap();
    until("the family is there", || machine.processes() >= 5).await;
    let (first, second) = tokio::join!(runner.cancel(&run), runner.cancel(&run));
    first.unwrap();
    second.unwrap();
    assert_eq!(machine.processes(), 0);
    let failure = failed(outcome(&runner, &run).await, FailureReason::NoResult);
    assert_eq!(failure.message, "the run was cancelled");
    runner.cancel(&run).await.unwrap();
}

#[tokio::test]
async fn a_run_that_ignores_the_signal_is_killed_at_its_timeout() {
    let machine = Machine::new().with_grace(Duration::from_millis(200));
    machine.script("stubborn", "trap '' TERM; while :; do sleep 0.1; done", "");
    let runner = machine.runner();
    let mut request = request("1", "stubborn");
    request.timeout = Some(Duration::from_millis(300));
    let run = runner.run(&request).await.unwrap();
    assert!(matches!(runner.poll(&run).await.unwrap(), RunStatus::Running(_)));
    let failure = failed(outcome(&runner, &run).await, FailureReason::Timeout);
    assert_eq!(failure.message, "the run took longer than 1 s and was ended");
    assert_eq!(machine.processes(), 0);
}

#[tokio::test]
async fn the_tasks_own_timeout_holds_and_a_result_written_late_does_not_count() {
    let machine = Machine::new();
    let script = "tidy() { exec cp good.json \"$result\"; }; result=\"$1\"; trap tidy TERM; \
                  while :; do sleep 0.05; done";
    machine.write("repository/good.json", r#"{"metrics": {"accuracy": 1}}"#);
    machine.script("late", script, "timeout_seconds = 1");
    let runner = machine.runner();
    let mut request = request("1", "late");
    request.timeout = Some(Duration::from_mins(1));
    let run = runner.run(&request).await.unwrap();
    let failure = failed(outcome(&runner, &run).await, FailureReason::Timeout);
    assert_eq!(failure.exit_code, Some(0), "it was let tidy up");
    assert!(machine.path("runs/job_1/1/result/result.json").exists());
}

#[tokio::test]
async fn a_stopped_run_is_ended_too() {
    let machine = Machine::new();
    machine.script("stopped", "kill -STOP $$; sleep 1000", "");
    let runner = machine.runner();
    let run = runner.run(&request("1", "stopped")).await.unwrap();
    runner.cancel(&run).await.unwrap();
    assert_eq!(machine.processes(), 0);
}

#[tokio::test]
async fn what_a_run_leaves_running_ends_with_it() {
    let machine = Machine::new();
    machine.script("untidy", &format!("sleep 1000 & {RESULT}"), "");
    let runner = machine.runner();
    let run = runner.run(&request("1", "untidy")).await.unwrap();
    done(outcome(&runner, &run).await);
    until("nothing is left", || machine.processes() == 0).await;
}

#[tokio::test]
async fn a_forgotten_run_leaves_nothing() {
    let machine = Machine::new();
    machine.script("short", RESULT, "");
    machine.script("long", "sleep 1000", "");
    let runner = machine.runner();
    let run = runner.run(&request("1", "short")).await.unwrap();
    done(outcome(&runner, &run).await);
    runner.run(&request("2", "long")).await.unwrap();
    for name in ["1", "2", "1", "2", "never"] {
        runner.forget(&job(name)).await.unwrap();
        assert_eq!(runner.find(&job(name)).await.unwrap(), None);
    }
    assert!(matches!(runner.poll(&run).await, Err(RunnerError::UnknownRun)));
    assert_eq!(fs::read_dir(machine.path("runs")).unwrap().count(), 0);
    assert_eq!(machine.processes(), 0);
}

#[tokio::test]
async fn a_name_that_is_none_of_the_runners_is_unknown() {
    let machine = Machine::new();
    let runner = machine.runner();
    for name in ["job_absent", "../job_1", "", "canary_1", "job_1/../../x"] {
        let run = ExternalRef(name.to_owned());
        let logs = runner.logs(&run, lukhas_mcp::adapters::LogStream::Stdout, 10).await;
        assert!(matches!(logs, Err(RunnerError::UnknownRun)), "{name}");
        assert!(matches!(runner.poll(&run).await, Err(RunnerError::UnknownRun)), "{name}");
    }
    runner.cancel(&ExternalRef("job_absent".to_owned())).await.unwrap();
}
