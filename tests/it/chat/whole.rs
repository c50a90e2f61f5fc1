//! The chat as a part of the daemon: who learns what of it, and how it shows how it is.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::{Value, json};

use super::provider::Provider;
use super::say;
use crate::harness::{Daemon, Home};

const KEYS: [&str; 3] = ["a-key-of-the-owner", "a-key-of-somebody", "a-key-for-reading"];

async fn with_keys() -> (Home, Daemon) {
    let home = Home::new()
        .with_chat()
        .with("LUKHAS_MCP_API_KEYS", &format!("{},{}", KEYS[0], KEYS[1]))
        .with("LUKHAS_MCP_READ_API_KEYS", KEYS[2]);
    let daemon = home.start().await;
    (home, daemon)
}

/// What a call of a tool is told in words.
fn told(answer: &Value) -> &str {
    answer["content"][0]["text"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn the_story_of_a_conversation_is_for_its_owner_and_for_operators() {
    let (_home, daemon) = with_keys().await;
    let daemon = daemon.with_key(KEYS[0]);
    let said = json!({ "conversationId": "c1", "text": "a secret of mine", "waitSeconds": 30 });
    let answered = daemon.ask("send_message", said).await;
    assert_eq!(answered["status"], "error", "nobody listens there: {answered}");
    daemon.ask("remove_conversation", json!({ "conversationId": "c1" })).await;
    let why = json!({ "id": "c1" });
    let daemon = daemon.with_key(KEYS[1]);
    let story = daemon.call("why", why.clone()).await;
    assert_eq!(story["structuredContent"]["entityType"], "conversation");
    assert!(told(&story).contains("action=conversation_removed"), "{story}");
    assert!(!story.to_string().contains("secret"), "{story}");
    let daemon = daemon.with_key(KEYS[2]);
    let why = json!({ "name": "why", "arguments": why });
    let refused = daemon.rpc("tools/call", why).await;
    assert!(refused.to_string().contains("nothing is recorded about id c1"), "{refused}");
}

#[tokio::test]
async fn the_story_of_what_it_did_names_whose_it_is_and_who_allowed_it() {
    let provider = Provider::start().await;
    let home =
        super::home(&provider, "").with("LUKHAS_MCP_API_KEYS", &format!("{},{}", KEYS[0], KEYS[1]));
    let daemon = home.start().await.with_key(KEYS[0]);
    let owner = name_of(&daemon).await;
    let call = "call ops__promote_model {\"modelId\":\"ranker:12\",\"gate\":\"production\"}";
    let waits = say(&daemon, "c", "r1", call).await;
    let decision = json!({ "approvalId": waits["approvals"][0]["approvalId"], "decision": "once" });
    let daemon = daemon.with_key(KEYS[1]);
    let approver = name_of(&daemon).await;
    daemon.ask("decide_approval", decision).await;
    let daemon = daemon.with_key(KEYS[0]);
    let done = say(&daemon, "c", "r1", call).await;
    assert_eq!(done["status"], "complete", "{done}");
    let story = daemon.call("why", json!({ "id": "ranker:12" })).await;
    let said = format!("It was done in a conversation of {owner}, where {approver} allowed it.");
    assert!(story["content"][1]["text"].as_str().unwrap().contains(&said), "{story}");
    let facts = story["structuredContent"]["facts"].as_array().unwrap();
    let fact = facts.iter().find(|fact| fact["actor"] == "chat:c").unwrap();
    let conversation = &fact["details"]["conversation"];
    assert_eq!(conversation["approvedBy"], approver.as_str(), "{fact}");
    assert_eq!((&conversation["id"], &conversation["requestId"]), (&json!("c"), &json!("r1")));
    let story = daemon.call("why", json!({ "id": "c" })).await;
    let actions: Vec<_> = story["structuredContent"]["facts"].as_array().unwrap().iter().collect();
    let actions: Vec<_> = actions.iter().map(|fact| fact["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["approval_requested", "approval_given"]);
}

/// How the audit calls the key that is sent.
async fn name_of(daemon: &Daemon) -> String {
    let me = daemon.get("/api/whoami").send().await.unwrap().json::<Value>().await.unwrap();
    me["principal"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_conversation_does_not_stand_in_the_story_of_something_else() {
    let (_home, daemon) = with_keys().await;
    let daemon = daemon.with_key(KEYS[0]);
    let promote = json!({ "modelId": "ranker:12", "gate": "production" });
    daemon.ask("promote_model", promote).await;
    let said = json!({ "conversationId": "ranker:12", "text": "hello", "waitSeconds": 30 });
    daemon.ask("send_message", said).await;
    daemon.ask("remove_conversation", json!({ "conversationId": "ranker:12" })).await;
    let story = daemon.call("why", json!({ "id": "ranker:12" })).await;
    assert_eq!(story["structuredContent"]["entityType"], "model");
    assert!(!told(&story).contains("conversation_removed"), "{story}");
}

#[tokio::test]
async fn its_models_and_servers_are_part_of_the_state_of_the_daemon() {
    let plain = Home::new();
    let plain = plain.start().await;
    let state = plain.ask("get_infrastructure_status", json!({})).await;
    assert_eq!(state.get("chat"), None);
    let home = Home::new().with_chat();
    let daemon = home.start().await;
    let said = json!({ "text": "hello", "waitSeconds": 30 });
    daemon.ask("send_message", said).await;
    let state = daemon.ask("get_infrastructure_status", json!({})).await;
    let (provider, server) = (&state["chat"]["providers"][0], &state["chat"]["servers"][0]);
    assert_eq!((&provider["provider"], &provider["model"]), (&json!("own"), &json!("small")));
    assert!(provider["lastError"].is_string(), "{provider}");
    assert_eq!((&server["server"], &server["transport"]), (&json!("ghost"), &json!("stdio")));
    assert!(server["state"] != "ready" && server["since"].is_string(), "{server}");
    let page = daemon.get("/metrics").send().await.unwrap().text().await.unwrap();
    for line in [
        "lukhas_mcp_chat_requests_ended_total{ending=\"error\"} 1",
        "lukhas_mcp_chat_server_tools{server=\"ghost\"} 0",
        "lukhas_mcp_chat_approvals{status=\"pending\"} 0",
        "lukhas_mcp_chat_sockets{} 0",
    ] {
        assert!(page.lines().any(|is| is.starts_with(line)), "no {line} in {page}");
    }
    // A provider that does not answer is no reason to send nobody here.
    assert_eq!(daemon.get("/readyz").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_earlier_backends_conversations_become_those_of_the_first_key() {
    let home = Home::new().with_chat().with("LUKHAS_MCP_API_KEYS", KEYS[0]);
    home.chat_file("chat: {service: {repository: {path: events.db}}}\n");
    let path = home.path().join("chat/events.db");
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    conn.batch_execute(
        "CREATE TABLE chat_events (id TEXT PRIMARY KEY, conversation_id TEXT NOT NULL, \
         seq INTEGER, timestamp TEXT NOT NULL, type TEXT NOT NULL, role TEXT, content TEXT, \
         tool_calls TEXT, tool_call_id TEXT, model TEXT, usage TEXT, extra TEXT, \
         token_count INTEGER, request_id TEXT); INSERT INTO chat_events \
         (id, conversation_id, seq, timestamp, type, content) \
         VALUES ('1', 'c1', 1, '2025-08-03T06:44:00', 'user_message', 'remember me')",
    )
    .unwrap();
    drop(conn);
    for _ in 0..2 {
        let mut daemon = home.start().await.with_key(KEYS[0]);
        let listed = daemon.ask("list_conversations", json!({})).await;
        let listed = listed["conversations"].as_array().unwrap();
        let [one] = listed.as_slice() else { panic!("{listed:?}") };
        assert_eq!((&one["conversationId"], &one["origin"]), (&json!("c1"), &json!("import")));
        let found = daemon.ask("search_conversations", json!({ "query": "remember" })).await;
        assert!(found.to_string().contains("c1"), "{found}");
        assert!(daemon.terminate().await.success());
    }
}
