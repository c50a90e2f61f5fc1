//! What a restart finds, wherever the daemon or an actor ended before.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::fake_model::Step::{Call, Say, Wait};
use super::*;
use crate::chat::approving::Decision;
use crate::ids::ApprovalId;
use crate::store::chat::partials;

#[actix::test]
async fn an_answer_that_was_under_way_is_asked_for_again() {
    let gate = Arc::<Notify>::default();
    let script = vec![vec![Say("Hello "), Wait(gate)], vec![Say("Good day.")]];
    let bench = Bench::with(FakeModel::saying(script), |settings| {
        settings.streaming.checkpoint_deltas = 1;
    })
    .await;
    let sent = bench.send("c", "r1", "hi").await;
    let has_part = || async {
        bench.store.read(|conn| partials::text(conn, "c", 2)).await.unwrap() == "Hello "
    };
    while !has_part().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let bench = bench.again().await;
    let frames = bench.frames_until_over(&sent, "r1").await;
    assert_eq!(words(&frames), "Good day.");
    assert_eq!(answers(&bench.journal("c").await), ["Good day."]);
    // What was said in vain was paid for.
    let row = bench.chat.find("key-1", &id("c")).await.unwrap();
    assert!(42 < row.prompt_tokens + row.completion_tokens, "{row:?}");
}

#[actix::test]
async fn an_answer_that_never_comes_is_not_asked_for_for_ever() {
    let gate = Arc::<Notify>::default();
    let script = (0..5).map(|_| vec![Say("Hello "), Wait(Arc::clone(&gate))]).collect();
    let mut bench = Bench::with(FakeModel::saying(script), |settings| {
        settings.streaming.checkpoint_deltas = 1;
    })
    .await;
    let sent = bench.send("c", "r1", "hi").await;
    for asked in 1..=4 {
        let began = tokio::time::Instant::now();
        while bench.model.asked().len() < asked {
            assert!(began.elapsed() < PATIENCE, "it is not asked {asked} times");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        bench = bench.again().await;
    }
    let frames = bench.frames_until_over(&sent, "r1").await;
    let last = frames.last().unwrap();
    assert_eq!(last["chunk"]["code"], "interrupted");
    assert_eq!(bench.model.asked().len(), 4);
    assert_eq!(answers(&bench.journal("c").await), ["Hello "]);
}

#[actix::test]
async fn a_call_of_which_nobody_knows_is_not_made_again() {
    let call = |tool| vec![vec![Call(vec![("1", tool, "{}")])], vec![Say("I will look.")]];
    for (tool, made, outcome) in [
        ("ops__change", 1, Outcome::Unknown),
        ("ops__look", 2, Outcome::Ok),
        ("ops__set", 2, Outcome::Ok),
    ] {
        let bench = Bench::new(FakeModel::saying(call(tool))).await;
        *bench.tools.gate.lock().unwrap() = Some(Arc::default());
        let sent = bench.send("c", "r1", "go").await;
        if tool != "ops__look" {
            let asked = loop {
                if let Some(approval) = bench.chat.approvals(None, 1).await.unwrap().first() {
                    break ApprovalId::parse(&approval.row.id).unwrap();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            };
            bench.chat.decide("key-1", &asked, Decision::Once).await.unwrap();
        }
        bench.tools.begun.notified().await;
        *bench.tools.gate.lock().unwrap() = None;
        let bench = bench.again().await;
        let frames = bench.frames_until_over(&sent, "r1").await;
        assert_eq!(words(&frames), "I will look.", "{tool}");
        assert_eq!(bench.tools.count(tool), made, "{tool}");
        assert_eq!(outcomes(&bench.journal("c").await), [("1", outcome)], "{tool}");
    }
}

#[actix::test]
async fn a_question_waits_over_a_restart_and_its_answer_counts() {
    let script = vec![vec![Call(vec![("1", "ops__change", "{}")])], vec![Say("Done.")]];
    let bench = Bench::new(FakeModel::saying(script)).await;
    let sent = bench.send("c", "r1", "go").await;
    bench.until("c", "the question", |events| 3 <= events.len()).await;
    let bench = bench.again().await;
    let approvals = bench.chat.approvals(Some(&id("c")), 10).await.unwrap();
    assert_eq!(approvals.len(), 1);
    let asked = ApprovalId::parse(&approvals[0].row.id).unwrap();
    bench.chat.decide("key-1", &asked, Decision::Once).await.unwrap();
    // It was said before the daemon ended, and is heard after.
    let bench = bench.again().await;
    bench.frames_until_over(&sent, "r1").await;
    let events = bench.journal("c").await;
    assert!(bench.tools.count("ops__change") <= 1);
    let outcome = outcomes(&events)[0].1;
    let was_made = bench.tools.count("ops__change") == 1;
    assert_eq!(outcome == Outcome::Ok || outcome == Outcome::Unknown, was_made, "{events:#?}");
}

#[actix::test]
async fn what_waits_is_worked_on_after_a_restart() {
    let gate = Arc::<Notify>::default();
    let bench = Bench::new(FakeModel::saying(vec![vec![Wait(gate), Say("never")]])).await;
    bench.send("c", "r1", "one").await;
    // It is under way when its model has been asked, and not before.
    while bench.model.asked().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = bench.send("c", "r2", "two").await;
    bench.chat.cancel("key-1", &id("c"), "r1").await.unwrap();
    let bench = bench.again().await;
    assert_eq!(words(&bench.frames_until_over(&second, "r2").await), "yes");
    let events = bench.until_over("c", 2).await;
    let endings: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.body {
            Body::Note { note: Note::TurnEnd { ending, .. }, .. } => Some(ending.clone()),
            _ => None,
        })
        .collect();
    assert!(matches!(endings[0], Ending::Cancelled { .. }), "{endings:?}");
    assert!(matches!(endings[1], Ending::Complete { .. }), "{endings:?}");
}
