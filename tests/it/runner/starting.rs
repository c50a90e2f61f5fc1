//! That a run starts once, with what its task declares and nothing else.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use lukhas_mcp::adapters::{LogStream, RunnerError};

use super::*;

#[tokio::test]
async fn a_run_goes_from_start_to_result() {
    let machine = Machine::new();
    let script = format!(
        "echo LUKHAS_PROGRESS 0.5 half way; until [ -e go ]; do sleep 0.01; done; {RESULT}"
    );
    machine.script("sums", &script, "");
    let runner = machine.runner();
    let request = request("1", "sums");
    let plan = runner.plan(&request.task_id, &request.config_id).await.unwrap();
    assert_eq!(plan.timeout, Duration::from_mins(1));
    assert_eq!(runner.find(&job("1")).await.unwrap(), None);
    let run = runner.run(&request).await.unwrap();
    assert_eq!(runner.find(&job("1")).await.unwrap(), Some(run.clone()));
    let deadline = Instant::now() + PATIENCE;
    let progress = loop {
        match runner.poll(&run).await.unwrap() {
            RunStatus::Running(progress) if progress.fraction.is_some() => break progress,
            RunStatus::Running(_) => assert!(Instant::now() < deadline, "no progress is told"),
            other => panic!("the run should go on: {other:?}"),
        }
        sleep(Duration::from_millis(5)).await;
    };
    assert_eq!((progress.fraction, progress.text.as_deref()), (Some(0.5), Some("half way")));
    machine.write("repository/go", "");
    let result = done(outcome(&runner, &run).await);
    assert_eq!(result.metrics["accuracy"].value.to_bits(), 1.0_f64.to_bits());
    assert_eq!(result.exit_code, Some(0));
    assert_eq!(result.artifacts, ["result/result.json"]);
    let tail = runner.logs(&run, LogStream::Stdout, 1_000).await.unwrap();
    assert_eq!(tail.text, "LUKHAS_PROGRESS 0.5 half way\n");
    assert_eq!(tail.total_bytes, 29);
}

#[tokio::test]
async fn many_requests_for_one_job_are_one_run() {
    let machine = Machine::new();
    machine.script("count", &format!("echo started >> starts; {RESULT}"), "");
    let runner = machine.runner();
    let request = request("1", "count");
    let runs = join_all((0..20).map(|_| runner.run(&request))).await;
    let names: BTreeSet<String> = runs.into_iter().map(|run| run.unwrap().0).collect();
    assert_eq!(names, BTreeSet::from(["job_1".to_owned()]));
    done(outcome(&runner, &ExternalRef("job_1".to_owned())).await);
    assert_eq!(machine.runner().run(&request).await.unwrap().0, "job_1");
    assert_eq!(machine.read("repository/starts"), "started\n");
}

#[tokio::test]
async fn daemons_that_get_in_each_others_way_start_one_run_between_them() {
    let machine = Machine::new();
    machine.script("count", &format!("echo started >> starts; {RESULT}"), "");
    let runners = [machine.runner(), machine.runner(), machine.runner()];
    for number in 0..20 {
        let request = request(&number.to_string(), "count");
        // Each may give way to the others; then it is asked again.
        join_all(runners.iter().map(|runner| runner.run(&request))).await;
        let run = runners[0].run(&request).await.unwrap();
        done(outcome(&runners[0], &run).await);
    }
    assert_eq!(machine.read("repository/starts").lines().count(), 20);
}

#[tokio::test]
async fn a_run_whose_task_is_gone_by_now_is_still_named() {
    let machine = Machine::new();
    machine.script("short", RESULT, "");
    let run = machine.runner().run(&request("1", "short")).await.unwrap();
    fs::remove_file(machine.path("evals/tasks/short.toml")).unwrap();
    assert_eq!(machine.runner().run(&request("1", "short")).await.unwrap(), run);
}

#[tokio::test]
async fn unknown_and_faulty_definitions_start_nothing() {
    let machine = Machine::new();
    machine.script("good", RESULT, "");
    machine.task("faulty", &["{nothing}"], "");
    let runner = machine.runner();
    let refused = |task: &str| {
        let request = request("1", task);
        let runner = &runner;
        async move { runner.run(&request).await.unwrap_err().to_string() }
    };
    assert_eq!(refused("absent").await, "unknown taskId absent; there are faulty, good");
    let faulty = refused("faulty").await;
    assert!(
        faulty.starts_with("tasks/faulty.toml is not valid: line 2: unknown placeholder {nothing}")
    );
    let mut unknown_config = request("1", "good");
    unknown_config.config_id = ConfigId::parse("absent").unwrap();
    let error = runner.run(&unknown_config).await.unwrap_err();
    assert_eq!(error.to_string(), "unknown configId absent; there is plain");
    assert!(!machine.path("runs").exists());
}

