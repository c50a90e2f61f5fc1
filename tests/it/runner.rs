//! The local runner with real processes.

mod adoption;
mod ending;
mod killing;
mod starting;
mod verdicts;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lukhas_mcp::adapters::local::{LocalRunner, LocalRunnerSettings};
use lukhas_mcp::adapters::{
    EvalOrchestrator, EvalResult, ExternalRef, FailureReason, RunFailure, RunRequest, RunStatus,
};
use lukhas_mcp::ids::{ConfigId, JobId, TaskId};
use tokio::time::{Instant, sleep};

/// The daemon's binary, whose `exec-run` starts runs.
const DAEMON: &str = env!("CARGO_BIN_EXE_lukhas-mcp");

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A result that says nothing but that there is one; for shell scripts, whose `$1` is its path.
const RESULT: &str = r#"echo '{"metrics": {"accuracy": 1}}' > "$1""#;

/// A machine's directories, gone with the test and with every process in them.
struct Machine {
    directory: tempfile::TempDir,
    grace: Duration,
}

impl Machine {
    fn new() -> Self {
        let machine =
            Self { directory: tempfile::tempdir().unwrap(), grace: Duration::from_secs(10) };
        for name in ["evals/tasks", "evals/configs", "repository"] {
            fs::create_dir_all(machine.path(name)).unwrap();
        }
        machine.write("evals/configs/plain.toml", "model = \"m\"\n");
        machine
    }

    fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Declares a task that runs a program; `more` is further TOML.
    fn task(&self, id: &str, command: &[&str], more: &str) {
        let mut text = String::new();
        if !more.contains("timeout_seconds") {
            writeln!(text, "timeout_seconds = 60").unwrap();
        }
        writeln!(text, "command = {command:?}\n{more}").unwrap();
        self.write(&format!("evals/tasks/{id}.toml"), &text);
    }

    /// Declares a task that runs a shell script; its `$1` is where the result goes.
    fn script(&self, id: &str, script: &str, more: &str) {
        let more = format!("{more}\n[environment]\npass = [\"PATH\"]\n");
        let script = script.replace('{', "{{").replace('}', "}}");
        self.task(id, &["sh", "-c", &script, "sh", "{result}"], &more);
    }

    /// A daemon's runner over the machine's directories.
    fn runner(&self) -> LocalRunner {
        self.runner_started_by(Path::new(DAEMON))
    }

    fn runner_started_by(&self, daemon: &Path) -> LocalRunner {
        Self::runner_in(self.directory.path(), daemon, self.grace)
    }

    fn runner_in(directory: &Path, daemon: &Path, grace: Duration) -> LocalRunner {
        let settings = LocalRunnerSettings {
            evals: vec![directory.join("evals"), directory.join("shipped")],
            runs: directory.join("runs"),
            daemon: daemon.to_owned(),
            repository: directory.join("repository"),
            home: None,
            grace,
        };
        LocalRunner::new(settings).unwrap()
    }

    /// A daemon's binary that does nothing before the file `go` is there.
    fn slow_daemon(&self) -> PathBuf {
        let path = self.path("slow-daemon");
        let go = self.path("go");
        let script = format!(
            "#!/bin/sh\nwhile [ ! -e '{}' ]; do sleep 0.01; done\nexec '{DAEMON}' \"$@\"\n",
            go.display()
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        path
    }

    /// How many processes work somewhere in the machine's directories.
    fn processes(&self) -> usize {
        let entries = fs::read_dir("/proc").unwrap();
        let directories =
            entries.filter_map(|entry| fs::read_link(entry.ok()?.path().join("cwd")).ok());
        directories.filter(|directory| directory.starts_with(self.directory.path())).count()
    }
}

fn job(name: &str) -> JobId {
    JobId::parse(&format!("job_{name}")).unwrap()
}

fn request(name: &str, task: &str) -> RunRequest {
    RunRequest {
        job_id: job(name),
        task_id: TaskId::parse(task).unwrap(),
        config_id: ConfigId::parse("plain").unwrap(),
        timeout: None,
    }
}

/// Polls until the condition holds.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "still not so: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Polls a run until it is over.
async fn outcome(runner: &LocalRunner, run: &ExternalRef) -> RunStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match runner.poll(run).await.unwrap() {
            RunStatus::Pending | RunStatus::Running(_) => {
                assert!(Instant::now() < deadline, "the run does not end");
                sleep(Duration::from_millis(5)).await;
            }
            over => return over,
        }
    }
}

#[track_caller]
fn done(status: RunStatus) -> EvalResult {
    match status {
        RunStatus::Done(result) => result,
        other => panic!("the run should be done: {other:?}"),
    }
}

#[track_caller]
fn failed(status: RunStatus, reason: FailureReason) -> RunFailure {
    match status {
        RunStatus::Failed(failure) if failure.reason == reason => failure,
        other => panic!("the run should have failed with {reason:?}: {other:?}"),
    }
}

/// Runs a task to its end.
async fn run_to_end(machine: &Machine, task: &str) -> RunStatus {
    let runner = machine.runner();
    let run = runner.run(&request(task, task)).await.unwrap();
    outcome(&runner, &run).await
}
