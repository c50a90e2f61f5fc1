//! What goes wrong around a conversation, and what providers make of it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use fail::FailScenario;
use serde_json::{Value, json};

use super::fake_model::Step::{self, Call, Say};
use super::*;
use crate::adapters::llm::Message;
use crate::chat::approving::Decision;
use crate::chat::history::History;
use crate::chat::prompt;
use crate::config::chat::BudgetSettings;
use crate::ids::ApprovalId;
use crate::store::chat::approvals::ApprovalRow;

fn look() -> Vec<Step> {
    vec![Call(vec![("call_1", "ops__look", "{}")])]
}

async fn question(bench: &Bench) -> ApprovalRow {
    let began = tokio::time::Instant::now();
    loop {
        assert!(began.elapsed() < PATIENCE, "nobody is asked");
        if let Some(approval) = bench.chat.approvals(None, 10).await.unwrap().pop() {
            return approval.row;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn approval_id(row: &ApprovalRow) -> ApprovalId {
    ApprovalId::parse(&row.id).unwrap()
}

/// Whatever is read for a request, it is read again where that cannot be done for a moment.
#[actix::test]
async fn a_database_that_cannot_be_read_for_a_moment_costs_a_request_nothing_but_time() {
    let scenario = FailScenario::setup();
    let change = vec![Call(vec![("1", "ops__change", "{}")])];
    let bench = Bench::with(FakeModel::saying(vec![change, vec![Say("Done.")]]), |settings| {
        settings.budgets =
            BudgetSettings { day_tokens: Some(1_000_000), ..BudgetSettings::default() };
    })
    .await;
    // Each of the first reads fails once.
    fail::cfg("chat-read", &["1*return->1*off"; 24].join("->")).unwrap();
    let sent = bench.send("c", "r1", "go").await;
    let row = question(&bench).await;
    bench.chat.decide("key-1", &approval_id(&row), Decision::Once).await.unwrap();
    let frames = bench.frames_until_over(&sent, "r1").await;
    scenario.teardown();
    assert_eq!(frames.last().unwrap()["status"], "complete", "{frames:?}");
    assert_eq!(words(&frames), "Done.");
    assert_eq!(bench.tools.count("ops__change"), 1);
    let counts = bench.chat.deps.supervision.counts();
    assert_eq!(counts.get("conversation").map(|counts| counts.restarted), Some(0));
}

/// Some providers number the calls of each answer anew, and some give two of one answer the same id.
#[actix::test]
async fn calls_are_known_by_one_id_each_whatever_a_provider_calls_them() {
    let twice =
        vec![Call(vec![("call_1", "ops__look", "{}"), ("call_1", "ops__look", "{\"n\":2}")])];
    let script = vec![look(), vec![Say("a")], twice, vec![Say("b")]];
    let bench = Bench::new(FakeModel::saying(script)).await;
    *bench.tools.page.lock().unwrap() = "the first page".to_owned();
    bench.ask("c", "r1", "look").await;
    *bench.tools.page.lock().unwrap() = "the second page".to_owned();
    bench.ask("c", "r2", "look again").await;
    let ids = call_ids(&bench.journal("c").await);
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 3, "{ids:?}");
    // Each reads what it gave, and not what another of the same name did.
    let arguments = json!({ "call_id": ids[0], "length": 16_000 }).to_string();
    let arguments: &'static str = arguments.leak();
    bench.model.then(vec![Call(vec![("call_1", "chat__read_tool_output", arguments)])]);
    // An offset that cannot be is none that ends the daemon.
    let far = json!({ "call_id": ids[0], "offset": u64::MAX }).to_string();
    let far: &'static str = far.leak();
    bench.model.then(vec![Call(vec![("call_1", "chat__read_tool_output", far)])]);
    bench.ask("c", "r3", "read the first").await;
    let asked = bench.model.asked();
    let messages = &asked.last().unwrap().messages;
    let read = messages.iter().filter_map(|message| match message {
        Message::Tool { text, .. } => Some(text.as_str()),
        _ => None,
    });
    let read: Vec<&str> = read.collect();
    assert_eq!(read[3], "[characters 0 to 14 of 14]\nthe first page", "{read:?}");
    assert_eq!(read[4], "[characters 14 to 14 of 14]\n", "{read:?}");
    for prompt in &asked {
        assert_eq!(wires::check(prompt), Ok(()));
    }
}

#[actix::test]
async fn calls_that_come_in_with_a_file_or_a_fork_have_ids_of_their_own_too() {
    let bench = Bench::new(FakeModel::saying(Vec::new())).await;
    let call = json!([{ "id": "call_1", "name": "ops__look", "arguments": "{}" }]);
    let mut lines = Vec::new();
    for n in 0..2 {
        lines.push(json!({ "type": "user_message", "content": format!("look {n}") }));
        lines.push(json!({ "type": "assistant_message", "content": "", "tool_calls": call }));
        lines.push(json!({
            "type": "tool_result", "content": format!("page {n}"), "tool_call_id": "call_1",
            "extra": { "outcome": "ok" },
        }));
        lines.push(json!({ "type": "assistant_message", "content": "seen" }));
    }
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let copy = bench.chat.import("key-1", &lines.join("\n")).await.unwrap();
    let journal = bench.journal(&copy.id).await;
    let ids = call_ids(&journal);
    assert_eq!(outcomes(&journal), [("1", Outcome::Ok), ("2", Outcome::Ok)], "{journal:#?}");
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id != "call_1"), "{ids:?}");
    let fork = bench.chat.fork("key-1", &id(&copy.id), 8).await.unwrap();
    bench.model.then(look());
    bench.ask(&fork.id, "r1", "once more").await;
    let journal = bench.journal(&fork.id).await;
    assert_eq!(call_ids(&journal)[..2], ids[..]);
    assert_eq!(call_ids(&journal).iter().collect::<HashSet<_>>().len(), 3);
    assert_eq!(wires::check(bench.model.asked().last().unwrap()), Ok(()));
}

