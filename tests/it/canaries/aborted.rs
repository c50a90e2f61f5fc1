//! Canaries that somebody aborts while all is well.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::site::{Face, Site};
use super::{begin, ending, home, status, targets, version_in, watched};
use crate::harness::{Daemon, Home};
use crate::models::git::Gates;

/// Aborts a canary five seconds after its start, and looks at it again when its window would be
/// over. Returns what it is then.
async fn abort(home: &Home, holder: impl Fn() -> Option<Value>) -> (Daemon, Value) {
    let daemon = home.start().await;
    let policy = json!({ "windowSeconds": 8, "targets": targets() });
    let id = begin(&daemon, "production", &policy).await;
    sleep(Duration::from_secs(5)).await;
    let before = status(&daemon, &id).await;
    assert_eq!(before["status"], "RUNNING", "{before}");
    assert_eq!(version_in(&daemon, "production").await, "2");
    assert_eq!(holder().unwrap_or(json!("production-model:2")), "production-model:2");

    let aborted = json!({ "canaryId": id, "reason": "we sell ice tonight" });
    let aborted = daemon.ask("abort_canary", aborted).await;
    assert_eq!(
        (&aborted["status"], &aborted["reason"], &aborted["pending"]),
        (&json!("ROLLED_BACK"), &json!("aborted"), &json!(false)),
    );
    let ended = status(&daemon, &id).await;
    // The gate was put back when this is answered, not some time later.
    assert_eq!(version_in(&daemon, "production").await, "1");
    assert_eq!(holder().unwrap_or(json!("production-model:1")), "production-model:1");

    sleep(Duration::from_secs(5)).await;
    let after = status(&daemon, &id).await;
    assert_eq!(ending(&after), ("ROLLED_BACK", "aborted"), "{after}");
    assert_eq!(after["polls"], ended["polls"], "nobody looks any more: {after}");
    assert_eq!(after["decisions"][0]["said"], "we sell ice tonight");
    assert_eq!(version_in(&daemon, "production").await, "1");
    assert_eq!(holder().unwrap_or(json!("production-model:1")), "production-model:1");
    let again = daemon
        .rpc("tools/call", json!({ "name": "abort_canary", "arguments": { "canaryId": id } }));
    assert_eq!(again.await["result"]["isError"], true);
    (daemon, after)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_aborted_canary_stays_so_whatever_comes_after() {
    let site = Site::start([("production", Face::failing(0.0))]).await;
    let home = home(&site);
    let (daemon, after) = abort(&home, || None).await;
    daemon.kill();
    let daemon = home.start().await;
    let id = after["canaryId"].as_str().unwrap();
    let found = status(&daemon, id).await;
    assert_eq!(ending(&found), ("ROLLED_BACK", "aborted"), "{found}");
    assert_eq!(found["updatedAt"], after["updatedAt"]);
    let replay = daemon.ask("replay_decision", json!({ "id": id })).await;
    assert_eq!(replay["matches"], true, "{replay}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abort_is_a_commit_in_the_repository_of_gates() {
    let Some(gates) = Gates::new() else { return };
    let site = Site::start([("production", Face::failing(0.0))]).await;
    let home = watched(gates.home(), &site);
    let holder = || Some(gates.gate("production")["production-model"]["modelId"].clone());
    abort(&home, holder).await;
    assert_eq!(gates.ask(&["rev-list", "--count", "main"]), "3");
    gates.ask(&["fsck", "--strict"]);
}
