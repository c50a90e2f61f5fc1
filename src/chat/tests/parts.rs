//! What is summed up, kept, brought in and removed part by part.

use std::time::Duration;

use fail::FailScenario;
use serde_json::{Value, json};

use super::fake_model::Step::{Call, Say};
use super::*;
use crate::adapters::llm::{Message, Prompt};
use crate::chat::tokens::Tokenizer;
use crate::config::chat::{CompactionSettings, RetentionPolicy};
use crate::store::audits;
use crate::store::chat::approvals::{self, ApprovalStatus};
use crate::store::chat::conversations;

fn sums_up(settings: &mut ChatSettings) {
    settings.context.max_tokens = 1_400;
    settings.context.preserve_recent = 2;
    settings.compaction = CompactionSettings { enabled: true, trigger: 0.8, target: 0.3 };
}

fn long(n: usize) -> String {
    format!("{n} {}", "what a long story this is, and on it goes ".repeat(30))
}

fn asks_for_a_summary(prompt: &Prompt) -> bool {
    prompt.system.as_deref().is_some_and(|system| system.starts_with("Sum up"))
}

fn summaries(events: &[Event]) -> Vec<(i64, i64, String)> {
    let summary = |event: &Event| match &event.body {
        Body::Note { note: Note::Summary { from_seq, to_seq, .. }, text } => {
            Some((*from_seq, *to_seq, text.clone().unwrap()))
        }
        _ => None,
    };
    events.iter().filter_map(summary).collect()
}

/// What was said before compaction was wished for may be longer than the model that is to sum it up
/// can read; and what it says may be longer than a summary is.
#[actix::test]
async fn a_summary_is_of_what_can_be_read_at_once_and_short() {
    let bench = Bench::new(FakeModel::saying(Vec::new())).await;
    // One of them is too long by itself.
    bench.ask("c", "r0", &long(0).repeat(6)).await;
    for n in 1..9 {
        bench.ask("c", &format!("r{n}"), &long(n)).await;
    }
    let bench = bench.again_with(sums_up).await;
    for _ in 0..4 {
        bench.model.then(vec![Say("and then "); 3_000]);
    }
    let before = bench.model.asked().len();
    bench.ask("c", "r11", "and now?").await;
    let asked = bench.model.asked().split_off(before);
    let tokenizer = Tokenizer::of("fake-1");
    let rounds: Vec<&Prompt> = asked.iter().filter(|prompt| asks_for_a_summary(prompt)).collect();
    assert_eq!(rounds.len(), 4, "{asked:#?}");
    for round in rounds {
        let [Message::User(text)] = round.messages.as_slice() else { panic!("{round:?}") };
        let tokens = tokenizer.count(text) + tokenizer.count(round.system.as_ref().unwrap());
        let most = 1_400 - round.max_tokens.unwrap();
        assert!(tokens <= most, "{tokens} of {most}");
    }
    // Each goes on where the one before ended, and is short, whatever the model says.
    let made = summaries(&bench.journal("c").await);
    assert_eq!(made[0].0, 1);
    for pair in made.windows(2) {
        assert!(pair[0].1 < pair[1].0, "{made:?}");
    }
    assert!(made.iter().all(|(.., text)| tokenizer.count(text) <= 350), "{made:?}");
    assert_eq!(wires::check(asked.last().unwrap()), Ok(()));
}

#[actix::test]
async fn a_fork_is_told_the_summary_of_what_it_has() {
    let bench = Bench::with(FakeModel::saying(Vec::new()), sums_up).await;
    for n in 0..3 {
        bench.ask("c", &format!("r{n}"), &long(n)).await;
    }
    bench.model.then(vec![Say("They told a story.")]);
    bench.ask("c", "r3", &long(3)).await;
    let journal = bench.journal("c").await;
    let (_, to_seq, _) = summaries(&journal)[0].clone();
    let last = journal.last().unwrap().seq;
    let fork = bench.chat.fork("key-1", &id("c"), last).await.unwrap();
    let copied = bench.journal(&fork.id).await;
    let (_, copied_to, text) = summaries(&copied)[0].clone();
    assert_eq!(text, "They told a story.");
    // It stands for the same events, by the numbers that these have in the fork.
    let at = |events: &[Event], seq: i64| events.iter().find(|event| event.seq == seq).cloned();
    let is_said = |event: &&Event| !matches!(event.body, Body::Note { .. });
    let original = journal.iter().rev().filter(is_said).find(|event| event.seq <= to_seq);
    assert_eq!(at(&copied, copied_to).unwrap().at, original.unwrap().at);
    let bench = bench.again_with(|settings| settings.compaction.enabled = false).await;
    bench.ask(&fork.id, "r1", "go on").await;
    let asked = bench.model.asked();
    let system = asked.last().unwrap().system.clone().unwrap();
    assert!(system.contains("They told a story."), "{system}");
    // One of what was before that has no use for it.
    let early = bench.chat.fork("key-1", &id("c"), 2).await.unwrap();
    assert_eq!(summaries(&bench.journal(&early.id).await), []);
    assert_eq!(said(&bench.journal(&early.id).await), [long(0)]);
}

