//! Models and gates through the tools of a real daemon.

pub mod git;
mod http;
mod killing;
mod server;

use serde_json::{Value, json};

use crate::harness::{Daemon, Home, read_until};

/// Puts a model into a gate.
pub async fn promote(daemon: &Daemon, model: &str, gate: &str) -> Value {
    daemon.ask("promote_model", json!({ "modelId": model, "gate": gate })).await
}

/// Calls a tool that is to refuse, and returns its sentence.
pub async fn refusal(daemon: &Daemon, tool: &str, arguments: Value) -> String {
    let answer = daemon.rpc("tools/call", json!({ "name": tool, "arguments": arguments })).await;
    assert_eq!(answer["result"]["isError"], true, "{tool} was not refused: {answer}");
    answer["result"]["content"][0]["text"].as_str().unwrap().to_owned()
}

async fn roll_back(daemon: &Daemon, model: &str, gate: &str) -> Value {
    let arguments = json!({ "modelId": model, "gate": gate, "reason": "it was too slow" });
    daemon.ask("rollback_model", arguments).await
}

#[tokio::test]
async fn versions_take_one_anothers_place_and_come_back() {
    let home = Home::new();
    let daemon = home.start().await;
    promote(&daemon, "ranker:11", "production").await;
    let moved = promote(&daemon, "ranker:12", "production").await;
    assert_eq!(moved["registry"]["before"], "ranker:11");
    assert_eq!(moved["registry"]["verified"], true);
    promote(&daemon, "judge", "production").await;

    let listed = daemon.ask("list_models", json!({ "gate": "production" })).await;
    let ids: Vec<&Value> =
        listed["models"].as_array().unwrap().iter().map(|model| &model["modelId"]).collect();
    assert_eq!(ids, ["judge", "ranker:12"]);
    assert_eq!(listed["registry"], "local");

    let back = roll_back(&daemon, "ranker:12", "production").await;
    assert_eq!((&back["restored"], &back["changed"]), (&json!("ranker:11"), &json!(true)));
    assert_eq!(back["currentGates"], json!([]));
    let arguments = json!({ "modelId": "ranker:12", "gate": "production", "reason": "again" });
    assert_eq!(
        refusal(&daemon, "rollback_model", arguments).await,
        "ranker:12 does not stand in gate production: ranker:11 does"
    );
    let gone = roll_back(&daemon, "judge", "production").await;
    assert_eq!(gone["restored"], Value::Null);

    let first = daemon.ask("list_models", json!({ "limit": 2 })).await;
    let next = json!({ "limit": 2, "cursor": first["nextCursor"] });
    let second = daemon.ask("list_models", next).await;
    assert_eq!(first["models"].as_array().unwrap().len(), 2);
    assert_eq!(second["models"][0]["modelId"], "ranker:12");
    assert_eq!(second.get("nextCursor"), None);
}

#[tokio::test]
async fn what_stood_in_a_gate_at_a_moment_can_be_asked() {
    let home = Home::new();
    let daemon = home.start().await;
    let first = promote(&daemon, "ranker:11", "production").await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    promote(&daemon, "ranker:12", "production").await;
    let arguments = json!({ "gate": "production", "at": first["promotedAt"] });
    let history = daemon.ask("model_history", arguments).await;
    // The move is settled a moment after the gate was written.
    let at = history["moves"][1]["settledAt"].clone();
    let history = daemon.ask("model_history", json!({ "gate": "production", "at": at })).await;
    assert_eq!(history["stood"][0]["modelId"], "ranker:11", "{history}");
    assert_eq!(history["stood"][0]["by"]["actor"], "anonymous");
    let moves = history["moves"].as_array().unwrap();
    assert_eq!(
        (&moves[0]["before"], &moves[0]["after"]),
        (&json!("ranker:11"), &json!("ranker:12"))
    );
    // A model's history has the move that displaced it.
    let of_model = daemon.ask("model_history", json!({ "modelId": "ranker:11" })).await;
    assert_eq!(of_model["moves"].as_array().unwrap().len(), 2);
    let page = daemon.ask("model_history", json!({ "limit": 1 })).await;
    let next = json!({ "limit": 1, "cursor": page["nextCursor"] });
    let next = daemon.ask("model_history", next).await;
    assert_eq!(
        (next["moves"][0]["after"].as_str(), next.get("nextCursor")),
        (Some("ranker:11"), None)
    );

    for (arguments, what) in [
        (json!({ "at": "2026-11-21T00:00:00Z" }), "at needs gate"),
        (json!({ "gate": "production", "at": "yesterday" }), "at must be a time"),
        (json!({ "gate": "a b" }), "a gate must match"),
        (json!({ "cursor": "x" }), "cursor must be"),
    ] {
        let answer = daemon
            .rpc("tools/call", json!({ "name": "model_history", "arguments": arguments }))
            .await;
        assert!(answer.to_string().contains(what), "{what}: {answer}");
    }
}