#[tokio::test]
async fn placeholders_are_filled_for_each_run() {
    let machine = Machine::new();
    let arguments =
        ["{daemon}", "{task_dir}", "{config}", "{result_dir}", "{job_id}", "{repository}", "{{}}"];
    let command = ["sh", "-c", r#"printf '%s\n' "$@"; cat "$3""#, "sh"].iter().chain(&arguments);
    let command: Vec<&str> = command.copied().collect();
    machine.task("shown", &command, "[environment]\npass = [\"PATH\"]");
    let runner = machine.runner();
    let run = runner.run(&request("1", "shown")).await.unwrap();
    failed(outcome(&runner, &run).await, FailureReason::NoResult);
    let shown = runner.logs(&run, LogStream::Stdout, 10_000).await.unwrap().text;
    let root = machine.directory.path().display();
    let run = format!("{root}/runs/job_1/1");
    let expected = [
        DAEMON.to_owned(),
        format!("{root}/evals/tasks"),
        format!("{run}/config.json"),
        format!("{run}/result"),
        "job_1".to_owned(),
        format!("{root}/repository"),
        "{}".to_owned(),
        r#"{"model":"m"}"#.to_owned(),
    ];
    assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn the_environment_is_what_the_task_names_and_nothing_else() {
    let machine = Machine::new();
    let environment =
        "[environment]\npass = [\"PATH\", \"NOT_SET_ANYWHERE\"]\nset = { A = \"b c\" }";
    machine.task("env", &["env"], environment);
    machine.task("bare", &["/usr/bin/env"], "");
    let runner = machine.runner();
    let run = runner.run(&request("1", "env")).await.unwrap();
    failed(outcome(&runner, &run).await, FailureReason::NoResult);
    let shown = runner.logs(&run, LogStream::Stdout, 100_000).await.unwrap().text;
    let path = format!("PATH={}", std::env::var("PATH").unwrap());
    let expected = BTreeSet::from(["A=b c", path.as_str()]);
    assert_eq!(shown.lines().collect::<BTreeSet<_>>(), expected);
    let run = runner.run(&request("2", "bare")).await.unwrap();
    failed(outcome(&runner, &run).await, FailureReason::NoResult);
    assert_eq!(runner.logs(&run, LogStream::Stdout, 100_000).await.unwrap().text, "");
}

#[tokio::test]
async fn limits_hold_and_no_file_of_the_daemon_is_inherited() {
    let machine = Machine::new();
    let script = "cat /proc/self/limits; umask; ls /proc/self/fd; cat /proc/self/oom_score_adj";
    let limits = "[limits]\nmemory_mib = 512\ncpu_seconds = 60\noutput_mib = 16\nopen_files = 100";
    machine.script("limited", script, "");
    let text = machine.read("evals/tasks/limited.toml");
    machine.write("evals/tasks/limited.toml", &format!("{text}{limits}\n"));
    let runner = machine.runner();
    let run = runner.run(&request("1", "limited")).await.unwrap();
    failed(outcome(&runner, &run).await, FailureReason::NoResult);
    let shown = runner.logs(&run, LogStream::Stdout, 100_000).await.unwrap().text;
    let limit = |name: &str| {
        let line = shown.lines().find(|line| line.starts_with(name)).unwrap();
        let words: Vec<&str> = line[name.len()..].split_whitespace().collect();
        (words[0].to_owned(), words[1].to_owned())
    };
    let both = |soft: u64, hard: u64| (soft.to_string(), hard.to_string());
    assert_eq!(limit("Max address space"), both(512 << 20, 512 << 20));
    assert_eq!(limit("Max cpu time"), both(60, 65));
    assert_eq!(limit("Max file size"), both(16 << 20, 16 << 20));
    assert_eq!(limit("Max open files"), both(100, 100));
    assert_eq!(limit("Max core file size"), both(0, 0));
    assert!(shown.ends_with("0077\n0\n1\n2\n3\n500\n"), "{shown}");
}

#[tokio::test]
async fn a_run_works_where_its_task_says() {
    let machine = Machine::new();
    for (place, expected) in
        [("repository", "repository"), ("task", "evals/tasks"), ("run", "runs/job_run/1/work")]
    {
        machine.script(place, &format!("pwd; {RESULT}"), &format!("working_directory = {place:?}"));
        let runner = machine.runner();
        let run = runner.run(&request(place, place)).await.unwrap();
        done(outcome(&runner, &run).await);
        let shown = runner.logs(&run, LogStream::Stdout, 1_000).await.unwrap().text;
        assert_eq!(shown.trim_end(), machine.path(expected).to_str().unwrap());
    }
}

#[tokio::test]
async fn a_run_without_a_working_shim_is_refused_and_can_be_asked_for_again() {
    let machine = Machine::new();
    machine.script("short", &format!("echo started >> starts; {RESULT}"), "");
    for daemon in ["/nowhere/daemon", "/bin/false"] {
        let broken = machine.runner_started_by(Path::new(daemon));
        let error = broken.run(&request("1", "short")).await.unwrap_err();
        assert!(matches!(error, RunnerError::Unavailable(_)), "{error}");
        assert_eq!(broken.find(&job("1")).await.unwrap(), None);
    }
    let runner = machine.runner();
    let run = runner.run(&request("1", "short")).await.unwrap();
    done(outcome(&runner, &run).await);
    assert_eq!(machine.read("repository/starts"), "started\n");
}

#[tokio::test]
async fn exec_run_by_hand_does_nothing() {
    let machine = Machine::new();
    machine.script("count", &format!("echo started >> starts; {RESULT}"), "");
    let runner = machine.runner();
    let run = runner.run(&request("1", "count")).await.unwrap();
    done(outcome(&runner, &run).await);
    for directory in ["runs/job_1/1", "runs/job_1", "nowhere"] {
        let called = std::process::Command::new(DAEMON)
            .arg("exec-run")
            .arg(machine.path(directory))
            .output()
            .unwrap();
        assert!(!called.status.success());
        assert!(!called.stderr.is_empty());
    }
    assert_eq!(machine.read("repository/starts"), "started\n");
}
