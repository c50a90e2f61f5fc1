//! Gates behind a server that is slow, cut off, lying, refusing and not itself.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::time::{Duration, Instant, sleep};

use super::server::{Fault, RegistryServer, header};
use super::{promote, refusal};
use crate::harness::{Daemon, Home, PATIENCE};

/// How long a call may take here.
const TIMEOUT: &str = "300";

fn home(server: &RegistryServer) -> Home {
    Home::new()
        .with("LUKHAS_REGISTRY", "http")
        .with("LUKHAS_REGISTRY_URL", &server.url)
        .with("LUKHAS_REGISTRY_BEARER", "a-token")
        .with("LUKHAS_REGISTRY_SIGNING_KEY", "a-signing-key")
        .with("LUKHAS_REGISTRY_TIMEOUT_MS", TIMEOUT)
}

fn promotion(model: &str) -> Value {
    json!({ "modelId": model, "gate": "production" })
}

fn rollback(model: &str) -> Value {
    json!({ "modelId": model, "gate": "production", "reason": "too slow" })
}

/// Waits until no move is open, and returns the last one.
async fn last_settled(daemon: &Daemon) -> Value {
    let began = Instant::now();
    loop {
        let history = daemon.ask("model_history", json!({ "gate": "production" })).await;
        let moves = history["moves"].as_array().unwrap();
        if moves.iter().all(|one| one["state"] != "intended") {
            return moves[0].clone();
        }
        assert!(began.elapsed() < PATIENCE, "a move stays open: {history}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_contract_is_what_the_page_says() {
    let server = RegistryServer::start().await;
    let home = home(&server);
    let daemon = home.start().await;
    let first = promote(&daemon, "ranker:11", "production").await;
    assert_eq!(first["registry"]["reference"], "\"1\"");
    promote(&daemon, "ranker:12", "production").await;
    let back = daemon.ask("rollback_model", rollback("ranker:12")).await;
    assert_eq!(back["restored"], "ranker:11");
    daemon.ask("rollback_model", rollback("ranker:11")).await;
    assert_eq!(server.holder("ranker"), None);

    let why = daemon.ask("why", json!({ "id": "ranker:12" })).await;
    let inside = server.inside();
    let (head, asked) = &inside.promotions[1];
    let expected = json!({
        "modelId": "ranker:12", "model": "ranker", "gate": "production", "from": "ranker:11",
        "dryRun": false, "auditHash": why["facts"][0]["hash"], "canaryId": null,
        "actor": "anonymous", "reason": null,
    });
    assert_eq!(asked, &expected);
    assert_eq!(inside.promotions[3].1["modelId"], Value::Null);
    assert_eq!(header(head, "authorization").unwrap(), "Bearer a-token");
    let keys: std::collections::BTreeSet<_> =
        inside.promotions.iter().map(|(head, _)| header(head, "idempotency-key")).collect();
    assert_eq!(keys.len(), 4);
    for (head, asked) in &inside.promotions {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"a-signing-key").unwrap();
        mac.update(header(head, "x-lukhas-timestamp").unwrap().as_bytes());
        mac.update(b".");
        // The body is written in the order of its members; what was parsed is not.
        let order = [
            "modelId",
            "model",
            "gate",
            "from",
            "dryRun",
            "auditHash",
            "canaryId",
            "actor",
            "reason",
        ];
        let members: Vec<String> =
            order.iter().map(|name| format!("\"{name}\":{}", asked[name])).collect();
        mac.update(format!("{{{}}}", members.join(",")).as_bytes());
        let digest: Vec<String> =
            mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
        let digest = digest.concat();
        assert_eq!(header(head, "x-lukhas-signature").unwrap(), format!("sha256={digest}"));
    }
    let log = daemon.log().join("\n");
    assert!(!log.contains("a-token") && !log.contains("a-signing-key"), "{log}");
}

#[tokio::test]
async fn what_the_server_shows_counts_and_not_what_became_of_the_answer() {
    let server = RegistryServer::start().await;
    let home = home(&server);
    let daemon = home.start().await;
    server.inside().faults.push_back(Fault::CutAfterwards);
    assert_eq!(promote(&daemon, "ranker:11", "production").await["changed"], true);
    server.inside().faults.push_back(Fault::Twice);
    assert_eq!(promote(&daemon, "ranker:12", "production").await["changed"], true);
    assert_eq!(server.inside().changes, 2);

    server.inside().faults.push_back(Fault::Refuse);
    assert_eq!(
        refusal(&daemon, "promote_model", promotion("ranker:13")).await,
        "the registry refused: ranker:12 has no weights"
    );
    assert_eq!(last_settled(&daemon).await["state"], "abandoned");

    server.inside().faults.push_back(Fault::Lie);
    let lied = refusal(&daemon, "promote_model", promotion("ranker:13")).await;
    assert!(lied.contains("says that it moved it and shows that it did not"), "{lied}");
    // It may still be at it, so that nothing else happens there until it cannot be.
    let waiting = refusal(&daemon, "promote_model", promotion("ranker:14")).await;
    assert!(waiting.contains("it is not known yet whether gate production was moved"), "{waiting}");
    assert_eq!(last_settled(&daemon).await["state"], "abandoned");
    assert_eq!(server.holder("ranker").as_deref(), Some("ranker:12"));
}

#[tokio::test]
async fn what_comes_late_is_recorded_when_it_comes() {
    let server = RegistryServer::start().await;
    let home = home(&server);
    let daemon = home.start().await;
    server.inside().faults.push_back(Fault::Late(Duration::from_millis(900)));
    let late = refusal(&daemon, "promote_model", promotion("ranker:11")).await;
    assert!(late.contains("it is not known yet"), "{late}");
    let last = last_settled(&daemon).await;
    assert_eq!((&last["state"], &last["after"]), (&json!("done"), &json!("ranker:11")));
    let listed = daemon.ask("list_models", json!({ "gate": "production" })).await;
    assert_eq!(listed["models"][0]["modelId"], "ranker:11");
}

#[tokio::test]
async fn a_rollback_is_asked_for_until_it_is_made_and_made_once() {
    let server = RegistryServer::start().await;
    let home = home(&server);
    let daemon = home.start().await;
    promote(&daemon, "ranker:11", "production").await;
    promote(&daemon, "ranker:12", "production").await;
    server.inside().faults.extend([Fault::CutBefore, Fault::Late(Duration::from_millis(600))]);
    refusal(&daemon, "rollback_model", rollback("ranker:12")).await;
    let last = last_settled(&daemon).await;
    assert_eq!((&last["state"], &last["after"]), (&json!("done"), &json!("ranker:11")));
    assert_eq!(server.holder("ranker").as_deref(), Some("ranker:11"));
    let inside = server.inside();
    assert_eq!(inside.changes, 3);
    let key = |n: usize| header(&inside.promotions[n].0, "idempotency-key");
    assert!(4 <= inside.promotions.len() && key(2) == key(3), "{:?}", inside.promotions);
}

/// A proxy that answers for a server that is gone says nothing about a gate.
#[tokio::test]
async fn an_answer_about_something_else_is_no_empty_gate() {
    let server = RegistryServer::start().await;
    let home = home(&server);
    let daemon = home.start().await;
    promote(&daemon, "ranker:11", "production").await;
    for (status, body) in [
        ("404 Not Found", "{}"),
        ("200 OK", "<html>"),
        ("200 OK", "{}"),
        ("200 OK", r#"{"modelId":null,"gate":"staging"}"#),
        ("200 OK", r#"{"modelId":"judge:1"}"#),
        ("401 Unauthorized", r#"{"error":"who are you"}"#),
        ("302 Found", ""),
        ("503 Service Unavailable", ""),
    ] {
        server.inside().reads = Some((status, body));
        let refused = refusal(&daemon, "rollback_model", rollback("ranker:11")).await;
        assert_eq!(refused, "the http registry cannot be asked just now", "{status} {body}");
    }
    server.inside().reads = None;
    assert_eq!(server.holder("ranker").as_deref(), Some("ranker:11"));
    // Nothing was begun, and nothing is open.
    let history = daemon.ask("model_history", json!({})).await;
    assert_eq!(history["moves"].as_array().unwrap().len(), 1);
}
