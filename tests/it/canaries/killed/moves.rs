//! The daemon is killed between the intent, the registry and the record of a canary's own moves.

use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use crate::canaries::site::{Face, Site};
use crate::canaries::{begin, ending, targets, until, until_over, version_in, watched};
use crate::database::Database;
use crate::harness::{Daemon, Home, PATIENCE};
use crate::models::git::Gates;

const GATE: &str = "production";

fn policy() -> Value {
    json!({ "windowSeconds": 60, "pollSeconds": 0.5, "targets": targets() })
}

/// Waits until a move has been intended and is no further a moment later.
async fn until_intended(home: &Home) {
    let began = Instant::now();
    let open = "SELECT count(*) AS number FROM gate_moves WHERE state = 'intended'";
    while Database::open(&home.db()).number(open) == 0 {
        assert!(began.elapsed() < PATIENCE, "no move was intended");
        sleep(Duration::from_millis(5)).await;
    }
    sleep(Duration::from_millis(300)).await;
    assert_eq!(Database::open(&home.db()).number(open), 1, "it went past the point");
}

/// The moves of the gate as its history has them, oldest first.
async fn moves(daemon: &Daemon) -> Vec<String> {
    let history = daemon.ask("model_history", json!({ "gate": GATE })).await;
    let moves = history["moves"].as_array().unwrap().iter().rev();
    let short =
        |model: &Value| model.as_str().and_then(|id| id.rsplit(':').next()).map(str::to_owned);
    let told = moves.filter(|one| one["state"] != "abandoned").map(|one| {
        let end = |name: &str| short(&one[name]).unwrap_or("-".into());
        format!("{}>{} {}", end("before"), end("after"), one["state"].as_str().unwrap())
    });
    told.collect()
}

/// Kills the daemon at a point of the canary's entry, and again at the same point of its way back.
async fn killed_at(home: Home, point: &str, holder: impl Fn() -> Option<Value>) {
    let paused = |home: Home| home.with("FAILPOINTS", &format!("{point}=pause"));
    let free = |home: Home| home.with("FAILPOINTS", "");
    let daemon = home.start().await;
    let old = json!({ "modelId": "production-model:1", "gate": GATE });
    daemon.ask("promote_model", old).await;
    daemon.kill();

    let home = paused(home);
    let daemon = home.start().await;
    let new = json!({ "modelId": "production-model:2", "fromGate": "stage", "toGate": GATE,
        "policy": policy() });
    let started = daemon.ask("start_canary", new).await;
    let id = started["canaryId"].as_str().unwrap().to_owned();
    until_intended(&home).await;
    daemon.kill();

    let home = free(home);
    let daemon = home.start().await;
    let seen = |shown: &Value| 1 <= shown["polls"].as_i64().unwrap();
    let shown = until(&daemon, &id, PATIENCE, seen).await;
    assert_eq!(shown["status"], "RUNNING", "{point}: {shown}");
    assert_eq!(version_in(&daemon, GATE).await, "2", "{point}");
    assert_eq!(holder().unwrap_or(json!("production-model:2")), "production-model:2");
    assert_eq!(moves(&daemon).await, ["->1 done", "1>2 done"], "{point}");
    daemon.kill();

    let home = paused(home);
    let daemon = home.start().await;
    let abort = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "abort_canary", "arguments": { "canaryId": id } } });
    let asked = tokio::spawn(daemon.post(abort.to_string()).send());
    until_intended(&home).await;
    daemon.kill();
    assert!(asked.await.unwrap().is_err(), "a daemon that was killed answered");

    let home = free(home);
    let daemon = home.start().await;
    let shown = until_over(&daemon, &id, PATIENCE).await;
    assert_eq!(ending(&shown), ("ROLLED_BACK", "aborted"), "{point}: {shown}");
    assert_eq!(version_in(&daemon, GATE).await, "1", "{point}");
    assert_eq!(holder().unwrap_or(json!("production-model:1")), "production-model:1");
    assert_eq!(moves(&daemon).await, ["->1 done", "1>2 done", "2>1 done"], "{point}");
    let replay = daemon.ask("replay_decision", json!({ "id": id })).await;
    assert_eq!(replay["matches"], true, "{point}: {replay}");
    let why = daemon.ask("why", json!({ "id": id })).await;
    let facts = why["facts"].as_array().unwrap().iter();
    let aborts = facts.filter(|fact| fact["action"] == "canary_abort").count();
    assert_eq!(aborts, 1, "{point}: {why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_is_cut_off_in_the_middle_of_a_move_makes_it_once() {
    let site = Site::start([(GATE, Face::failing(0.0))]).await;
    let in_git = async |point| {
        let Some(gates) = Gates::new() else { return };
        let holder = || Some(gates.gate(GATE)["production-model"]["modelId"].clone());
        killed_at(watched(gates.home(), &site), point, holder).await;
    };
    tokio::join!(
        killed_at(watched(Home::new(), &site), "gate-intended", || None),
        killed_at(watched(Home::new(), &site), "gate-called", || None),
        in_git("gate-intended"),
        in_git("gate-called"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_that_fails_again_and_again_costs_the_canary_and_not_the_gate() {
    let site = Site::start([(GATE, Face::failing(0.0))]).await;
    let home = watched(Home::new(), &site).with("FAILPOINTS", "canary-look=panic(again)");
    let daemon = home.start().await;
    let id = begin(&daemon, GATE, &policy()).await;
    let shown = until_over(&daemon, &id, PATIENCE).await;
    assert_eq!(ending(&shown), ("ROLLED_BACK", "supervisor_gave_up"), "{shown}");
    assert_eq!(version_in(&daemon, GATE).await, "1");
}
