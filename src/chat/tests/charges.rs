//! What a request costs, whatever comes of it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;

use super::fake_model::Step::{Call, Fail, InVain, Say, Stall, Wait};
use super::*;
use crate::adapters::llm::{LlmError, Usage};
use crate::config::chat::CompactionSettings;
use crate::store::chat::usage::{self, Spent};

fn broken() -> LlmError {
    LlmError::Broken { provider: "fake".to_owned(), why: "the connection was cut".to_owned() }
}

impl Bench {
    /// What was spent today, by the ledger.
    async fn spent(&self) -> Spent {
        let day = self.clock.now().to_string()[..10].to_owned();
        self.store.read(move |conn| usage::spent_on(conn, &day)).await.unwrap()
    }

    /// What the last of these frames says that the request took: question, answer, and whether that
    /// is an estimate. The ledger and the conversation have to say the same of it and no more.
    async fn took(&self, conversation: &str, frames: &[Value]) -> (u64, u64, bool) {
        let usage = &frames.last().unwrap()["metadata"]["usage"];
        let tokens = |name: &str| usage[name].as_u64().unwrap();
        let (prompt, completion) = (tokens("prompt_tokens"), tokens("completion_tokens"));
        let row = self.chat.find("key-1", &id(conversation)).await.unwrap();
        let whole = |n: i64| u64::try_from(n).unwrap();
        assert_eq!((whole(row.prompt_tokens), whole(row.completion_tokens)), (prompt, completion));
        assert_eq!(whole(self.spent().await.tokens), prompt + completion);
        (prompt, completion, usage["is_estimate"] == true)
    }

