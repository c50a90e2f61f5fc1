//! What is asked, and answered, over one socket.

use tokio::sync::Notify;

use super::*;
use crate::chat::tests::fake_model::Step::{Call, Say, Wait};

#[actix::test]
async fn an_answer_in_pieces_has_the_frames_of_the_contract() {
    let call = Call(vec![("c1", "ops__look", "{}")]);
    let script = vec![vec![Say("I "), call], vec![Say("see"), Say(".")]];
    let house = House::new(FakeModel::saying(script)).await;
    let mut client = house.client().await;
    client.ask(None, "r1", "hi").await;
    let frames = client.until_over("r1").await;
    let conversation = frames[0]["conversation_id"].as_str().unwrap().to_owned();
    assert!(conversation.starts_with("conv_"));
    for frame in &frames {
        assert_eq!(frame["request_id"], "r1");
        assert_eq!(frame["conversation_id"], conversation);
        assert!(frame["seq"].is_i64(), "{frame}");
    }
    assert_eq!(frames[0]["status"], "processing");
    assert_eq!(frames[0]["chunk"], json!({ "metadata": { "user_message": "hi" } }));
    let metadata = json!({ "type": "delta", "hop": 0, "attempt": 0, "start": 0 });
    let delta = json!({ "type": "text", "data": "I ", "metadata": metadata });
    assert_eq!((&frames[1]["status"], &frames[1]["chunk"]), (&json!("chunk"), &delta));
    assert_eq!(frames[2]["chunk"]["type"], "tool_execution");
    assert_eq!(frames[2]["chunk"]["metadata"], json!({ "tool_count": 1, "hop": 0 }));
    let last = frames.last().unwrap();
    assert_eq!((&last["status"], &last["chunk"]), (&json!("complete"), &json!({})));
    assert_eq!(last["metadata"]["tokens"], 84);
    assert_eq!(words(&frames), "I see.");
    // The socket goes on in its own conversation, and another begins one of its own.
    client.ask(None, "r2", "and now?").await;
    let frames = client.until_over("r2").await;
    assert_eq!(frames[0]["conversation_id"], conversation);
    assert_eq!(house.bench.model.asked().last().unwrap().messages.len(), 5);
    let mut another = house.client().await;
    another.ask(None, "r3", "hi").await;
    assert_ne!(another.next().await["conversation_id"], conversation);
}

#[actix::test]
async fn a_first_message_that_comes_again_over_another_socket_goes_on_where_it_was() {
    let house = House::new(FakeModel::saying(vec![vec![Say("one")]])).await;
    let mut client = house.client().await;
    client.ask(None, "r1", "hi").await;
    let conversation = client.until_over("r1").await[0]["conversation_id"].clone();
    drop(client);
    let mut client = house.client().await;
    client.ask(None, "r1", "hi").await;
    let frames = client.until_over("r1").await;
    assert_eq!((&frames[0]["conversation_id"], words(&frames).as_str()), (&conversation, "one"));
    client.ask(None, "r2", "more").await;
    assert_eq!(client.until_over("r2").await[0]["conversation_id"], conversation);
    assert_eq!(house.bench.model.asked().len(), 2);
    let mut another = house.client().await;
    another.ask(None, "r1", "something else").await;
    assert_eq!(another.until_over("r1").await[0]["chunk"]["code"], "conflict");
}

