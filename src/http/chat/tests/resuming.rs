//! Who comes back has everything, once.

use futures_util::future::join_all;
use tokio::sync::Notify;

use super::*;
use crate::chat::tests::fake_model::Step::{Call, Say, Wait};

/// The place from which a client resumes: words alone do not move it.
fn place(frames: &[Value]) -> i64 {
    let moves = frames.iter().filter(|frame| frame["status"] != "chunk");
    moves.filter_map(|frame| frame["seq"].as_i64()).max().unwrap_or(0)
}

#[actix::test]
async fn an_answer_that_is_cut_in_its_middle_is_whole_on_another_socket() {
    let gate = Arc::new(Notify::new());
    let call = Call(vec![("c1", "ops__look", "{}")]);
    let second = vec![Say("two "), Wait(Arc::clone(&gate)), Say("three "), Say("four")];
    let house = House::new(FakeModel::saying(vec![vec![Say("one "), call], second])).await;
    let mut client = house.client().await;
    client.ask(Some("a"), "r1", "count").await;
    let mut frames = Vec::new();
    while frames.last().is_none_or(|frame: &Value| frame["chunk"]["data"] != "two ") {
        frames.push(client.next().await);
    }
    drop(client);
    let mut again = house.client().await;
    let after = json!({ "conversation_id": "a", "after_seq": place(&frames) });
    let resumed = again.act("resume", after).await;
    assert_eq!(resumed["data"]["requests"][0]["request_id"], "r1");
    let first = again.next().await;
    assert_eq!(first["chunk"]["data"], "two ", "what is under way comes first: {first}");
    assert_eq!(first["chunk"]["metadata"]["type"], "replay");
    gate.notify_one();
    frames.push(first);
    frames.extend(again.until_over("r1").await);
    assert_eq!(words(&frames), "one two three four");
    // From the beginning, it is the same.
    let mut all = house.client().await;
    all.act("resume", json!({ "conversation_id": "a" })).await;
    let from_the_journal = all.until_over("r1").await;
    assert_eq!(words(&from_the_journal), "one two three four");
}

#[actix::test]
async fn who_comes_back_is_asked_again_what_nobody_has_answered() {
    let call = Call(vec![("c1", "ops__change", "{\"to\":1}")]);
    let house = House::new(FakeModel::saying(vec![vec![call], vec![Say("done")]])).await;
    let mut client = house.client().await;
    client.ask(Some("a"), "r1", "change it").await;
    while client.next().await["chunk"]["type"] != "approval_required" {}
    drop(client);
    let mut again = house.client().await;
    let resumed = again.act("resume", json!({ "conversation_id": "a", "after_seq": 1000 })).await;
    let last = resumed["data"]["conversation"]["last_seq"].as_i64().unwrap();
    assert_eq!(resumed["data"]["after_seq"], last, "nothing is beyond the end");
    let asked = again.next().await;
    assert_eq!(asked["chunk"]["type"], "approval_required");
    let metadata = &asked["chunk"]["metadata"];
    assert_eq!(
        (&metadata["tool"], &metadata["arguments"]),
        (&json!("change"), &json!({ "to": 1 }))
    );
    let listed = again.act("approvals", json!({})).await;
    assert_eq!(listed["data"]["approvals"][0]["approval_id"], metadata["approval_id"]);
    let yes = json!({ "approval_id": metadata["approval_id"], "decision": "once" });
    assert_eq!(again.act("approve", yes.clone()).await["data"]["status"], "allowed");
    assert_eq!(words(&again.until_over("r1").await), "done");
    assert_eq!(again.act("approve", yes).await["chunk"]["code"], "conflict");
    assert_eq!(house.bench.tools.count("ops__change"), 1);
}