#[tokio::test]
async fn a_promotion_tells_its_story_and_its_events() {
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", "a-key");
    let daemon = home.start().await.with_key("a-key");
    let mut stream = daemon.sse("topic=model/ranker:12&topic=models").await;
    promote(&daemon, "ranker:11", "production").await;
    promote(&daemon, "ranker:12", "production").await;
    roll_back(&daemon, "ranker:12", "production").await;
    let text = read_until(&mut stream, |text| text.contains("event: rolled_back")).await;
    assert!(text.contains("event: promoted\ndata: {\"topic\":\"model/ranker:12\""), "{text}");
    // Of the other version, the stream of all models tells.
    assert!(text.contains("event: model\ndata: {\"topic\":\"model/ranker:11\""), "{text}");
    let last = text.lines().rfind(|line| line.starts_with("data: ")).unwrap();
    let event: Value = serde_json::from_str(last.strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(event["modelId"], "ranker:12");
    assert_eq!(
        (&event["reason"], &event["after"]),
        (&json!("it was too slow"), &json!("ranker:11"))
    );
    assert!(event["metrics"].is_object(), "{event}");

    let why = daemon.call("why", json!({ "id": "ranker:12" })).await;
    let lines = why["content"][0]["text"].as_str().unwrap();
    let exact = "action=promote_model details={\"modelId\":\"ranker:12\",\"gate\":\"production\"}";
    assert!(lines.contains(exact), "{lines}");
    let facts = why["structuredContent"]["facts"].as_array().unwrap();
    let actions: Vec<&str> = facts.iter().map(|fact| fact["action"].as_str().unwrap()).collect();
    let entered = ["gate_intent", "gate_set", "promote_model", "gate_change"];
    // What leaves the gate is set with what comes back, and is in the story of that.
    assert_eq!(actions, [&entered[..], &["gate_intent", "rollback_model", "gate_change"]].concat());
    assert_eq!(facts[3]["details"]["before"], "ranker:11");
    assert!(facts.iter().all(|fact| fact["actor"] != "anonymous"), "{facts:?}");
    assert_eq!(why["structuredContent"]["entityType"], "model");
    let prose = why["content"][1]["text"].as_str().unwrap();
    assert!(prose.contains("Gate production went from ranker:11 to ranker:12; the local registry was read and shows it."), "{prose}");
}

#[tokio::test]
async fn a_promotion_without_its_evidence_is_refused_and_written_down() {
    let home = Home::new();
    let daemon = home.start().await;
    // 0.75 ± 0.1 on 20 samples: surely above 0.5855.
    let requires = |min: f64, samples: u64| {
        json!([{ "taskId": "quick", "configId": "default", "metric": "accuracy", "min": min,
            "maxAgeSeconds": 3600, "minSamples": samples }])
    };
    let arguments = |requires: Value| json!({ "modelId": "ranker:1", "gate": "production", "requires": requires });
    let missing = refusal(&daemon, "promote_model", arguments(requires(0.5, 10))).await;
    assert_eq!(
        missing,
        "the evidence asked for is not there: no eval of quick with default has completed"
    );
    let job = daemon.run_eval("quick").await;
    daemon.until(&job, &["COMPLETED"]).await;
    let low = refusal(&daemon, "promote_model", arguments(requires(0.7, 10))).await;
    assert!(low.contains("is 0.7500, surely only above 0.5855 (95 %), and 0.7 is needed"), "{low}");
    let few = refusal(&daemon, "promote_model", arguments(requires(0.5, 21))).await;
    assert!(few.contains("rests on 20 samples, and 21 are needed"), "{few}");
    let listed = daemon.ask("list_models", json!({})).await;
    assert_eq!(listed["models"], json!([]));

    let moved = daemon.ask("promote_model", arguments(requires(0.5, 20))).await;
    assert_eq!(moved["changed"], true);
    assert_eq!(moved["evidence"]["items"][0]["jobId"], job.as_str());
    assert_eq!(moved["evidence"]["items"][0]["verdict"], "holds");
    let why = daemon.ask("why", json!({ "id": "ranker:1" })).await;
    let facts = why["facts"].as_array().unwrap();
    let refused = facts.iter().filter(|fact| fact["action"] == "promote_refused").count();
    assert_eq!(refused, 3);
    let change = facts.iter().find(|fact| fact["action"] == "gate_change").unwrap();
    assert_eq!(change["details"]["evidence"]["items"][0]["jobId"], job.as_str());

    let infinite = r#"{"modelId":"m","gate":"g","requires":[{"taskId":"t","metric":"","min":1,"maxAgeSeconds":1}]}"#;
    let invalid =
        daemon.rpc("tools/call", json!({ "name": "promote_model", "arguments": serde_json::from_str::<Value>(infinite).unwrap() })).await;
    assert!(invalid.to_string().contains("requires[0].metric"), "{invalid}");
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_a_restart_changes_nothing() {
    let home = Home::new();
    let daemon = home.start().await;
    promote(&daemon, "ranker:11", "production").await;
    let arguments = json!({ "modelId": "ranker:12", "gate": "production", "dryRun": true });
    let dry = daemon.ask("promote_model", arguments.clone()).await;
    assert_eq!((&dry["changed"], &dry["registry"]["before"]), (&json!(true), &json!("ranker:11")));
    daemon.kill();
    let daemon = home.start().await;
    assert_eq!(daemon.ask("promote_model", arguments).await["changed"], true);
    let listed = daemon.ask("list_models", json!({})).await;
    assert_eq!(listed["models"].as_array().unwrap().len(), 1);
    assert_eq!(listed["models"][0]["currentGates"], json!(["production"]));
}
