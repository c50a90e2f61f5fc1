//! Who may open a socket, and whose conversations are told there.

use super::*;

#[actix::test]
async fn a_key_is_shown_in_a_header_or_among_the_protocols() {
    let house = House::new(FakeModel::saying(vec![])).await;
    let bearer = format!("Bearer {KEY}");
    house.try_client(&[("authorization", &bearer)]).await.map(drop).unwrap();
    // base64url of the keys.
    let shown = "lukhas.chat, key.a2V5LW9mLWFubmE";
    let mut client =
        house.try_client(&[("sec-websocket-protocol", shown)]).await.map_err(drop).unwrap();
    assert_eq!(client.protocol.as_deref(), Some("lukhas.chat"));
    client.ask(Some("a"), "r1", "hi").await;
    assert_eq!(words(&client.until_over("r1").await), "yes");
    for headers in [
        vec![],
        vec![("x-api-key", "wrong")],
        vec![("sec-websocket-protocol", "lukhas.chat, key.d3Jvbmc")],
        vec![("sec-websocket-protocol", "lukhas.chat, key.%%%")],
        vec![("sec-websocket-protocol", "lukhas.chat")],
        vec![("x-api-key", OTHER), ("sec-websocket-protocol", shown)],
    ] {
        assert_eq!(house.try_client(&headers).await.map(drop), Err(401), "{headers:?}");
    }
    let two = "key.a2V5LW9mLWFubmE, key.a2V5LW9mLWFubmE";
    let refused = house.try_client(&[("sec-websocket-protocol", two)]).await;
    assert_eq!(refused.map(drop), Err(400));
    let in_query = format!("/ws/chat?key={KEY}");
    assert_eq!(house.try_at(&in_query, &[]).await.map(drop), Err(401));
}

/// W1, B24: a page from elsewhere cannot open a socket, with or without a key.
#[actix::test]
async fn pages_of_other_origins_open_no_socket() {
    let house = House::with(FakeModel::saying(vec![]), 1000, |settings| {
        settings.websocket.allow_origins = vec!["https://chat.example".to_owned()];
    })
    .await;
    let own = format!("http://{}", house.address);
    for (origin, expected) in [
        (own.as_str(), Ok(())),
        ("https://chat.example", Ok(())),
        ("https://chat.example.evil", Err(403)),
        ("http://evil.example", Err(403)),
        ("null", Err(403)),
    ] {
        let opened = house.try_client(&[("x-api-key", KEY), ("origin", origin)]).await;
        assert_eq!(opened.map(drop), expected, "{origin}");
    }
    // That origin is let in at the socket, and nowhere else.
    let client = http_client();
    let request = client.get(house.url("/v1/models")).header("x-api-key", KEY);
    let answer = request.header("origin", "https://chat.example").send().await.unwrap();
    assert_eq!(answer.status(), 403);
}

#[actix::test]
async fn what_is_no_handshake_is_told_what_is_missing() {
    let house = House::new(FakeModel::saying(vec![])).await;
    let client = http_client();
    let request = client.get(house.url("/ws/chat")).header("x-api-key", KEY);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert!(body["message"].as_str().unwrap().contains("Upgrade: websocket"));
    house.until("the place is given back", |house| house.door.sockets() == 0).await;
}

/// W8, B25: a conversation of somebody else is one that there is not.
#[actix::test]
async fn nobody_reaches_a_conversation_of_somebody_else() {
    let house = House::new(FakeModel::saying(vec![])).await;
    let mut anna = house.client().await;
    anna.ask(Some("a"), "r1", "a secret").await;
    anna.until_over("r1").await;
    let mut bert = house.client_of(OTHER).await;
    bert.ask(Some("a"), "r1", "a secret").await;
    assert_eq!(bert.until_over("r1").await[0]["chunk"]["code"], "not_found");
    let here = || json!({ "conversation_id": "a", "seq": 1, "title": "x", "query": "secret" });
    for action in ["resume", "history", "fork", "clear", "rename", "search", "export"] {
        let frame = bert.act(action, here()).await;
        let elsewhere = json!({ "conversation_id": "b", "seq": 1, "title": "x", "query": "s" });
        let unknown = bert.act(action, elsewhere).await;
        assert_eq!(frame["chunk"]["code"], "not_found", "{action}");
        let same = frame.to_string().replace("conversation a ", "conversation b ");
        assert_eq!(same, unknown.to_string(), "{action}");
    }
    assert_eq!(bert.act("conversations", json!({})).await["data"]["conversations"], json!([]));
    assert_eq!(bert.act("search", json!({ "query": "secret" })).await["data"]["hits"], json!([]));
    let cancel = json!({ "action": "cancel", "request_id": "r1", "payload": here() });
    bert.send(&cancel).await;
    assert_eq!(bert.next().await["chunk"]["code"], "not_found");
}

#[actix::test]
async fn a_key_for_reading_changes_nothing() {
    let house = House::new(FakeModel::saying(vec![])).await;
    let mut carl = house.client_of(READER).await;
    carl.ask(Some("a"), "r1", "hi").await;
    let frame = carl.next().await;
    assert_eq!(
        (&frame["request_id"], &frame["chunk"]["code"]),
        (&json!("r1"), &json!("forbidden"))
    );
    let payload = json!({
        "conversation_id": "a", "seq": 1, "title": "x", "lines": "x", "approval_id": "ap_x",
        "decision": "once", "elicitation_id": "e", "action": "accept", "server": "s", "name": "n",
    });
    for action in
        ["approve", "answer", "fork", "clear", "rename", "import", "apply_prompt", "cancel"]
    {
        assert_eq!(
            carl.act(action, payload.clone()).await["chunk"]["code"],
            "forbidden",
            "{action}"
        );
    }
    assert_eq!(carl.act("approvals", json!({})).await["chunk"]["code"], "forbidden");
    assert_eq!(carl.act("conversations", json!({})).await["status"], "complete");
}