#[actix::test]
async fn a_question_of_a_server_is_asked_again_and_answered() {
    let call = Call(vec![("c1", "web__ask", "{}")]);
    let house =
        House::with(FakeModel::saying(vec![vec![call], vec![Say("done")]]), 1000, |_| ()).await;
    let mut client = house.client().await;
    client.ask(Some("a"), "r1", "ask me").await;
    let asked = loop {
        let frame = client.next().await;
        if frame["chunk"]["type"] == "approval_required" {
            let id = &frame["chunk"]["metadata"]["approval_id"];
            // By another, because who waits for the answer to this does not look at other frames.
            let yes = json!({ "approval_id": id, "decision": "once" });
            house.client().await.act("approve", yes).await;
        }
        if frame["chunk"]["type"] == "elicitation_required" {
            break frame["chunk"]["metadata"]["elicitation_id"].clone();
        }
        house.until("it is asked", |_| true).await;
    };
    let mut again = house.client().await;
    again.act("resume", json!({ "conversation_id": "a", "after_seq": 1000 })).await;
    assert_eq!(again.next().await["chunk"]["metadata"]["elicitation_id"], asked);
    let answer = json!({
        "conversation_id": "a", "elicitation_id": asked, "action": "accept", "content": {},
    });
    assert_eq!(again.act("answer", answer.clone()).await["status"], "complete");
    client.until_over("r1").await;
    assert_eq!(again.act("answer", answer).await["chunk"]["code"], "not_found");
}

#[actix::test]
async fn a_request_that_is_sent_again_is_followed_and_not_made_again() {
    let gate = Arc::new(Notify::new());
    let script = vec![vec![Say("one "), Wait(Arc::clone(&gate)), Say("two")]];
    let house = House::new(FakeModel::saying(script)).await;
    let mut client = house.client().await;
    client.ask(Some("a"), "r1", "count").await;
    while client.next().await["status"] != "chunk" {}
    let mut again = house.client().await;
    again.ask(Some("a"), "r1", "count").await;
    let mut frames = vec![again.next().await, again.next().await];
    assert_eq!(frames[1]["chunk"]["data"], "one ");
    gate.notify_one();
    frames.extend(again.until_over("r1").await);
    assert_eq!(words(&frames), "one two");
    assert_eq!(house.bench.model.asked().len(), 1);
}

/// A socket that only asked in a conversation hears of what it asked; one that follows hears all.
#[actix::test]
async fn each_hears_what_it_asked_for() {
    let house = House::new(FakeModel::saying(vec![])).await;
    let (mut one, mut other, mut third) =
        (house.client().await, house.client().await, house.client().await);
    one.ask(Some("a"), "r1", "hi").await;
    one.until_over("r1").await;
    third.act("resume", json!({ "conversation_id": "a" })).await;
    other.ask(Some("a"), "r2", "hi").await;
    assert_eq!(words(&other.until_over("r2").await), "yes");
    assert_eq!(words(&third.until_over("r2").await), "yes");
    let nothing = tokio::time::timeout(Duration::from_millis(100), one.next_or_end()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    // What it asked for is over, so it follows nothing any more.
    house.until("one follower is left", |house| house.bench.chat.followers() == 1).await;
}

#[actix::test]
async fn a_hundred_sockets_on_ten_conversations_read_the_same() {
    let words_of = |n: usize| vec![Say("a "), Say("b "), Say(["c", "d"][n % 2])];
    let house = House::new(FakeModel::saying((0..10).map(words_of).collect())).await;
    let follow = async |n: usize| {
        let conversation = format!("c{}", n % 10);
        let mut client = house.client().await;
        if n < 10 {
            client.ask(Some(&conversation), "r1", "hi").await;
            return (n % 10, words(&client.until_over("r1").await));
        }
        let here = json!({ "conversation_id": conversation });
        while client.act("resume", here.clone()).await["status"] == "error" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if n.is_multiple_of(3) {
            // Some lose their connection, and come back.
            client = house.client().await;
            client.act("resume", here).await;
        }
        (n % 10, words(&client.until_over("r1").await))
    };
    let read = join_all((0..100).map(follow)).await;
    for n in 0..10 {
        let texts: std::collections::BTreeSet<_> =
            read.iter().filter(|(of, _)| *of == n).map(|(_, text)| text).collect();
        assert_eq!(texts.len(), 1, "{texts:?}");
        assert!(texts.first().unwrap().starts_with("a b "), "{texts:?}");
    }
}