/// What was said since a summary was built on it, so it stays as long as any of that does.
#[actix::test]
async fn a_summary_stays_where_all_that_it_stands_for_is_forgotten() {
    let bench = Bench::with(FakeModel::saying(Vec::new()), sums_up).await;
    for n in 0..3 {
        bench.ask("c", &format!("r{n}"), &long(n)).await;
    }
    bench.model.then(vec![Say("They told a story.")]);
    bench.ask("c", "r3", &long(3)).await;
    bench.ask("c", "r4", "short").await;
    let forgets = |settings: &mut ChatSettings| {
        settings.compaction.enabled = false;
        settings.repository.retention = RetentionPolicy::MessageCount { max_messages: 2 };
    };
    let bench = bench.again_with(forgets).await;
    assert!(0 < bench.chat.sweep().await.unwrap().events);
    bench.ask("c", "r5", "and now?").await;
    let asked = bench.model.asked();
    let last = asked.last().unwrap();
    assert!(last.system.as_ref().unwrap().contains("They told a story."), "{last:?}");
    assert_eq!(last.messages.len(), 3, "{last:?}");
    let page = bench.chat.history("key-1", &id("c"), None, 100).await.unwrap();
    assert_eq!((said(&page.events), summaries(&page.events).len()), (vec!["and now?"], 1));
    assert_eq!(bench.chat.sweep().await.unwrap(), Swept::default());
}

