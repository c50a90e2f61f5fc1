//! A request is taken in once, and not more of them than there is room for.

use std::sync::Arc;

use tokio::sync::Notify;

use super::fake_model::Step::{Say, Stall, Wait};
use super::*;

fn nameless(request_id: &str, text: &str) -> NewRequest {
    let request = Request { text: text.to_owned(), is_attended: true, ..Request::default() };
    NewRequest {
        conversation_id: None,
        is_unplaced: true,
        ..new_request("none", request_id, request)
    }
}

#[actix::test]
async fn a_first_message_that_is_sent_again_finds_its_conversation() {
    let bench = Bench::new(FakeModel::saying(vec![vec![Say("one")]])).await;
    let first = bench.chat.send("key-1", nameless("r1", "hi")).await.unwrap();
    bench.frames_until_over(&first, "r1").await;
    let again = bench.chat.send("key-1", nameless("r1", "hi")).await.unwrap();
    assert_eq!(again.conversation_id, first.conversation_id);
    assert!(again.is_repeated && again.is_over);
    // Nor does a restart make it another.
    let bench = bench.again().await;
    let again = bench.chat.send("key-1", nameless("r1", "hi")).await.unwrap();
    assert_eq!(again.conversation_id, first.conversation_id);
    assert_eq!(bench.model.asked().len(), 1);
    let other = bench.chat.send("key-1", nameless("r1", "something else")).await;
    assert!(matches!(other, Err(ChatError::Conflict)), "{other:?}");
    // Somebody else may call a request so, and so may who made it once a day is over.
    let another = bench.chat.send("key-2", nameless("r1", "hi")).await.unwrap();
    assert_ne!(another.conversation_id, first.conversation_id);
    bench.clock.pass_days(2);
    let later = bench.chat.send("key-1", nameless("r1", "hi")).await.unwrap();
    assert!(!later.is_repeated && later.conversation_id != first.conversation_id);
}

#[actix::test]
async fn two_that_are_sent_at_the_same_time_are_one() {
    let bench = Bench::new(FakeModel::saying(vec![])).await;
    let send = || bench.chat.send("key-1", nameless("r1", "hi"));
    let (one, two) = tokio::join!(send(), send());
    assert_eq!(one.unwrap().conversation_id, two.unwrap().conversation_id);
    let rows = bench.chat.conversations("key-1", None, 10).await.unwrap().rows;
    assert_eq!(rows.len(), 1);
}

#[actix::test]
async fn a_later_message_without_a_conversation_is_found_as_well() {
    let bench = Bench::new(FakeModel::saying(vec![])).await;
    bench.ask("c", "r1", "hi").await;
    // As a socket sends it that has a conversation of its own.
    let placed = NewRequest { conversation_id: Some(id("c")), ..nameless("r2", "more") };
    let sent = bench.chat.send("key-1", placed).await.unwrap();
    bench.frames_until_over(&sent, "r2").await;
    // As the next socket sends it, which has none.
    let again = bench.chat.send("key-1", nameless("r2", "more")).await.unwrap();
    assert_eq!((again.conversation_id, again.is_repeated), (id("c"), true));
    // What was sent into a conversation by its name is known there alone.
    let other = bench.chat.send("key-1", nameless("r1", "hi")).await.unwrap();
    assert!(!other.is_repeated);
}

#[actix::test]
async fn a_transcript_that_is_sent_again_is_taken_in_once_also_after_a_restart() {
    let bench = Bench::new(FakeModel::saying(vec![])).await;
    let said = |text: &str| vec![Said { speaker: Speaker::User, text: text.to_owned() }];
    let new = || ("k1".to_owned(), Request { text: "yes".to_owned(), ..Request::default() });
    let first = bench.chat.send_after("key-1", said("shall we?"), new()).await.unwrap();
    bench.frames_until_over(&first, "k1").await;
    let bench = bench.again().await;
    let again = bench.chat.send_after("key-1", said("shall we?"), new()).await.unwrap();
    assert_eq!((&again.conversation_id, again.is_repeated), (&first.conversation_id, true));
    // The same words after others are another request.
    let other = bench.chat.send_after("key-1", said("may we?"), new()).await;
    assert!(matches!(other, Err(ChatError::Conflict)), "{other:?}");
    assert_eq!(bench.model.asked().len(), 1);
}

#[actix::test]
async fn one_conversation_has_so_many_open_requests_and_no_more() {
    let bench = Bench::new(FakeModel::saying(vec![vec![Stall]])).await;
    for n in 0..16 {
        bench.send("c", &format!("r{n}"), "hi").await;
    }
    let full = bench.try_send("c", "more", "hi").await.unwrap_err();
    assert!(full.is_transient() && full.code() == "overloaded");
    let why = "this conversation has 16 open requests, which is the limit; wait until some are \
        over, or cancel some";
    assert_eq!(full.to_string(), why);
    bench.send("d", "r1", "hi").await;
    // What is there already is found all the same.
    assert!(bench.send("c", "r3", "hi").await.is_repeated);
}

#[actix::test]
async fn one_who_asks_leaves_room_for_others() {
    let gate = Arc::<Notify>::default();
    let script = (0..250).map(|_| vec![Wait(Arc::clone(&gate))]).collect();
    let bench = Bench::new(FakeModel::saying(script)).await;
    for n in 0..250 {
        bench.send(&format!("c{}", n / 10), &format!("r{n}"), "hi").await;
    }
    let full = bench.try_send("other", "r1", "hi").await.unwrap_err().to_string();
    assert!(full.starts_with("you have 250 open requests"), "{full}");
    let full = bench.chat.send("key-1", nameless("r", "hi")).await.unwrap_err();
    assert_eq!(full.code(), "overloaded");
    let new = ("k".to_owned(), Request { text: "hi".to_owned(), ..Request::default() });
    let full = bench.chat.send_after("key-1", Vec::new(), new).await.unwrap_err();
    assert_eq!(full.code(), "overloaded");
    // Nothing is left behind of what was refused, and others are not refused.
    let rows = bench.chat.conversations("key-1", None, 100).await.unwrap().rows;
    assert_eq!(rows.len(), 25);
    bench.chat.send("key-2", nameless("r", "hi")).await.unwrap();
}