/// What a tool gave is read for a prompt as far as it is shown, and no further.
#[actix::test]
async fn what_tools_gave_is_not_read_whole_for_a_prompt() {
    let bench = Bench::with(FakeModel::saying(vec![look(), vec![Say("Long.")]]), |settings| {
        settings.limits.tool_result_chars = 500;
    })
    .await;
    let page: String =
        (0..200_000).map(|n| char::from(b'a' + u8::try_from(n % 26).unwrap())).collect();
    let page = format!("ä{page}ö");
    bench.tools.page.lock().unwrap().clone_from(&page);
    bench.ask("c", "r1", "look").await;
    let ids = call_ids(&bench.journal("c").await);
    let shown = prompt::capped(&page, 500, &ids[0]);
    assert!(
        shown.chars().count() <= 500 && shown.starts_with('ä') && shown.ends_with('ö'),
        "{shown}"
    );
    assert_eq!(prompt::capped(&shown, 500, &ids[0]), shown);
    let history = History::before(&bench.store, "c", 1_000, (u64::MAX, 500)).await.unwrap();
    let results: Vec<&str> = history
        .events
        .iter()
        .filter_map(|event| match &event.body {
            Body::ToolResult { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(results, [shown.as_str()]);
    let told = bench.model.asked().last().unwrap().messages.clone();
    assert!(
        told.iter().any(|message| matches!(message, Message::Tool { text, .. } if *text == shown))
    );
    // All of it is still there.
    let journal = bench.journal("c").await;
    assert!(
        journal
            .iter()
            .any(|event| matches!(&event.body, Body::ToolResult { text, .. } if *text == page))
    );
}

#[actix::test]
async fn a_yes_is_to_the_arguments_that_were_asked_about() {
    let change = vec![Call(vec![("1", "ops__change", "{\"to\":1}")])];
    let bench = Bench::new(FakeModel::saying(vec![change, vec![Say("Done.")]])).await;
    let sent = bench.send("c", "r1", "change it").await;
    let first = question(&bench).await;
    // What was asked about is not what the call is to be given.
    let path = bench.directory.path().join("state.db");
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    conn.batch_execute("UPDATE chat_approvals SET arguments_json = '{\"to\":2}'").unwrap();
    bench.chat.decide("key-1", &approval_id(&first), Decision::Once).await.unwrap();
    let second = question(&bench).await;
    assert_ne!(first.id, second.id);
    assert_eq!(second.arguments_json, "{\"to\":1}");
    assert!(second.reason.contains("is to be given something else"), "{}", second.reason);
    assert_eq!(bench.tools.calls(), []);
    bench.chat.decide("key-1", &approval_id(&second), Decision::Once).await.unwrap();
    bench.frames_until_over(&sent, "r1").await;
    assert_eq!(bench.tools.calls()[0].1, json!({ "to": 1 }));
    assert_eq!(bench.tools.count("ops__change"), 1);
}

/// What does no harm twice is made again after a restart, and not for ever.
#[actix::test]
async fn a_call_that_ends_the_daemon_each_time_is_told_as_unknown_in_the_end() {
    let mut bench = Bench::new(FakeModel::saying(vec![look(), vec![Say("Well.")]])).await;
    *bench.tools.gate.lock().unwrap() = Some(Arc::default());
    let sent = bench.send("c", "r1", "look").await;
    for made in 1..=4 {
        let began = tokio::time::Instant::now();
        while bench.tools.count("ops__look") < made {
            assert!(began.elapsed() < PATIENCE, "it is not made {made} times");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bench = bench.again().await;
    }
    let frames = bench.frames_until_over(&sent, "r1").await;
    assert_eq!(words(&frames), "Well.");
    assert_eq!(bench.tools.count("ops__look"), 4);
    assert_eq!(outcomes(&bench.journal("c").await), [("1", Outcome::Unknown)]);
    // The answer after it was asked for the first time.
    let row = bench.chat.view("key-1", &id("c")).await.unwrap().turns.remove(0);
    assert_eq!((row.attempts, bench.model.asked().len()), (0, 2));
}
