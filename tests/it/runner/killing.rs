//! That a run starts once although its daemon is killed at any moment of the start.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use super::*;

/// Names the machine's directory to the process that plays the daemon.
const DIRECTORY: &str = "LUKHAS_TEST_RUNNER_DIRECTORY";

/// How often a daemon is killed.
const KILLS: u64 = 40;

/// Plays the daemon in a process of its own: it starts runs until it is killed. Called as a test, it
/// has nothing to do.
#[tokio::test]
async fn a_daemon_to_be_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let runner = Machine::runner_in(&directory, Path::new(DAEMON), Duration::from_secs(10));
    for number in 0..1_000 {
        let name = format!("{}-{number}", std::process::id());
        runner.run(&request(&name, "count")).await.unwrap();
    }
}

#[tokio::test]
async fn a_daemon_that_is_killed_loses_no_run_and_starts_none_twice() {
    let machine = Machine::new();
    let script = format!(r#"echo "$2" >> starts; {RESULT}"#);
    let script = script.replace('{', "{{").replace('}', "}}");
    let command = ["sh", "-c", &script, "sh", "{result}", "{job_id}"];
    machine.task("count", &command, "[environment]\npass = [\"PATH\"]");
    for kill in 0..KILLS {
        let mut daemon = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "runner::killing::a_daemon_to_be_killed"])
            .env(DIRECTORY, machine.directory.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begun = format!("job_{}-", daemon.id());
        until("the daemon has begun", || {
            let runs = fs::read_dir(machine.path("runs"));
            let mut names = runs.into_iter().flatten().map(|entry| entry.unwrap().file_name());
            names.any(|name| name.to_str().is_some_and(|name| name.starts_with(&begun)))
        })
        .await;
        // A start takes some milliseconds; the kills are spread over a few of them.
        sleep(Duration::from_micros(kill * 977 % 20_000)).await;
        daemon.kill().unwrap();
        daemon.wait().unwrap();
        take_up_all(&machine).await;
    }
}

/// Does what a daemon does at its start, and counts.
async fn take_up_all(machine: &Machine) {
    let runner = machine.runner();
    let mut expected = BTreeMap::new();
    for entry in fs::read_dir(machine.path("runs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let job = JobId::parse(&name).unwrap();
        let run = match runner.find(&job).await.unwrap() {
            Some(run) => run,
            None => {
                runner.run(&RunRequest { job_id: job, ..request("any", "count") }).await.unwrap()
            }
        };
        done(outcome(&runner, &run).await);
        expected.insert(name, 1);
    }
    let mut starts = BTreeMap::new();
    for name in machine.read("repository/starts").lines() {
        *starts.entry(name.to_owned()).or_insert(0) += 1;
    }
    assert_eq!(starts, expected);
}
