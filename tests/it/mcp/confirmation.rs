//! Somebody says yes before a promotion, where the client can ask.

use serde_json::{Value, json};

use crate::harness::{Daemon, Home};
use crate::mcp::client::{Session, Stateless, answer, messages_until};

const PROMOTION: &str = "promote_model";

fn arguments() -> Value {
    json!({ "modelId": "ranker:12", "gate": "production" })
}

fn yes() -> Value {
    json!({ "action": "accept", "content": { "confirm": true } })
}

async fn gates(daemon: &Daemon) -> Value {
    daemon.ask("list_models", json!({})).await["models"].clone()
}

fn again(state: &Value, answer: &Value) -> Value {
    json!({
        "name": PROMOTION,
        "arguments": arguments(),
        "requestState": state,
        "inputResponses": { "confirm": answer },
    })
}

#[tokio::test]
async fn a_yes_does_it_once_and_only_what_was_asked() {
    let home = Home::new();
    let daemon = home.start().await;
    let client = Stateless::new(&daemon, json!({ "elicitation": {} }));
    let asked = client.call(PROMOTION, arguments()).await;
    assert_eq!(asked["resultType"], "input_required");
    let question = &asked["inputRequests"]["confirm"];
    assert_eq!(question["method"], "elicitation/create");
    assert!(question["params"]["message"].as_str().unwrap().contains("ranker:12"));
    let state = &asked["requestState"];
    assert_eq!(gates(&daemon).await, json!([]));

    // What was said yes to is these arguments and no others.
    let mut other = again(state, &yes());
    other["arguments"]["modelId"] = json!("ranker:13");
    assert_eq!(client.ask("tools/call", other).await.code(), -32602);
    let mut tampered = again(state, &yes());
    tampered["requestState"] = json!(format!("{}A", state.as_str().unwrap()));
    assert_eq!(client.ask("tools/call", tampered).await.code(), -32602);
    // An answer without what it is an answer to is none.
    let mut forged = again(state, &yes());
    forged.as_object_mut().unwrap().remove("requestState");
    let forged = client.ask("tools/call", forged).await;
    assert_eq!(forged.result()["resultType"], "input_required");
    assert_eq!(gates(&daemon).await, json!([]));

    let done = client.ask("tools/call", again(state, &yes())).await;
    assert_eq!(done.result()["structuredContent"]["changed"], true);
    let twice = client.ask("tools/call", again(state, &yes())).await;
    assert_eq!(twice.result()["resultType"], "input_required");
}

#[tokio::test]
async fn a_no_leaves_everything_and_cannot_become_a_yes() {
    let home = Home::new();
    let daemon = home.start().await;
    let client = Stateless::new(&daemon, json!({ "elicitation": { "form": {} } }));
    let asked = client.call(PROMOTION, arguments()).await;
    let state = &asked["requestState"];
    let declined = client.ask("tools/call", again(state, &json!({ "action": "decline" }))).await;
    assert_eq!(declined.result()["isError"], true);
    let late = client.ask("tools/call", again(state, &yes())).await;
    assert_eq!(late.result()["resultType"], "input_required");
    assert_eq!(gates(&daemon).await, json!([]));
}

#[tokio::test]
async fn nobody_is_asked_who_cannot_be_or_need_not_be() {
    let home = Home::new();
    let daemon = home.start().await;
    // Curl.
    let done = daemon.ask(PROMOTION, arguments()).await;
    assert_eq!(done["changed"], true);
    // A client that said nothing, and one that only opens pages.
    for capabilities in [json!({}), json!({ "elicitation": { "url": {} } })] {
        let client = Stateless::new(&daemon, capabilities);
        assert_eq!(client.call(PROMOTION, arguments()).await["resultType"], "complete");
    }
    let client = Stateless::new(&daemon, json!({ "elicitation": {} }));
    let mut dry = arguments();
    dry["dryRun"] = json!(true);
    assert_eq!(client.call(PROMOTION, dry).await["resultType"], "complete");
    assert_eq!(client.call("list_models", json!({})).await["resultType"], "complete");
}

#[tokio::test]
async fn a_client_with_a_session_is_asked_on_its_stream() {
    let home = Home::new();
    let daemon = home.start().await;
    let session = Session::begin(&daemon, json!({ "elicitation": {} })).await;
    let params = json!({ "name": PROMOTION, "arguments": arguments() });
    for (said, is_error) in [(json!({ "action": "cancel" }), true), (yes(), false)] {
        let mut stream = session.request(&json!(1), "tools/call", &params).send().await.unwrap();
        let is_question = |message: &Value| message["method"] == "elicitation/create";
        let asked = messages_until(&mut stream, |all| all.iter().any(is_question)).await;
        let id = asked.iter().find(|message| is_question(message)).unwrap()["id"].clone();
        assert_eq!(gates(&daemon).await, json!([]));
        let said = json!({ "jsonrpc": "2.0", "id": id, "result": said });
        assert_eq!(answer(session.send(&said).send().await.unwrap()).await.status, 202);
        let answered =
            messages_until(&mut stream, |all| all.iter().any(|message| message["id"] == 1));
        let result = answered.await.pop().unwrap()["result"].clone();
        assert_eq!(result["isError"] == true, is_error, "{result}");
    }
    assert_ne!(gates(&daemon).await, json!([]));
}
