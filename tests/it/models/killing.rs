//! The daemon is killed between the intent, the registry and the record of a move; the next one
//! settles what is open by what the registry shows.

use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::git::Gates;
use super::promote;
use crate::database::Database;
use crate::harness::{Home, PATIENCE};

/// How many moves are in a state.
fn moves_in(home: &Home, state: &str) -> i64 {
    let count = format!("SELECT count(*) AS number FROM gate_moves WHERE state = '{state}'");
    Database::open(&home.db()).number(&count)
}

/// Asks a daemon that stops at a point, and kills it there.
async fn kill_at(home: &Home, point: &str, tool: &str, arguments: Value) {
    let daemon = home.start().await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": tool, "arguments": arguments } });
    let asked = tokio::spawn(daemon.post(body.to_string()).send());
    let began = Instant::now();
    while moves_in(home, "intended") == 0 {
        assert!(began.elapsed() < PATIENCE, "{point} was not reached: {:?}", daemon.log());
        sleep(Duration::from_millis(5)).await;
    }
    // The intent is there; the point itself is reached a moment later at most.
    sleep(Duration::from_millis(300)).await;
    assert_eq!(moves_in(home, "intended"), 1, "it went past {point}");
    daemon.kill();
    assert!(asked.await.unwrap().is_err(), "a daemon that was killed answered");
}

async fn until_settled(home: &Home) {
    let began = Instant::now();
    while moves_in(home, "intended") != 0 {
        assert!(began.elapsed() < PATIENCE, "a move stays open");
        sleep(Duration::from_millis(5)).await;
    }
}

fn promotion() -> (&'static str, Value) {
    ("promote_model", json!({ "modelId": "ranker:12", "gate": "production" }))
}

fn rollback() -> (&'static str, Value) {
    let arguments = json!({ "modelId": "ranker:12", "gate": "production", "reason": "too slow" });
    ("rollback_model", arguments)
}

/// Kills a daemon at a point of a move, has the next one settle it, and returns what stands in the
/// gate then, by the registry and by the daemon, and the state of the last move.
async fn after_a_kill(
    home: Home,
    point: &str,
    (tool, arguments): (&str, Value),
    holder: impl Fn() -> Value,
) -> (Value, String) {
    let daemon = home.start().await;
    promote(&daemon, "ranker:11", "production").await;
    if tool == "rollback_model" {
        promote(&daemon, "ranker:12", "production").await;
    }
    daemon.kill();
    let home = home.with("FAILPOINTS", &format!("{point}=pause"));
    kill_at(&home, point, tool, arguments).await;
    let home = home.with("FAILPOINTS", "");
    let daemon = home.start().await;
    until_settled(&home).await;
    let history = daemon.ask("model_history", json!({ "gate": "production" })).await;
    let last = &history["moves"][0];
    let listed = daemon.ask("list_models", json!({ "gate": "production" })).await;
    assert_eq!(listed["models"][0]["modelId"], holder(), "the daemon and the registry differ");
    let check = home.command(&["check", "--port", "0"]).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    (holder(), last["state"].as_str().unwrap().to_owned())
}

async fn in_git(point: &str, call: (&str, Value)) -> Option<(Value, String)> {
    let gates = Gates::new()?;
    let holder = || gates.gate("production")["ranker"]["modelId"].clone();
    Some(after_a_kill(gates.home(), point, call, holder).await)
}

async fn in_the_database(point: &str, call: (&str, Value)) -> (Value, String) {
    let home = Home::new();
    let db = home.db();
    let holder = move || {
        let gate = "SELECT model_id AS text FROM model_gates WHERE gate = 'production'";
        json!(Database::open(&db).texts(gate))[0].clone()
    };
    after_a_kill(home, point, call, holder).await
}

fn stands(model: &str, state: &str) -> (Value, String) {
    (json!(model), state.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_was_cut_off_before_the_registry_knew_is_given_up() {
    let given_up = stands("ranker:11", "abandoned");
    assert_eq!(in_the_database("gate-intended", promotion()).await, given_up);
    if let Some(outcome) = in_git("gate-intended", promotion()).await {
        assert_eq!(outcome, given_up);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_the_registry_made_is_recorded() {
    let made = stands("ranker:12", "done");
    assert_eq!(in_the_database("gate-called", promotion()).await, made);
    if let Some(outcome) = in_git("gate-called", promotion()).await {
        assert_eq!(outcome, made);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_that_was_cut_off_is_made() {
    let made = stands("ranker:11", "done");
    for point in ["gate-intended", "gate-called"] {
        assert_eq!(in_the_database(point, rollback()).await, made, "{point}");
        if let Some(outcome) = in_git(point, rollback()).await {
            assert_eq!(outcome, made, "{point}");
        }
    }
}

/// Somebody moves the gate while nobody watches.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_did_meanwhile_is_a_conflict_and_stays() {
    let Some(gates) = Gates::new() else { return };
    let home = gates.home();
    let daemon = home.start().await;
    promote(&daemon, "ranker:11", "production").await;
    daemon.kill();
    let home = home.with("FAILPOINTS", "gate-called=pause");
    let (tool, arguments) = promotion();
    kill_at(&home, "gate-called", tool, arguments).await;
    gates.push("production", r#"{ "ranker": { "modelId": "ranker:9" } }"#);
    let home = home.with("FAILPOINTS", "");
    let daemon = home.start().await;
    until_settled(&home).await;
    assert_eq!(gates.gate("production")["ranker"]["modelId"], "ranker:9");
    let history = daemon.ask("model_history", json!({ "gate": "production" })).await;
    let shown = |n: usize, key: &str| history["moves"][n][key].clone();
    assert_eq!((shown(0, "kind"), shown(0, "after")), (json!("observe"), json!("ranker:9")));
    assert_eq!((shown(1, "state"), shown(1, "found")), (json!("conflict"), json!("ranker:9")));
    let why = daemon.ask("why", json!({ "id": "ranker:12" })).await;
    let conflicts = why["facts"].as_array().unwrap();
    assert!(conflicts.iter().any(|fact| fact["action"] == "gate_conflict"), "{why}");
}

/// The part of the daemon that moves gates fails in the middle of a move.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_in_the_middle_of_a_move_costs_its_answer_and_not_the_move() {
    let home = Home::new().with("FAILPOINTS", "gate-called=1*panic(in between)->off");
    let daemon = home.start().await;
    let (tool, arguments) = promotion();
    let call = json!({ "name": tool, "arguments": arguments });
    let answer = daemon.rpc("tools/call", call).await;
    let said = "the part of the daemon that moves gates restarts; try again in a second";
    assert_eq!(answer["error"]["message"], said, "{answer}");
    until_settled(&home).await;
    let history = daemon.ask("model_history", json!({ "gate": "production" })).await;
    assert_eq!(history["moves"][0]["state"], "done");
    // Asked again, it is done already.
    assert_eq!(daemon.ask(tool, arguments).await["changed"], false);
}
