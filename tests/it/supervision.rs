//! What a panic costs the whole daemon. The points at which it is told to panic exist in builds for
//! tests only.

use std::os::unix::process::ExitStatusExt as _;

use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use crate::database::Database;
use crate::harness::{Daemon, Home, PATIENCE, read_until};

/// A home whose daemons fail as told: see the `fail` crate for the spelling.
fn home(points: &str) -> Home {
    Home::new().with("LUKHAS_MCP_LOG_REQUESTS", "false").with("FAILPOINTS", points)
}

/// Asks for an eval; `None` if it was not acknowledged, whatever was answered instead.
async fn try_run(daemon: &Daemon) -> Option<String> {
    let arguments = json!({ "taskId": "quick", "configId": "default" });
    let params = json!({ "name": "run_eval", "arguments": arguments });
    let answer = daemon.try_rpc("tools/call", params).await.ok()?;
    let result = &answer["result"];
    let acknowledged = result.is_object() && result["isError"] != true;
    acknowledged.then(|| result["structuredContent"]["jobId"].as_str().unwrap().to_owned())
}

/// The log has so many lines with this message about this actor, and no more.
async fn assert_told(daemon: &Daemon, message: &str, actor: &str, times: usize) {
    let told = || {
        let log = daemon.log();
        let lines = log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["message"] == message && line["actor"] == actor).count()
    };
    daemon.until_logged(|_| times <= told()).await;
    assert_eq!(told(), times, "{message} {actor}: {:?}", daemon.log());
}

/// Asks for evals until the daemon is gone, and returns those that were acknowledged.
async fn ask_to_the_end(daemon: &mut Daemon) -> Vec<String> {
    let began = Instant::now();
    let mut acknowledged = Vec::new();
    while daemon.child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < PATIENCE, "it goes on: {:?}", daemon.log());
        acknowledged.extend(try_run(daemon).await);
        sleep(Duration::from_millis(20)).await;
    }
    acknowledged
}

/// The daemon gave up in order: its own exit code, no signal, and a line that says why.
async fn assert_gave_up(daemon: &mut Daemon, actor: &str) {
    let status = daemon.ended().await;
    assert_eq!((status.code(), status.signal()), (Some(70), None), "{:?}", daemon.log());
    assert_told(daemon, "actor given up", actor, 1).await;
    let last_words = format!("the {actor} actor failed again and again");
    let log = daemon.log();
    assert!(log.iter().any(|line| line.contains(&last_words)), "{log:?}");
}

/// All that was acknowledged is there, and comes to its end with the next daemon.
async fn assert_kept(home: &Home, acknowledged: &[String]) {
    let daemon = home.start().await;
    for job in acknowledged {
        daemon.until(job, &["COMPLETED"]).await;
    }
}

#[tokio::test]
async fn a_panic_in_a_tool_is_told_to_its_caller_and_costs_nobody_else() {
    let home = home("tool-call=1*panic(told to)->off");
    let daemon = home.start().await;
    let call = || {
        let params = r#"{"name":"list_jobs","arguments":{}}"#;
        daemon
            .post(format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{params}}}"#))
    };
    let failed = call().send().await.unwrap();
    assert_eq!(failed.status(), 500, "H27");
    let request_id = failed.headers()["x-request-id"].to_str().unwrap().to_owned();
    let told_to: Value = failed.json().await.unwrap();
    assert_eq!(told_to["error"]["code"], -32603, "H27: {told_to}");
    assert!(!told_to.to_string().contains("told to"), "H27: {told_to}");
    let answered: Value = call().send().await.unwrap().json().await.unwrap();
    assert!(answered["result"]["structuredContent"]["jobs"].is_array(), "H27: {answered}");
    let is_about_it = |line: &str| line.contains("a route panicked") && line.contains(&request_id);
    daemon.until_logged(is_about_it).await;
    assert_eq!(daemon.log().iter().filter(|line| is_about_it(line)).count(), 1, "H27");
}