    async fn until_asked(&self, times: usize) {
        let began = tokio::time::Instant::now();
        while self.model.asked().len() < times {
            assert!(began.elapsed() < PATIENCE, "it is not asked {times} times");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[actix::test]
async fn who_cancels_before_the_first_word_pays_for_the_question() {
    let bench = Bench::new(FakeModel::saying(vec![vec![Stall]])).await;
    let sent = bench.send("c", "r1", "hi").await;
    bench.until_asked(1).await;
    bench.chat.cancel("key-1", &id("c"), "r1").await.unwrap();
    let frames = bench.frames_until_over(&sent, "r1").await;
    let (prompt, _, is_estimate) = bench.took("c", &frames).await;
    assert!(10 < prompt && is_estimate, "{prompt}");
}

#[actix::test]
async fn an_answer_that_breaks_off_before_the_first_word_is_paid_for_and_a_refusal_is_not() {
    let refused = LlmError::RateLimited { provider: "fake".to_owned(), retry_after: None };
    let bench = Bench::new(FakeModel::saying(vec![vec![Fail(refused)]])).await;
    let frames = bench.ask("c", "r1", "hi").await;
    assert_eq!(bench.took("c", &frames).await, (0, 0, false));
    // Once in vain, and then once more.
    bench.model.then(vec![InVain, Fail(broken())]);
    let frames = bench.ask("c", "r2", "hi").await;
    let (prompt, _, is_estimate) = bench.took("c", &frames).await;
    assert!(0 < prompt && prompt % 2 == 0 && is_estimate, "{prompt}");
}

#[actix::test]
async fn what_was_sent_in_vain_is_paid_for_beside_the_answer() {
    let bench = Bench::new(FakeModel::saying(vec![vec![InVain, InVain, Say("yes")]])).await;
    let frames = bench.ask("c", "r1", "hi").await;
    let (prompt, completion, is_estimate) = bench.took("c", &frames).await;
    assert!(30 + 2 * 10 < prompt && completion == 12 && is_estimate, "{prompt} {completion}");
}

#[actix::test]
async fn a_summary_is_paid_for_by_its_request_even_if_it_breaks_off() {
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
    let before = bench.spent().await.tokens;
    bench.model.then(vec![Say("They told"), Fail(broken())]);
    let frames = bench.ask("c", "r3", &format!("3 {long}")).await;
    let usage = &frames.last().unwrap()["metadata"]["usage"];
    let after = bench.spent().await.tokens;
    assert_eq!(usage["total_tokens"].as_i64().unwrap(), after - before);
    assert!(before + 42 + 500 < after && usage["is_estimate"] == true, "{usage}");
    // And so is one that comes whole.
    bench.model.then(vec![Say("They told a story.")]);
    let frames = bench.ask("c", "r4", "and then?").await;
    assert_eq!(frames.last().unwrap()["metadata"]["usage"]["total_tokens"], 84);
}

#[actix::test]
async fn questions_that_the_daemon_lost_are_paid_for_each_once() {
    let script = (0..5).map(|_| vec![Stall]).collect();
    let mut bench = Bench::new(FakeModel::saying(script)).await;
    let sent = bench.send("c", "r1", "hi").await;
    for asked in 1..=4 {
        bench.until_asked(asked).await;
        bench = bench.again().await;
    }
    let frames = bench.frames_until_over(&sent, "r1").await;
    assert_eq!(frames.last().unwrap()["chunk"]["code"], "interrupted");
    let (prompt, completion, is_estimate) = bench.took("c", &frames).await;
    assert!(0 < prompt && prompt % 4 == 0 && completion == 0 && is_estimate, "{prompt}");
}

#[actix::test]
async fn what_was_lost_is_paid_for_by_who_ends_the_request_instead() {
    let gate = Arc::<Notify>::default();
    let bench = Bench::with(FakeModel::saying(vec![vec![Say("Hello "), Wait(gate)]]), |settings| {
        settings.streaming.checkpoint_deltas = 1;
    })
    .await;
    let sent = bench.send("c", "r1", "hi").await;
    bench.until_asked(1).await;
    let deps = Arc::clone(&bench.chat.deps);
    given_up::end_request(&deps, &id("c"), "it failed").await.unwrap();
    let frames = bench.frames_until_over(&sent, "r1").await;
    assert_eq!(frames.last().unwrap()["chunk"]["code"], "actor_crash_loop");
    let (prompt, _, is_estimate) = bench.took("c", &frames).await;
    assert!(0 < prompt && is_estimate);
}

#[actix::test]
async fn all_rounds_of_a_request_are_in_its_last_frame() {
    let script = vec![vec![Call(vec![("1", "ops__look", "{}")])], vec![Say("Hello")]];
    let bench = Bench::new(FakeModel::saying(script)).await;
    let frames = bench.ask("c", "r1", "look").await;
    assert_eq!(bench.took("c", &frames).await, (60, 24, false));
}

#[actix::test]
async fn a_provider_that_says_what_cannot_be_is_not_believed() {
    let usage = |prompt_tokens, completion_tokens, total_tokens| Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens,
        cached_tokens: 0,
    };
    let bench = Bench::new(FakeModel::saying(vec![])).await;
    let lies = [
        usage(1 << 40, 12, (1 << 40) + 12),
        usage(30, u64::MAX, u64::MAX),
        usage(30, 12, 1 << 50),
        usage(0, 0, 0),
    ];
    for (n, lie) in lies.into_iter().enumerate() {
        *bench.model.usage.lock().unwrap() = Some(lie);
        let frames = bench.ask("c", &format!("r{n}"), "hi").await;
        let usage = &frames.last().unwrap()["metadata"]["usage"];
        assert_eq!(usage["is_estimate"], true, "{lie:?}");
        let total = usage["total_tokens"].as_u64().unwrap();
        assert!((5..5_000).contains(&total), "{lie:?}: {total}");
    }
    assert!((20..20_000).contains(&bench.spent().await.tokens));
    assert_eq!(bench.chat.statistics().spent[0].disbelieved, 4);
    // What may be is taken as it is.
    *bench.model.usage.lock().unwrap() = Some(usage(50_000, 60_000, 200_000));
    let frames = bench.ask("c", "last", "hi").await;
    let usage = &frames.last().unwrap()["metadata"]["usage"];
    assert_eq!((usage["total_tokens"].as_u64(), usage.get("is_estimate")), (Some(200_000), None));
}
