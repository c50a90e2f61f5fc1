//! Following: whoever comes when, and however slow, ends with the same words.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;

use super::fake_model::Step::{Call, Say, Wait};
use super::*;

/// What a client has that puts pieces together by their place, and whole answers in place of parts.
#[derive(Default)]
pub(super) struct Screen {
    answers: std::collections::BTreeMap<i64, (Value, String)>,
    pub(super) is_over: bool,
}

impl Screen {
    pub(super) fn take(&mut self, frame: &Frame) {
        let json: Value = serde_json::from_slice(&frame.json).unwrap();
        self.is_over |= frame.is_last;
        if json["status"] == "chunk" {
            let said = json["chunk"]["data"].as_str().unwrap();
            let about = &json["chunk"]["metadata"];
            let (attempt, answer) = self.answers.entry(frame.seq).or_default();
            let goes_on = about["type"] == "delta" && about["start"] != 0;
            if !goes_on || *attempt != about["attempt"] {
                answer.clear();
            }
            assert!(!goes_on || about["start"] == answer.len(), "{json} after {answer:?}");
            *attempt = about["attempt"].clone();
            answer.push_str(said);
        }
    }

    pub(super) fn words(&self) -> String {
        self.answers.values().map(|(_, answer)| answer.as_str()).collect()
    }
}

pub(super) async fn watch(bench: &Bench, follower: &mut Follower) -> String {
    let mut screen = Screen::default();
    while !screen.is_over {
        screen.take(&bench.next(follower).await);
    }
    screen.words()
}

#[actix::test]
async fn whoever_is_too_slow_goes_on_from_the_journal_and_misses_nothing() {
    let pieces: Vec<&'static str> = (0..2_000).map(|n| format!("{n} ").leak() as &str).collect();
    let expected = pieces.concat();
    let gate = Arc::<Notify>::default();
    let mut steps = vec![Wait(Arc::clone(&gate))];
    steps.extend(pieces.into_iter().map(Say));
    let script = vec![steps, vec![Say("more")]];
    let bench = Bench::new(FakeModel::saying(script)).await;
    bench.send("c", "r1", "count").await;
    let follow = || async { bench.chat.follow("key-1", &id("c"), 0).await.unwrap() };
    let (mut slow, mut slower) = (follow().await, follow().await);
    // Both have begun to follow, and read nothing more for a while.
    bench.next(&mut slow).await;
    bench.next(&mut slower).await;
    gate.notify_one();
    tokio::time::sleep(Duration::from_millis(30)).await;
    let mut screen = Screen::default();
    for _ in 0..10 {
        // It may be over already.
        if !screen.is_over {
            screen.take(&bench.next(&mut slow).await);
        }
    }
    let late = bench.until_over("c", 1).await;
    assert_eq!(answers(&late), [&*expected]);
    while !screen.is_over {
        screen.take(&bench.next(&mut slow).await);
    }
    assert_eq!(screen.words(), expected);
    assert_eq!(watch(&bench, &mut slower).await, expected);
    assert_eq!(watch(&bench, &mut follow().await).await, expected);
}

#[actix::test]
async fn whoever_comes_in_the_middle_ends_with_the_same_words() {
    let gates: Vec<Arc<Notify>> = (0..20).map(|_| Arc::default()).collect();
    let mut steps = Vec::new();
    for gate in &gates {
        steps.extend([Say("bon"), Wait(Arc::clone(gate))]);
    }
    let script = vec![vec![Say("First "), Call(vec![("1", "ops__look", "{}")])], steps];
    let bench = Bench::new(FakeModel::saying(script)).await;
    bench.send("c", "r1", "go").await;
    let mut followers = Vec::new();
    for gate in &gates {
        followers.push((bench.chat.follow("key-1", &id("c"), 0).await.unwrap(), Screen::default()));
        for (n, (follower, screen)) in followers.iter_mut().enumerate() {
            // Some read now and then, and some not at all until the end.
            if n % 3 != 2 {
                while let Ok(frame) =
                    tokio::time::timeout(Duration::from_millis(5), follower.next()).await
                {
                    screen.take(&frame);
                }
            }
        }
        gate.notify_one();
    }
    let expected = format!("First {}", "bon".repeat(20));
    for (mut follower, mut screen) in followers {
        while !screen.is_over {
            screen.take(&bench.next(&mut follower).await);
        }
        assert_eq!(screen.words(), expected);
    }
}

#[actix::test]
async fn whoever_comes_back_gets_what_it_lacks() {
    let script = vec![vec![Say("one")], vec![Say("two")], vec![Say("three")]];
    let bench = Bench::new(FakeModel::saying(script)).await;
    bench.ask("c", "r1", "a").await;
    let mut follower = bench.chat.follow("key-1", &id("c"), 0).await.unwrap();
    assert_eq!(watch(&bench, &mut follower).await, "one");
    let seq = follower.seq();
    assert_eq!(seq, 3);
    drop(follower);
    bench.ask("c", "r2", "b").await;
    let mut back = bench.chat.follow("key-1", &id("c"), seq).await.unwrap();
    assert_eq!(watch(&bench, &mut back).await, "two");
    // And goes on with what comes.
    bench.send("c", "r3", "c").await;
    assert_eq!(watch(&bench, &mut back).await, "three");
}

#[actix::test]
async fn nobody_is_followed_who_is_not_there() {
    let bench = Bench::new(FakeModel::saying(vec![])).await;
    bench.ask("c", "r1", "a").await;
    assert_eq!(bench.chat.followers(), 0);
    let follower = bench.chat.follow("key-1", &id("c"), 0).await.unwrap();
    let mut follower = follower;
    bench.next(&mut follower).await;
    assert_eq!(bench.chat.followers(), 1);
    drop(follower);
    assert_eq!(bench.chat.followers(), 0);
}

#[actix::test]
async fn nobody_hears_a_conversation_that_has_the_name_of_one_that_was_removed() {
    let script = vec![vec![Say("the first")], vec![Say("another")]];
    let bench = Bench::new(FakeModel::saying(script)).await;
    bench.ask("c", "r1", "hello").await;
    // It has read nothing when the conversation goes.
    let mut early = bench.chat.follow("key-1", &id("c"), 0).await.unwrap();
    bench.chat.clear("key-1", &id("c")).await.unwrap();
    bench.ask("c", "r2", "hello again").await;
    let heard = tokio::time::timeout(Duration::from_millis(300), early.next()).await;
    assert!(heard.is_err(), "{heard:?}");
    let mut late = bench.chat.follow("key-1", &id("c"), 0).await.unwrap();
    assert_eq!(watch(&bench, &mut late).await, "another");
}