async fn asked(bench: &Bench) -> String {
    let began = tokio::time::Instant::now();
    loop {
        assert!(began.elapsed() < PATIENCE, "nobody is asked");
        if let Some(approval) = bench.chat.approvals(None, 10).await.unwrap().pop() {
            return approval.row.id;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[actix::test]
async fn questions_of_what_is_removed_are_withdrawn_and_that_is_recorded() {
    let model = FakeModel::saying(vec![vec![Call(vec![("1", "ops__change", "{}")])]]);
    let bench = Bench::new(model).await;
    bench.send("c", "r1", "change it").await;
    asked(&bench).await;
    let bench = bench.again_with(|settings| settings.repository.clear_on_startup = true).await;
    assert_eq!(bench.chat.approvals(None, 10).await.unwrap(), []);
    let facts = bench.store.read(|conn| audits::about(conn, "c")).await.unwrap();
    let facts: Vec<&str> = facts.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(facts, ["approval_requested", "approval_withdrawn"]);
}

/// However it came to be: a question of a request that is gone waits for nobody.
#[actix::test]
async fn questions_of_forgotten_requests_are_withdrawn() {
    let model = FakeModel::saying(vec![vec![Call(vec![("1", "ops__change", "{}")])]]);
    let bench = Bench::with(model, |settings| {
        settings.repository.retention = RetentionPolicy::MessageCount { max_messages: 1 };
    })
    .await;
    let sent = bench.send("c", "r1", "change it").await;
    let question = asked(&bench).await;
    bench.chat.cancel("key-1", &id("c"), "r1").await.unwrap();
    bench.frames_until_over(&sent, "r1").await;
    let key = question.clone();
    let mut row = bench.store.read(move |conn| approvals::find(conn, &key)).await.unwrap().unwrap();
    assert_eq!(row.status, ApprovalStatus::Withdrawn);
    (row.id, row.status) = ("ap_left".to_owned(), ApprovalStatus::Pending);
    bench.store.record(move |transaction| approvals::insert(transaction, &row)).await.unwrap();
    bench.ask("c", "r2", "something else").await;
    assert_eq!(bench.chat.approvals(None, 10).await.unwrap(), []);
    let facts = bench.store.read(|conn| audits::about(conn, "c")).await.unwrap();
    let withdrawn = facts.iter().filter(|row| row.action == "approval_withdrawn").count();
    assert_eq!(withdrawn, 2);
}

fn lines(events: usize) -> String {
    let line = |n: usize| {
        let kind = if n.is_multiple_of(2) { "user_message" } else { "assistant_message" };
        json!({ "type": kind, "content": format!("the words of event {n}") }).to_string()
    };
    let lines: Vec<String> = (0..events).map(line).collect();
    lines.join("\n")
}

async fn count(bench: &Bench) -> (usize, usize) {
    let all = |conn: &mut crate::store::Reader| {
        let coming = conversations::hidden(conn, conversations::Hidden::Coming, 100)?.len();
        let going = conversations::hidden(conn, conversations::Hidden::Going, 100)?.len();
        Ok(coming + going)
    };
    let hidden = bench.store.read(all).await.unwrap();
    let found = bench.chat.search("key-1", None, "words", 100).await.unwrap().len();
    (hidden, found)
}

#[actix::test]
async fn what_comes_in_half_is_never_seen() {
    let scenario = FailScenario::setup();
    let bench = Bench::new(FakeModel::saying(Vec::new())).await;
    // It cannot be written after its first part.
    fail::cfg("chat-brought", "1*return->off").unwrap();
    let failed = bench.chat.import("key-1", &lines(500)).await;
    assert!(failed.is_err(), "{failed:?}");
    assert_eq!(bench.chat.conversations("key-1", None, 10).await.unwrap().rows, []);
    assert_eq!(count(&bench).await, (0, 0));
    // The daemon ends after its first part.
    fail::cfg("chat-brought", "1*panic(the end)->off").unwrap();
    let failed = bench.chat.import("key-1", &lines(500)).await;
    assert!(failed.is_err(), "{failed:?}");
    assert_eq!(bench.chat.conversations("key-1", None, 10).await.unwrap().rows, []);
    assert_eq!(count(&bench).await, (1, 0));
    scenario.teardown();
    let bench = bench.again().await;
    assert_eq!(count(&bench).await, (0, 0));
    let copy = bench.chat.import("key-1", &lines(500)).await.unwrap();
    assert_eq!((copy.last_seq, bench.journal(&copy.id).await.len()), (500, 500));
    assert_eq!(bench.chat.conversations("key-1", None, 10).await.unwrap().rows, [copy]);
}

#[actix::test]
async fn what_is_long_is_forked_forgotten_and_removed_in_parts() {
    let bench = Bench::new(FakeModel::saying(Vec::new())).await;
    let copy = bench.chat.import("key-1", &lines(700)).await.unwrap();
    let fork = bench.chat.fork("key-1", &id(&copy.id), 650).await.unwrap();
    let words = |events: &[Event]| -> Vec<Body> {
        let is_said = |event: &&Event| !matches!(event.body, Body::Note { .. });
        events.iter().filter(is_said).map(|event| event.body.clone()).collect()
    };
    let (one, two) = (bench.journal(&copy.id).await, bench.journal(&fork.id).await);
    assert_eq!(words(&one)[..650], words(&two)[..]);
    assert_eq!(fork.last_seq, 651);
    bench.chat.clear("key-1", &id(&copy.id)).await.unwrap();
    assert!(bench.journal(&copy.id).await.is_empty());
    assert_eq!(count(&bench).await.0, 0);
    // Its name is free.
    bench.ask(&copy.id, "r1", "anew").await;
    let bench = bench
        .again_with(|settings| {
            settings.repository.retention = RetentionPolicy::MessageCount { max_messages: 10 };
        })
        .await;
    assert_eq!(bench.chat.sweep().await.unwrap(), Swept { conversations: 0, events: 640 });
    assert_eq!(said(&bench.journal(&fork.id).await).len(), 5);
    let frames: Vec<Value> = bench.ask(&fork.id, "r1", "go on").await;
    assert_eq!(frames.last().unwrap()["status"], "complete");
}
