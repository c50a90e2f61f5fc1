//! What is remembered, for how long, and where it is found.

use serde_json::Value;

use super::fake_model::Step::Say;
use super::*;
use crate::adapters::llm::Message;
use crate::config::chat::{BudgetSettings, CompactionSettings, RetentionPolicy};

async fn talk(bench: &Bench, conversation: &str, requests: usize) {
    for n in 0..requests {
        let text = format!("this is message number {n}");
        bench.ask(conversation, &format!("r{n}"), &text).await;
    }
}

async fn kept(retention: RetentionPolicy) -> Vec<String> {
    let bench = Bench::with(FakeModel::saying(vec![]), |settings| {
        settings.repository.retention = retention;
    })
    .await;
    talk(&bench, "c", 5).await;
    let events = bench.journal("c").await;
    // Whole requests, each with its answer.
    assert_eq!(said(&events).len(), answers(&events).len());
    said(&events).into_iter().map(str::to_owned).collect()
}

#[actix::test]
async fn retention_keeps_the_newest_requests_whole() {
    assert_eq!(kept(RetentionPolicy::Unlimited).await.len(), 5);
    assert_eq!(
        kept(RetentionPolicy::MessageCount { max_messages: 5 }).await,
        ["this is message number 3", "this is message number 4"]
    );
    assert_eq!(kept(RetentionPolicy::TimeBased { days: 1 }).await.len(), 5);
    let some = kept(RetentionPolicy::TokenLimit { max_tokens: 30 }).await;
    assert_eq!(some.last().unwrap(), "this is message number 4");
    assert!((1..4).contains(&some.len()), "{some:?}");
    // B12: the last stays, and nothing else does.
    assert_eq!(
        kept(RetentionPolicy::TokenLimit { max_tokens: 1 }).await,
        ["this is message number 4"]
    );
}

/// The matrix of sessions: whether it is kept, and whether a start clears.
#[actix::test]
async fn sessions_are_kept_or_not_as_the_settings_say() {
    for (is_persistent, clears, is_kept) in
        [(true, false, true), (true, true, false), (false, true, false), (false, false, false)]
    {
        let bench = Bench::with(FakeModel::saying(vec![]), |settings| {
            settings.repository.is_persistent = is_persistent;
            settings.repository.clear_on_startup = clears;
        })
        .await;
        talk(&bench, "c", 2).await;
        // B15: within a session everything is remembered.
        let asked = bench.model.asked();
        assert_eq!(asked.last().unwrap().messages.len(), 3, "{is_persistent} {clears}");
        assert_eq!(bench.chat.conversations("key-1", None, 10).await.unwrap().rows.len(), 1);
        let bench = bench.again().await;
        let rows = bench.chat.conversations("key-1", None, 10).await.unwrap().rows;
        assert_eq!(!rows.is_empty(), is_kept, "{is_persistent} {clears}");
        assert_eq!(!bench.journal("c").await.is_empty(), is_kept, "{is_persistent} {clears}");
    }
}

#[actix::test]
async fn what_was_said_long_ago_is_summed_up_and_stays() {
    let bench = Bench::with(FakeModel::saying(vec![]), |settings| {
        settings.context.max_tokens = 1_400;
        settings.context.preserve_recent = 2;
        settings.compaction = CompactionSettings { enabled: true, trigger: 0.8, target: 0.3 };
    })
    .await;
    let long = "what a long story this is, and on it goes ".repeat(30);
    for n in 0..3 {
        bench.ask("c", &format!("r{n}"), &format!("{n} {long}")).await;
    }
    bench.model.then(vec![Say("They told a story.")]);
    bench.model.then(vec![Say("And so on.")]);
    bench.ask("c", "r9", &long).await;
    let events = bench.journal("c").await;
    let summary = events.iter().find_map(|event| match &event.body {
        Body::Note { note: Note::Summary { from_seq, to_seq, .. }, text } => {
            Some((*from_seq, *to_seq, text.clone().unwrap()))
        }
        _ => None,
    });
    let (from, to, text) = summary.expect("there is no summary");
    assert_eq!((from, &*text), (1, "They told a story."));
    assert!(3 <= to);
    // The originals stay, and the model is told of them in short.
    assert_eq!(said(&events).len(), 4);
    let asked = bench.model.asked();
    let last = asked.last().unwrap();
    assert!(last.system.as_ref().unwrap().contains("They told a story."));
    let Message::User(first) = &last.messages[0] else { panic!("{last:?}") };
    assert!(!first.starts_with("0 "), "{first}");
}