#[tokio::test]
async fn a_panic_of_the_writer_costs_a_restart_and_nothing_that_was_acknowledged() {
    let home = home("store-commit=30*off->1*panic(told to)->30*off->1*panic(told to)->off");
    let daemon = home.start().await;
    let (mut acknowledged, mut refused) = (Vec::new(), 0);
    for _ in 0..10 {
        let calls = (0..4).map(|_| try_run(&daemon));
        for answer in futures_util::future::join_all(calls).await {
            match answer {
                Some(job) => acknowledged.push(job),
                None => refused += 1,
            }
        }
    }
    for job in &acknowledged {
        daemon.until(job, &["COMPLETED"]).await;
    }
    // Those that waited when it failed are done after the restart.
    assert_eq!((acknowledged.len(), refused), (40, 0));
    assert_told(&daemon, "actor restarts", "database", 2).await;
    let metrics = daemon.get("/metrics").send().await.unwrap().text().await.unwrap();
    let counted = metrics.lines().any(|line| {
        line.contains("restarts") && line.contains("database") && line.ends_with(" 2.0")
    });
    assert!(counted, "{metrics}");
}

#[tokio::test]
async fn a_panic_in_the_middle_of_a_commit_is_told_to_its_callers_and_leaves_nothing() {
    // Late enough to be none of the start's own, of which there are more or fewer.
    let home = home("store-before-commit=12*off->1*panic(told to)->off");
    let daemon = home.start().await;
    let (mut acknowledged, mut refused) = (Vec::new(), 0);
    for _ in 0..10 {
        match try_run(&daemon).await {
            Some(job) => acknowledged.push(job),
            None => refused += 1,
        }
    }
    for job in &acknowledged {
        daemon.until(job, &["COMPLETED"]).await;
    }
    let mut ids: Vec<String> =
        Database::open(&home.db()).jobs().into_iter().map(|job| job.id).collect();
    ids.sort();
    acknowledged.sort();
    // The commit that failed may have been a job's own, which it repeats.
    assert_eq!(acknowledged, ids);
    assert!(refused <= 1, "{refused}");
    assert_told(&daemon, "actor restarts", "database", 1).await;
}

#[tokio::test]
async fn a_writer_that_keeps_panicking_ends_the_process_in_order() {
    let home = home("store-commit=40*off->panic(told to)");
    let mut daemon = home.start().await;
    let acknowledged = ask_to_the_end(&mut daemon).await;
    assert_gave_up(&mut daemon, "database").await;
    assert!(!acknowledged.is_empty());
    assert_kept(&home.with("FAILPOINTS", ""), &acknowledged).await;
}

#[tokio::test]
async fn a_broadcast_actor_that_keeps_panicking_ends_the_process_in_order() {
    let home = home("broadcast-publish=10*off->panic(told to)");
    let mut daemon = home.start().await;
    let acknowledged = ask_to_the_end(&mut daemon).await;
    assert_gave_up(&mut daemon, "broadcast").await;
    assert_kept(&home.with("FAILPOINTS", ""), &acknowledged).await;
}

#[tokio::test]
async fn a_panic_of_the_broadcast_actor_costs_its_readers_nothing() {
    let home = home("broadcast-publish=4*off->1*panic(told to)->off");
    let daemon = home.start().await;
    let mut stream = daemon.sse("topic=*").await;
    for _ in 0..4 {
        let job = daemon.run_eval("quick").await;
        daemon.until(&job, &["COMPLETED"]).await;
    }
    let heard = read_until(&mut stream, |text| text.matches("event: completed").count() == 4).await;
    let ids: Vec<&str> = heard.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    // The first id is where the stream began.
    let expected: Vec<String> = (0..=12).map(|id| id.to_string()).collect();
    assert!(
        expected.ends_with(&ids.iter().map(ToString::to_string).collect::<Vec<_>>()),
        "{ids:?}"
    );
    assert!(12 <= ids.len(), "{ids:?}");
    assert_told(&daemon, "actor restarts", "broadcast", 1).await;
}

#[tokio::test]
async fn a_job_whose_actor_keeps_panicking_fails_with_the_reason_and_the_next_one_runs() {
    let home = home("job-started=6*panic(told to)->off");
    let daemon = home.start().await;
    let job = daemon.run_eval("quick").await;
    let status = daemon.until(&job, &["FAILED", "COMPLETED"]).await;
    assert_eq!(
        (status["status"].as_str(), status["reason"].as_str()),
        (Some("FAILED"), Some("actor_crash_loop"))
    );
    let why = daemon.call("why", json!({ "id": job })).await;
    let lines = why["content"][0]["text"].as_str().unwrap();
    assert!(lines.lines().last().unwrap().contains("action=job_fail"), "{lines}");
    let next = daemon.run_eval("quick").await;
    daemon.until(&next, &["COMPLETED"]).await;
}
