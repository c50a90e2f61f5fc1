//! Coming back: to answers that began anew, to those that come whole, and to long journals.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::fake_model::Step::{Call, Say, Wait};
use super::following::{Screen, watch};
use super::*;
use crate::chat::event::Body;
use crate::chat::replay;
use crate::store::chat::reading::{self, Most};

/// What follows of a journal that has nothing new, and of an answer that somebody says by hand.
async fn follow_by_hand(bench: &Bench) -> (Arc<crate::chat::feed::Feed>, Follower) {
    bench.ask("c", "r1", "hi").await;
    let feed = bench.chat.deps.feeds.of(&id("c"));
    (feed, bench.chat.follow("key-1", &id("c"), 3).await.unwrap())
}

#[actix::test]
async fn whoever_was_too_slow_while_an_answer_began_anew_has_none_of_the_first() {
    let bench = Bench::new(FakeModel::saying(vec![])).await;
    let (feed, mut follower) = follow_by_hand(&bench).await;
    let mut screen = Screen::default();
    feed.begin(4, "r2".into(), (0, 0));
    feed.say("never ");
    screen.take(&bench.next(&mut follower).await);
    assert_eq!(screen.words(), "never ");
    feed.look_again();
    feed.begin(4, "r2".into(), (0, 1));
    // More than anybody may be behind, so that even the word of a new beginning is lost.
    let pieces: Vec<String> = (0..600).map(|n| format!("{n} ")).collect();
    for piece in &pieces {
        feed.say(piece);
    }
    while !screen.words().ends_with("599 ") {
        screen.take(&bench.next(&mut follower).await);
    }
    assert_eq!(screen.words(), pieces.concat());
}

