//! Every tool answers once, in each of the ways in which its answers differ.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::canaries::site::{Face, Site};
use crate::canaries::{begin, targets, until, until_over, watched};
use crate::harness::{Daemon, Home};
use crate::repository::{id_of, sha256};

/// Long enough for anything that this waits for.
const PATIENCE: Duration = Duration::from_secs(30);

struct Caller {
    daemon: Daemon,
    called: BTreeSet<String>,
}

impl Caller {
    /// Calls a tool that must not say no; the harness checks what it answers.
    async fn ask(&mut self, tool: &str, arguments: Value) -> Value {
        self.called.insert(tool.to_owned());
        self.daemon.ask(tool, arguments).await
    }
}

#[tokio::test]
async fn every_listed_tool_answers_as_it_says() {
    let gates = ["aborted", "paused", "approved", "hurried"];
    let site = Site::start(gates.map(|gate| (gate, Face::failing(0.0)))).await;
    let home = watched(Home::new(), &site);
    git2::Repository::init(home.path()).unwrap();
    let mut caller = Caller { daemon: home.start().await, called: BTreeSet::new() };
    files(&mut caller).await;
    commits(&mut caller).await;
    jobs(&mut caller).await;
    models(&mut caller).await;
    canaries(&mut caller).await;
    events(&mut caller).await;
    for tool in [
        "get_infrastructure_status",
        "get_code_analysis",
        "get_development_utilities",
        "get_module_structure",
    ] {
        caller.ask(tool, json!({})).await;
    }

    let listed = caller.daemon.rpc("tools/list", json!({})).await;
    let listed: BTreeSet<String> = listed["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(caller.called, listed, "a tool has no call here");
}

async fn events(caller: &mut Caller) {
    let newest = caller.ask("get_recent_events", json!({ "limit": 200 })).await;
    let next = json!({ "topic": "model/*", "limit": 3, "cursor": newest["cursor"] });
    assert_eq!(caller.ask("get_recent_events", next).await["events"], json!([]));

    // What is told of events is as their kinds say.
    let kinds = caller.daemon.rpc("events/list", json!({})).await["result"]["events"].clone();
    let mut seen = BTreeSet::new();
    for event in newest["events"].as_array().unwrap() {
        let mut kinds = kinds.as_array().unwrap().iter();
        let kind = kinds.find(|kind| kind["name"] == event["name"]).unwrap();
        let payload = jsonschema::draft202012::new(&kind["payloadSchema"]).unwrap();
        let faults: Vec<String> =
            payload.iter_errors(&event["data"]).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{event}: {faults:#?}");
        seen.insert(event["name"].as_str().unwrap().to_owned());
    }
    assert!(8 <= seen.len(), "too few kinds of events to tell: {seen:?}");
}

async fn files(caller: &mut Caller) {
    caller.ask("write_file", json!({ "path": "src/a.py", "contents": "x = 1\n" })).await;
    let created = json!({ "path": "docs/b.md", "contents": "b\n", "template": "markdown" });
    let created = caller.ask("create_file", created).await;
    let bytes = json!({ "path": "c.bin", "contents": "/wA=", "encoding": "base64" });
    caller.ask("create_file", bytes).await;
    let update = json!({
        "path": "docs/b.md", "contents": "one\n", "expectSha256": created["sha256"],
    });
    caller.ask("update_file", update).await;
    caller.ask("append_file", json!({ "path": "docs/b.md", "contents": "two" })).await;
    for (path, patch, before) in [
        ("docs/b.md", "--- a\n+++ b\n@@ -1,1 +1,1 @@\n-one\n+ONE\n", "one\ntwo\n"),
        ("docs/b.md", "--- a\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-ONE\n-two\n", "ONE\ntwo\n"),
        ("docs/b.md", "--- /dev/null\n+++ b\n@@ -0,0 +1,1 @@\n+new\n", ""),
    ] {
        let patch = json!({
            "path": path, "patch": patch, "expectSha256": sha256(before), "allowCreate": true,
        });
        caller.ask("apply_patch", patch).await;
    }
    caller.ask("rename_file", json!({ "from": "docs/b.md", "to": "docs/c.md" })).await;
    let delete = json!({ "path": "docs/c.md", "expectSha256": sha256("new\n") });
    caller.ask("delete_file", delete).await;
    caller.ask("list_dir", json!({ "path": ".", "includeDirs": true })).await;
    caller.ask("find_files", json!({ "glob": "**/*.py" })).await;
    for query in ["x", "nothing-has-this-word"] {
        caller.ask("search", json!({ "query": query })).await;
    }
    for asked in [
        json!({ "id": id_of("src/a.py") }),
        json!({ "id": id_of("src/a.py"), "fields": ["title"] }),
        json!({ "id": id_of("src/a.py"), "lines": { "from": 1, "to": 1 } }),
        json!({ "id": id_of("c.bin") }),
    ] {
        caller.ask("fetch", asked).await;
    }
}

async fn commits(caller: &mut Caller) {
    // Of a branch without a commit, of files that are new, staged and changed, and after all.
    caller.ask("git_status", json!({})).await;
    caller.ask("git_log", json!({})).await;
    let commit = json!({ "message": "add a\n\nwith a body", "add": ["src/a.py"] });
    let commit = caller.ask("git_commit", commit).await;
    let change = json!({ "path": "src/a.py", "contents": "x = 2\n", "overwrite": true });
    caller.ask("write_file", change).await;
    caller.ask("git_status", json!({})).await;
    caller.ask("git_diff", json!({})).await;
    caller.ask("git_log", json!({})).await;
    caller.ask("why", json!({ "id": commit["commit"] })).await;
}

async fn jobs(caller: &mut Caller) {
    let call = |task: &str| json!({ "taskId": task, "configId": "default" });
    let mut asked = call("quick");
    asked["idempotencyKey"] = json!("once");
    let job = caller.ask("run_eval", asked.clone()).await;
    assert_eq!(caller.ask("run_eval", asked).await["repeated"], true);
    let mut dry = call("quick");
    dry["dryRun"] = json!(true);
    let dry = caller.ask("run_eval", dry).await;
    let endless = caller.ask("run_eval", call("sleep")).await;
    let id = job["jobId"].as_str().unwrap();
    caller.daemon.until(id, &["COMPLETED"]).await;
    caller.daemon.until(endless["jobId"].as_str().unwrap(), &["RUNNING"]).await;
    for job in [&job, &dry, &endless] {
        caller.ask("status", json!({ "jobId": job["jobId"] })).await;
    }
    let cancel = json!({ "jobId": endless["jobId"], "reason": "enough" });
    caller.ask("cancel_job", cancel).await;
    caller.ask("list_jobs", json!({ "limit": 2 })).await;
    caller.ask("list_jobs", json!({})).await;
    caller.ask("job_logs", json!({ "jobId": id })).await;
    for id in [&job["jobId"], &endless["jobId"]] {
        caller.ask("why", json!({ "id": id })).await;
        caller.ask("why_math", json!({ "id": id })).await;
        caller.ask("fetch", json!({ "id": id })).await;
        caller.ask("search", json!({ "query": id })).await;
    }
}

async fn models(caller: &mut Caller) {
    let call = json!({ "modelId": "ranker:1", "gate": "stage" });
    caller.ask("promote_model", call).await;
    let rule = json!({
        "taskId": "quick", "metric": "accuracy", "min": 0.1, "maxAgeSeconds": 3600,
        "minSamples": 10,
    });
    for dry_run in [true, false] {
        let call = json!({
            "modelId": "ranker:2", "gate": "stage", "dryRun": dry_run, "requires": [rule],
            "reason": "it is better",
        });
        caller.ask("promote_model", call).await;
    }
    let back = json!({ "modelId": "ranker:2", "gate": "stage", "reason": "it was not" });
    caller.ask("rollback_model", back).await;
    caller.ask("list_models", json!({})).await;
    caller.ask("model_history", json!({ "limit": 1 })).await;
    let now = "2100-01-01T00:00:00Z";
    caller.ask("model_history", json!({ "gate": "stage", "at": now })).await;
    caller.ask("why", json!({ "id": "ranker:2" })).await;
    caller.ask("fetch", json!({ "id": "ranker:1" })).await;
}

async fn canaries(caller: &mut Caller) {
    let policy = json!({ "windowSeconds": 600, "pollSeconds": 0.2, "targets": targets() });
    let aborted = begin(&caller.daemon, "aborted", &policy).await;
    let paused = begin(&caller.daemon, "paused", &policy).await;
    let hurried = begin(&caller.daemon, "hurried", &policy).await;
    let mut asks = policy.clone();
    asks["approval"] = json!({ "before": ["start"] });
    let new = json!({
        "modelId": "m:2", "fromGate": "stage", "toGate": "approved", "policy": asks,
    });
    let approved = caller.ask("start_canary", new).await["canaryId"].as_str().unwrap().to_owned();
    let dry = json!({
        "modelId": "m:3", "fromGate": "stage", "toGate": "approved", "dryRun": true,
        "targets": targets(),
    });
    caller.ask("start_canary", dry).await;
    for id in [&aborted, &paused, &hurried] {
        until(&caller.daemon, id, PATIENCE, |shown| 2 <= shown["polls"].as_i64().unwrap()).await;
    }
    let looked = json!({ "canaryId": hurried, "observations": 3, "series": true });
    caller.ask("canary_status", looked.clone()).await;
    caller.ask("why_math", json!({ "id": hurried })).await;
    caller.ask("abort_canary", json!({ "canaryId": aborted })).await;
    caller.ask("pause_canary", json!({ "canaryId": paused })).await;
    caller.ask("resume_canary", json!({ "canaryId": paused, "reason": "go on" })).await;
    caller.ask("approve_canary", json!({ "canaryId": approved })).await;
    let reason = json!({ "canaryId": hurried, "reason": "it is needed today" });
    caller.ask("promote_canary_now", reason).await;
    until_over(&caller.daemon, &hurried, PATIENCE).await;
    caller.ask("canary_status", looked).await;
    caller.ask("list_canaries", json!({ "limit": 2 })).await;
    caller.ask("replay_decision", json!({ "id": hurried })).await;
    let shorter = json!({ "windowSeconds": 1, "targets": targets() });
    let backtest = json!({ "canaryId": hurried, "policy": shorter });
    caller.ask("backtest_policy", backtest).await;
    for id in [&hurried, &aborted] {
        caller.ask("why", json!({ "id": id })).await;
        caller.ask("why_math", json!({ "id": id })).await;
        caller.ask("fetch", json!({ "id": id })).await;
        caller.ask("search", json!({ "query": id })).await;
    }
}