#[actix::test]
async fn words_are_found_where_they_were_said() {
    let bench =
        Bench::new(FakeModel::saying(vec![vec![Say("The ranker is in production.")]])).await;
    bench.ask("c", "r1", "Where is the \"ranker\"?").await;
    bench.ask("d", "r1", "Tell me about sequential tests").await;
    let chat = &bench.chat;
    let hits = chat.search("key-1", None, "produc", 10).await.unwrap();
    assert_eq!((hits.len(), hits[0].seq, &*hits[0].conversation_id), (1, 2, "c"));
    assert_eq!(hits[0].snippet, "The ranker is in ⟦production⟧.");
    assert_eq!(chat.search("key-1", None, "\"ranker", 10).await.unwrap().len(), 2);
    assert_eq!(chat.search("key-1", Some(&id("d")), "ranker", 10).await.unwrap(), []);
    // Nothing that is written can be a query of its own.
    for odd in ["", "NOT", "a OR b", "content:x", "(", "*", "^", "NEAR(a b)"] {
        chat.search("key-1", None, odd, 10).await.unwrap();
    }
    chat.clear("key-1", &id("c")).await.unwrap();
    assert_eq!(chat.search("key-1", None, "ranker", 10).await.unwrap(), []);
}

#[actix::test]
async fn a_fork_goes_its_own_way() {
    let bench = Bench::new(FakeModel::saying(vec![])).await;
    talk(&bench, "c", 3).await;
    let fork = bench.chat.fork("key-1", &id("c"), 3).await.unwrap();
    assert_eq!((fork.parent_id.as_deref(), fork.fork_seq), (Some("c"), Some(3)));
    bench.ask(&fork.id, "r1", "another way").await;
    let asked = bench.model.asked();
    let last = &asked.last().unwrap().messages;
    assert_eq!(last.len(), 3, "{last:?}");
    assert_eq!(said(&bench.journal("c").await).len(), 3);
    let beyond = bench.chat.fork("key-1", &id("c"), 99).await;
    assert!(matches!(beyond, Err(ChatError::UnknownEvent(99))), "{beyond:?}");
}

#[actix::test]
async fn what_is_carried_out_can_be_carried_in() {
    let bench = Bench::new(FakeModel::saying(vec![vec![Say("[not json")]])).await;
    talk(&bench, "c", 2).await;
    let lines = bench.chat.export("key-1", &id("c"), 0).await.unwrap().lines;
    let copy = bench.chat.import("key-2", &lines).await.unwrap();
    let bare = |events: Vec<Event>| {
        let bare = events.into_iter().map(|event| match event.body {
            Body::UserMessage { text, .. } => Body::UserMessage { request_id: None, text },
            body => body,
        });
        bare.collect::<Vec<_>>()
    };
    let (one, two) = (bench.journal("c").await, bench.journal(&copy.id).await);
    // B11: a text is a text, whatever it begins with.
    assert_eq!(answers(&two)[0], "[not json");
    assert_eq!(bare(one), bare(two));
    let (title, lines): (Value, _) = {
        let first = lines.lines().next().unwrap();
        (serde_json::from_str(first).unwrap(), lines.lines().count())
    };
    assert_eq!((title["type"].as_str(), lines), (Some("conversation"), 7));
    for (text, why) in [
        ("", "there is no event"),
        ("{\"type\":\"user_message\",\"content\":\"a\"}\nnot json", "line 2 is no event"),
        ("{\"type\":\"secret\"}", "line 1 has the type \"secret\""),
    ] {
        let refused = bench.chat.import("key-1", text).await.unwrap_err().to_string();
        assert!(refused.starts_with(why), "{refused}");
    }
}

#[actix::test]
async fn a_budget_that_is_used_up_ends_requests() {
    let bench = Bench::with(FakeModel::saying(vec![]), |settings| {
        settings.budgets = BudgetSettings { day_tokens: Some(60), ..BudgetSettings::default() };
    })
    .await;
    bench.ask("c", "r1", "one").await;
    bench.ask("d", "r1", "two").await;
    let frames = bench.ask("e", "r1", "three").await;
    let last = frames.last().unwrap();
    assert_eq!(last["chunk"]["code"], "budget_exceeded");
    let why = last["chunk"]["error"].as_str().unwrap();
    assert!(why.starts_with("the budget of today is used up: 84 of 60 tokens"), "{why}");
    assert_eq!(bench.model.asked().len(), 2);
}
