//! How much may one client have, and what becomes of one that does not read?

use tokio::sync::Notify;

use super::*;
use crate::chat::tests::fake_model::Step::{Say, Wait};

/// W5: who asks too often is told so, and then ended.
#[actix::test]
async fn a_flood_is_told_of_and_then_ended() {
    let house = House::with(FakeModel::saying(vec![]), 3, |_| ()).await;
    let mut client = house.client().await;
    for _ in 0..2 {
        assert_eq!(client.act("providers", json!({})).await["status"], "complete");
    }
    client.send(&json!({ "action": "providers", "request_id": "r7" })).await;
    let frame = client.next().await;
    assert_eq!(
        (&frame["request_id"], &frame["chunk"]["code"]),
        (&json!("r7"), &json!("rate_limited"))
    );
    assert_eq!(frame["chunk"]["retryable"], true);
    assert!(0 < frame["chunk"]["retry_after_ms"].as_u64().unwrap());
    for _ in 0..40 {
        let message = Message::text("{}");
        if client.socket.send(message).await.is_err() {
            break;
        }
    }
    assert_eq!(client.end().await, Some(1008));
    let house = House::new(FakeModel::saying(vec![])).await;
    let mut pinging = house.client().await;
    for _ in 0..100 {
        if pinging.socket.send(Message::Ping(Vec::new().into())).await.is_err() {
            break;
        }
    }
    assert_eq!(pinging.end().await, Some(1008));
}

#[actix::test]
async fn a_socket_has_a_bounded_number_of_requests_under_way() {
    let gate = Arc::new(Notify::new());
    let script = (0..16).map(|_| vec![Wait(Arc::clone(&gate)), Say("done")]).collect();
    let house = House::new(FakeModel::saying(script)).await;
    let mut client = house.client().await;
    for n in 0..17 {
        client.ask(Some(&format!("c{n}")), &format!("r{n}"), "hi").await;
    }
    let frames = client.until_over("r16").await;
    assert_eq!(frames[0]["chunk"]["code"], "overloaded");
    assert_eq!(frames[0]["chunk"]["retryable"], true);
    let asked = house.until("all are asked", |house| house.bench.model.asked().len() == 16);
    asked.await;
    let mut over = 0;
    while over < 16 {
        // Some may not wait yet.
        gate.notify_waiters();
        let next = tokio::time::timeout(Duration::from_millis(20), client.next()).await;
        over += usize::from(next.is_ok_and(|frame| frame["status"] == "complete"));
    }
    client.ask(None, "r17", "hi").await;
    assert_eq!(words(&client.until_over("r17").await), "yes");
}

#[actix::test]
async fn there_are_so_many_sockets_and_no_more() {
    let house = House::with(FakeModel::saying(vec![]), 1000, |settings| {
        settings.websocket.max_connections = 3;
    })
    .await;
    let (one, two) = (house.client().await, house.client().await);
    assert_eq!(house.try_client(&[("x-api-key", KEY)]).await.map(drop), Err(429));
    let three = house.client_of(OTHER).await;
    assert_eq!(house.try_client(&[("x-api-key", OTHER)]).await.map(drop), Err(503));
    drop(one);
    house.until("a place is given back", |house| house.door.sockets() == 2).await;
    drop((house.client().await, two, three));
}

/// W7: what a client does not read is not gathered for it.
#[actix::test]
async fn one_that_does_not_read_is_ended_and_others_are_not_held_up() {
    let long: &'static str = Box::leak("x".repeat(900_000).into_boxed_str());
    let house = House::new(FakeModel::saying(vec![vec![Say(long)]])).await;
    let mut client = house.client().await;
    client.ask(Some("a"), "r1", "hi").await;
    client.until_over("r1").await;
    let mut stalled = house.client().await;
    // Each comes with the whole answer.
    for _ in 0..32 {
        let payload = json!({ "conversation_id": "a" });
        stalled.send(&json!({ "action": "history", "payload": payload })).await;
        stalled.send(&json!({ "action": "export", "payload": payload })).await;
    }
    client.ask(Some("b"), "r2", "hi").await;
    assert_eq!(words(&client.until_over("r2").await), "yes");
    house.until("the socket is ended", |house| house.door.sockets() == 1).await;
}

#[actix::test]
async fn a_daemon_that_goes_down_says_so() {
    let house = House::new(FakeModel::saying(vec![])).await;
    let mut client = house.client().await;
    client.act("providers", json!({})).await;
    house.hub.shut_down();
    assert_eq!(client.end().await, Some(1001));
    house.until("the place is given back", |house| house.door.sockets() == 0).await;
}