#[actix::test]
async fn an_answer_that_is_not_to_come_in_pieces_comes_whole() {
    let house = House::new(FakeModel::saying(vec![vec![Say("a"), Say("b")]])).await;
    let mut client = house.client().await;
    let payload = json!({ "text": "hi", "streaming": false, "metadata": { "from": "a test" } });
    client.send(&json!({ "action": "chat", "request_id": "r1", "payload": payload })).await;
    let frames = client.until_over("r1").await;
    let statuses: Vec<_> = frames.iter().map(|frame| frame["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["processing", "chunk", "complete"]);
    assert_eq!(frames[1]["chunk"], json!({ "type": "text", "data": "ab", "metadata": {} }));
    // The same again is answered from memory.
    client.send(&json!({ "action": "chat", "request_id": "r1", "payload": payload })).await;
    let frames = client.until_over("r1").await;
    let cached = json!({ "type": "text", "data": "ab", "metadata": { "cached": true } });
    assert_eq!((frames.len(), &frames[0]["chunk"]), (2, &cached));
    assert_eq!(house.bench.model.asked().len(), 1);
    client.ask(None, "r1", "something else").await;
    assert_eq!(client.until_over("r1").await[0]["chunk"]["code"], "conflict");
}

#[actix::test]
async fn where_nobody_says_whether_in_pieces_it_is_asked_for() {
    let house = House::with(FakeModel::saying(vec![]), 1000, |settings| {
        settings.streaming.enabled = None;
    })
    .await;
    let mut client = house.client().await;
    client.ask(None, "r1", "hi").await;
    let frame = client.next().await;
    assert_eq!(frame["status"], "error");
    let said = frame["chunk"]["error"].as_str().unwrap();
    assert!(said.starts_with("Streaming configuration missing"), "{said}");
}

/// B16: what is wrong with one message ends neither the socket nor another request.
#[actix::test]
async fn a_socket_outlives_whatever_is_sent() {
    let house = House::new(FakeModel::saying(vec![])).await;
    let mut client = house.client().await;
    let deep = "[".repeat(100_000);
    for (text, code) in [
        ("{", "bad_json"),
        (deep.as_str(), "bad_json"),
        ("[]", "invalid_message"),
        ("{\"action\":\"dance\"}", "invalid_message"),
        ("{\"action\":\"chat\",\"request_id\":\"r\",\"payload\":{}}", "invalid_message"),
    ] {
        client.send_text(text).await;
        let frame = client.next().await;
        assert_eq!(frame["status"], "error");
        assert_eq!(frame["chunk"]["code"], code, "{frame}");
        assert_eq!(frame["chunk"]["retryable"], false);
    }
    client.socket.send(Message::binary(vec![0, 1])).await.unwrap();
    assert_eq!(client.next().await["chunk"]["code"], "invalid_message");
    for text in ["", " \n", &"x".repeat(300_000)] {
        client.ask(None, "r9", text).await;
        let frame = client.next().await;
        assert_eq!(
            (&frame["request_id"], &frame["chunk"]["code"]),
            (&json!("r9"), &json!("invalid_message"))
        );
    }
    client.ask(None, "r1", "hi").await;
    assert_eq!(words(&client.until_over("r1").await), "yes");
}

#[actix::test]
async fn requests_go_on_beside_one_another_and_are_ended_one_by_one() {
    let gate = Arc::new(Notify::new());
    let slow = || vec![Say("one"), Wait(Arc::clone(&gate)), Say("never")];
    let house = House::new(FakeModel::saying(vec![slow()])).await;
    let mut client = house.client().await;
    client.ask(Some("a"), "r1", "slow").await;
    while client.next().await["status"] != "chunk" {}
    client.ask(Some("b"), "r2", "quick").await;
    assert_eq!(words(&client.until_over("r2").await), "yes");
    // A third waits for the first in the same conversation.
    client.ask(Some("a"), "r3", "later").await;
    client.send(&json!({ "action": "cancel", "request_id": "r1" })).await;
    let frames = client.until_over("r1").await;
    let last = &frames.last().unwrap();
    assert_eq!(last["chunk"]["code"], "cancelled");
    assert_eq!(words(&client.until_over("r3").await), "yes");
    let over =
        json!({ "action": "cancel", "request_id": "r3", "payload": { "conversation_id": "a" } });
    client.send(&over).await;
    let frame = client.next().await;
    assert_eq!((&frame["action"], &frame["chunk"]["code"]), (&json!("cancel"), &json!("conflict")));
    client.send(&json!({ "action": "cancel", "request_id": "nope" })).await;
    assert_eq!(client.next().await["chunk"]["code"], "invalid_message");
}

#[actix::test]
async fn what_else_there_is_can_be_had_over_the_socket() {
    let house = House::new(FakeModel::saying(vec![vec![Say("the moon")]])).await;
    let mut client = house.client().await;
    client.ask(Some("a"), "r1", "what shines?").await;
    client.until_over("r1").await;
    let history = client.act("history", json!({ "conversation_id": "a" })).await;
    assert_eq!((&history["status"], &history["chunk"]), (&json!("complete"), &json!({})));
    let events = history["data"]["events"].as_array().unwrap();
    assert_eq!(
        (&events[0]["type"], &events[0]["content"]),
        (&json!("user_message"), &json!("what shines?"))
    );
    assert_eq!(history["data"]["requests"][0]["status"], "complete");
    let all = client.act("conversations", json!({ "limit": 1 })).await;
    assert_eq!(all["data"]["conversations"][0]["title"], "what shines?");
    assert_eq!(all["data"]["next"], Value::Null);
    let found = client.act("search", json!({ "query": "moon" })).await;
    assert_eq!(found["data"]["hits"][0]["seq"], 2);
    let fork = client.act("fork", json!({ "conversation_id": "a", "seq": 2 })).await;
    assert_eq!(fork["data"]["parent_id"], "a");
    let renamed = client.act("rename", json!({ "conversation_id": "a", "title": "Sky" })).await;
    assert_eq!(renamed["data"]["title"], "Sky");
    let export = client.act("export", json!({ "conversation_id": "a" })).await;
    let lines = export["data"]["lines"].as_str().unwrap();
    let import = client.act("import", json!({ "lines": lines })).await;
    assert_eq!(import["data"]["title"], "Sky");
    assert_eq!(
        client.act("import", json!({ "lines": "x" })).await["chunk"]["code"],
        "invalid_message"
    );
    let providers = client.act("providers", json!({})).await;
    let fake = json!({ "name": "fake", "model": "fake-1", "is_active": false });
    assert_eq!(providers["data"]["providers"][0]["name"], fake["name"]);
    assert_eq!(client.act("prompts", json!({})).await["data"], json!({ "prompts": [] }));
    assert_eq!(client.act("resources", json!({})).await["data"], json!({ "resources": [] }));
    let prompt = client.act("apply_prompt", json!({ "server": "s", "name": "p" })).await;
    assert_eq!(prompt["status"], "error");
    assert_eq!(client.act("clear", json!({ "conversation_id": "a" })).await["status"], "complete");
    let gone = client.act("history", json!({ "conversation_id": "a" })).await;
    assert_eq!(gone["chunk"]["code"], "not_found");
}
