//! What is forgotten without anybody asking.

use super::fake_model::Step::{Call, Say};
use super::*;
use crate::config::chat::RetentionPolicy;

fn keep_days(settings: &mut ChatSettings) {
    settings.repository.retention = RetentionPolicy::TimeBased { days: 30 };
}

#[actix::test]
async fn where_time_decides_what_is_idle_goes_whole_and_the_rest_by_requests() {
    let bench = Bench::with(FakeModel::saying(Vec::new()), keep_days).await;
    bench.ask("old", "r1", "long ago").await;
    bench.ask("half", "r1", "long ago").await;
    let first = bench.journal("half").await.len();
    bench.clock.pass_days(20);
    bench.ask("half", "r2", "lately").await;
    assert_eq!(bench.chat.sweep().await.unwrap(), Swept::default());
    bench.clock.pass_days(15);
    bench.ask("new", "r1", "today").await;
    let swept = bench.chat.sweep().await.unwrap();
    assert_eq!(swept, Swept { conversations: 1, events: first });
    assert!(bench.journal("old").await.is_empty());
    assert_eq!(said(&bench.journal("half").await), ["lately"]);
    assert_eq!(said(&bench.journal("new").await), ["today"]);
    assert!(bench.chat.find("key-1", &id("old")).await.is_err());
    assert_eq!(bench.chat.sweep().await.unwrap(), Swept::default());
    // It goes on as one that never was.
    bench.model.then(vec![Say("anew")]);
    assert_eq!(words(&bench.ask("old", "r1", "once more").await), "anew");
}

#[actix::test]
async fn a_conversation_in_which_somebody_is_asked_is_not_idle() {
    let model = FakeModel::saying(vec![vec![Call(vec![("1", "ops__change", "{}")])]]);
    let bench = Bench::with(model, keep_days).await;
    bench.send("waits", "r1", "write it").await;
    let is_asked = |events: &[Event]| {
        let asked = |event: &Event| {
            matches!(&event.body, Body::Note { note: Note::ApprovalRequested { .. }, .. })
        };
        events.iter().any(asked)
    };
    bench.until("waits", "a question", is_asked).await;
    bench.clock.pass_days(31);
    assert_eq!(bench.chat.sweep().await.unwrap(), Swept::default());
    assert_eq!(said(&bench.journal("waits").await), ["write it"]);
}

#[actix::test]
async fn stricter_limits_hold_for_what_was_said_before_them() {
    let mut bench = Bench::new(FakeModel::saying(Vec::new())).await;
    for request in ["r1", "r2", "r3"] {
        bench.ask("c", request, request).await;
    }
    assert_eq!(bench.chat.sweep().await.unwrap(), Swept::default());
    for (policy, kept) in [
        (RetentionPolicy::MessageCount { max_messages: 4 }, &["r2", "r3"][..]),
        // The last request stays, however little is to be kept.
        (RetentionPolicy::TokenLimit { max_tokens: 1 }, &["r3"]),
    ] {
        bench = bench.again_with(|settings| settings.repository.retention = policy).await;
        assert!(0 < bench.chat.sweep().await.unwrap().events, "{policy:?}");
        assert_eq!(said(&bench.journal("c").await), kept);
        assert_eq!(bench.chat.sweep().await.unwrap(), Swept::default());
    }
}