#[actix::test]
async fn whoever_comes_back_between_two_attempts_has_none_of_the_first() {
    let bench = Bench::new(FakeModel::saying(vec![])).await;
    let (feed, mut follower) = follow_by_hand(&bench).await;
    let mut screen = Screen::default();
    feed.begin(4, "r2".into(), (0, 0));
    feed.say("never");
    screen.take(&bench.next(&mut follower).await);
    drop(follower);
    feed.look_again();
    feed.begin(4, "r2".into(), (0, 1));
    let mut back = bench.chat.follow("key-1", &id("c"), 3).await.unwrap();
    // It follows before anything of the second attempt is said.
    let nothing = tokio::time::timeout(Duration::from_millis(50), back.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    for piece in ["one ", "two"] {
        feed.say(piece);
        screen.take(&bench.next(&mut back).await);
    }
    assert_eq!(screen.words(), "one two");
}

/// An answer that is not to come in pieces comes once, however often somebody comes back.
#[actix::test]
async fn what_comes_whole_comes_once() {
    let gate = Arc::<Notify>::default();
    let call = Call(vec![("1", "ops__look", "{}")]);
    let script = vec![vec![Say("First "), call], vec![Wait(Arc::clone(&gate)), Say("last")]];
    let bench = Bench::new(FakeModel::saying(script)).await;
    let request = Request { text: "go".to_owned(), is_attended: true, ..Request::default() };
    assert!(!request.streaming);
    bench.chat.send("key-1", new_request("c", "r1", request)).await.unwrap();
    let follow = async |after| bench.chat.follow("key-1", &id("c"), after).await.unwrap();
    let mut follower = follow(0).await;
    let mut live = vec![bench.next(&mut follower).await];
    bench.until("c", "the call", |events| 4 <= events.len()).await;
    let mut middle = follow(0).await;
    let first = bench.next(&mut middle).await;
    assert_eq!(first.json, live[0].json);
    let nothing = tokio::time::timeout(Duration::from_millis(50), middle.next()).await;
    assert!(nothing.is_err(), "what is not over is not told: {nothing:?}");
    gate.notify_one();
    assert_eq!(watch(&bench, &mut middle).await, "First last");
    while !live.last().unwrap().is_last {
        live.push(bench.next(&mut follower).await);
    }
    for after in [0, 1, 3] {
        let mut late = follow(after).await;
        let mut told = Vec::new();
        while told.last().is_none_or(|frame: &Frame| !frame.is_last) {
            told.push(bench.next(&mut late).await);
        }
        let live = live.iter().filter(|frame| after < frame.seq).map(|frame| &frame.json);
        assert_eq!(
            told.iter().map(|frame| &frame.json).collect::<Vec<_>>(),
            live.collect::<Vec<_>>()
        );
    }
}

/// A conversation of 60 events of 100 kB.
async fn long(bench: &Bench) -> ConversationId {
    let mut lines = String::new();
    for n in 0..60 {
        let kind = ["user_message", "assistant_message"][n % 2];
        let content = format!("{n} {}", "x".repeat(100_000));
        lines.push_str(&json!({ "type": kind, "content": content }).to_string());
        lines.push('\n');
    }
    let row = bench.chat.import("key-1", &lines).await.unwrap();
    id(&row.id)
}

#[actix::test]
async fn a_long_journal_is_not_held_in_memory_by_who_follows_or_reads_it() {
    let bench = Bench::new(FakeModel::saying(vec![])).await;
    let id = long(&bench).await;
    let mut follower = bench.chat.follow("key-1", &id, 0).await.unwrap();
    for seq in 1..=60 {
        assert_eq!(bench.next(&mut follower).await.seq, seq);
        assert!(follower.held() < 512 * 1024, "{} bytes are held", follower.held());
    }
    let (mut before, mut read) = (None, Vec::new());
    loop {
        let page = bench.chat.history("key-1", &id, before, 200).await.unwrap();
        assert!(page.events.len() < 12, "{} events of 100 kB at once", page.events.len());
        before = page.events.first().map(|event| event.seq);
        read.extend(page.events.iter().rev().map(|event| event.seq));
        if !page.has_earlier {
            break;
        }
    }
    assert_eq!(read, (1..=60).rev().collect::<Vec<_>>());
    let (mut after, mut whole, mut parts) = (0, String::new(), 0);
    loop {
        let export = bench.chat.export("key-1", &id, after).await.unwrap();
        assert!(export.lines.len() < 1_200_000, "{}", export.lines.len());
        whole.push_str(&export.lines);
        parts += 1;
        match export.next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!((whole.lines().count(), parts), (61, 6));
    let copy = bench.chat.import("key-1", &whole).await.unwrap();
    assert_eq!(bench.journal(&copy.id).await.len(), 60);
}

#[actix::test]
async fn what_a_tool_gave_is_not_read_for_those_who_follow() {
    let call = Call(vec![("1", "ops__look", "{}")]);
    let bench = Bench::new(FakeModel::saying(vec![vec![call]])).await;
    bench.ask("c", "r1", "go").await;
    let read = bench.store.read(|conn| {
        let most = Most { rows: 100, bytes: usize::MAX };
        Ok((replay::read(conn, "c", 0)?, reading::after(conn, "c", 0, most)?))
    });
    let (page, whole) = read.await.unwrap();
    let gave = |events: &[Event]| -> String {
        let texts = events.iter().filter_map(|event| match &event.body {
            Body::ToolResult { text, .. } => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    };
    let whole: Vec<Event> = whole.rows.into_iter().map(Event::from_row).collect();
    assert_eq!((page.events.len(), gave(&page.events)), (whole.len(), String::new()));
    assert!(!gave(&whole).is_empty());
}

/// What a piece carries: enough to know where it belongs.
#[actix::test]
async fn a_piece_says_where_it_belongs() {
    let bench = Bench::new(FakeModel::saying(vec![])).await;
    let (feed, mut follower) = follow_by_hand(&bench).await;
    feed.begin(4, "r2".into(), (2, 1));
    feed.say("\u{e9}\"");
    let first: Value = serde_json::from_slice(&bench.next(&mut follower).await.json).unwrap();
    assert_eq!(first["chunk"]["metadata"], json!({ "type": "replay", "attempt": 1 }));
    feed.say("b");
    let second: Value = serde_json::from_slice(&bench.next(&mut follower).await.json).unwrap();
    let metadata = json!({ "type": "delta", "hop": 2, "attempt": 1, "start": 3 });
    let chunk = json!({ "type": "text", "data": "b", "metadata": metadata });
    let frame = json!({
        "request_id": "r2", "status": "chunk", "conversation_id": "c", "seq": 4, "chunk": chunk,
    });
    assert_eq!(second, frame);
}
