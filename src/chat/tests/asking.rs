//! Requests and their answers: what is sent, what is kept, what a model is asked.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::fake_model::Step::{Call, Fail, Say, Vanish, Wait};
use super::*;
use crate::adapters::llm::{LlmError, Message, ToolChoice};

fn statuses(frames: &[Value]) -> Vec<(&str, &str)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned().leak() as &str;
    frames.iter().map(|frame| (text(&frame["status"]), text(&frame["chunk"]["type"]))).collect()
}

#[actix::test]
async fn an_answer_is_streamed_and_kept_once() {
    let bench = Bench::new(FakeModel::saying(vec![vec![Say("Hello "), Say("world")]])).await;
    let frames = bench.ask("c", "r1", "hi").await;
    assert_eq!(
        frames[0],
        json!({
            "request_id": "r1", "status": "processing", "conversation_id": "c", "seq": 1,
            "chunk": { "metadata": { "user_message": "hi" } },
        })
    );
    assert_eq!(words(&frames), "Hello world");
    let last = frames.last().unwrap();
    assert_eq!(
        *last,
        json!({
            "request_id": "r1", "status": "complete", "conversation_id": "c", "seq": 3,
            "chunk": {},
            "metadata": {
                "tokens": 42, "conversation_id": "c", "finish_reason": "stop",
                "usage": { "prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42 },
            },
        })
    );
    // B1 and B2: exactly what was sent, once.
    assert_eq!(answers(&bench.journal("c").await), ["Hello world"]);
}

#[actix::test]
async fn a_text_that_says_itself_twice_is_kept_as_it_is() {
    let bench = Bench::new(FakeModel::saying(vec![vec![Say("bon"), Say("bon")]])).await;
    assert_eq!(words(&bench.ask("c", "r1", "sweets?").await), "bonbon");
    assert_eq!(answers(&bench.journal("c").await), ["bonbon"]);
}

#[actix::test]
async fn a_request_that_is_not_streamed_is_answered_in_one_piece() {
    let script = vec![vec![Call(vec![("1", "ops__look", "{}")])], vec![Say("He"), Say("llo")]];
    let bench = Bench::new(FakeModel::saying(script)).await;
    let request = Request { text: "hi".to_owned(), is_attended: true, ..Request::default() };
    let sent = bench.chat.send("key-1", new_request("c", "r1", request)).await.unwrap();
    let frames = bench.frames_until_over(&sent, "r1").await;
    assert_eq!(statuses(&frames), [("processing", ""), ("chunk", "text"), ("complete", "")]);
    assert_eq!(frames[1]["chunk"], json!({ "type": "text", "data": "Hello", "metadata": {} }));
}

#[actix::test]
async fn a_model_is_told_what_was_said_once_each_and_the_newest_last() {
    let bench = Bench::new(FakeModel::saying(vec![])).await;
    for n in ["r1", "r2", "r3"] {
        bench.ask("c", n, "yes").await;
    }
    let prompts = bench.model.asked();
    let user = || Message::User("yes".to_owned());
    let model = || Message::Assistant { text: "yes".to_owned(), calls: Vec::new() };
    // B3 and B4: the same words are said three times, and are told three times.
    assert_eq!(prompts[0].messages, [user()]);
    assert_eq!(prompts[2].messages, [user(), model(), user(), model(), user()]);
}

#[actix::test]
async fn the_oldest_is_left_out_when_there_is_no_room() {
    let bench = Bench::with(FakeModel::saying(vec![]), |settings| {
        settings.context.max_tokens = 300;
    })
    .await;
    for n in 0..40 {
        bench.ask("c", &format!("r{n}"), &format!("this is message number {n} of forty")).await;
    }
    let prompts = bench.model.asked();
    let last = &prompts.last().unwrap().messages;
    // B5 and B6.
    assert_eq!(
        last.last().unwrap(),
        &Message::User("this is message number 39 of forty".to_owned())
    );
    assert!((6..40).contains(&last.len()), "{last:?}");
    let Message::User(first) = &last[0] else { panic!("{last:?}") };
    assert!(first.starts_with("this is message number 2"), "{first}");
}

#[actix::test]
async fn the_same_request_again_finds_the_first_and_another_with_its_name_is_refused() {
    let bench = Bench::new(FakeModel::saying(vec![vec![Say("one")]])).await;
    bench.ask("c", "r1", "hi").await;
    let again = bench.send("c", "r1", "hi").await;
    assert!(again.is_repeated && again.is_over);
    let frames = bench.chat.answered_before(&id("c"), "r1").await.unwrap();
    let frames: Vec<Value> =
        frames.iter().map(|frame| serde_json::from_slice(&frame.json).unwrap()).collect();
    assert_eq!(
        frames[0]["chunk"],
        json!({
            "type": "text", "data": "one", "metadata": { "cached": true },
        })
    );
    assert_eq!(frames[1]["status"], "complete");
    assert_eq!(bench.model.asked().len(), 1);
    let other = bench.try_send("c", "r1", "something else").await;
    assert!(matches!(other, Err(ChatError::Conflict)), "{other:?}");
}

#[actix::test]
async fn requests_of_one_conversation_wait_for_one_another_and_others_do_not() {
    let gate = Arc::<Notify>::default();
    let script = vec![vec![Wait(Arc::clone(&gate)), Say("first")], vec![Say("other")]];
    let bench = Bench::new(FakeModel::saying(script)).await;
    let first = bench.send("c", "r1", "one").await;
    bench.until("c", "the first", |events| !events.is_empty()).await;
    let second = bench.send("c", "r2", "two").await;
    let other = bench.ask("d", "r1", "three").await;
    assert_eq!(words(&other), "other");
    assert_eq!(bench.journal("c").await.len(), 1, "the second has begun");
    gate.notify_one();
    assert_eq!(words(&bench.frames_until_over(&first, "r1").await), "first");
    assert_eq!(words(&bench.frames_until_over(&second, "r2").await), "yes");
}

#[actix::test]
async fn a_cancelled_request_keeps_what_was_said_and_what_it_cost() {
    let gate = Arc::<Notify>::default();
    let bench =
        Bench::new(FakeModel::saying(vec![vec![Say("Hello "), Wait(gate), Say("world")]])).await;
    let sent = bench.send("c", "r1", "hi").await;
    let mut follower = bench.chat.follow("key-1", &sent.conversation_id, 0).await.unwrap();
    while !std::str::from_utf8(&bench.next(&mut follower).await.json).unwrap().contains("Hello") {}
    bench.chat.cancel("key-1", &id("c"), "r1").await.unwrap();
    let frames = bench.frames_until_over(&sent, "r1").await;
    let last = frames.last().unwrap();
    assert_eq!((&last["status"], &last["chunk"]["code"]), (&json!("error"), &json!("cancelled")));
    assert!(0 < last["metadata"]["usage"]["prompt_tokens"].as_u64().unwrap(), "{last}");
    assert_eq!(last["metadata"]["usage"]["is_estimate"], true);
    assert_eq!(answers(&bench.journal("c").await), ["Hello "]);
    let row = bench.chat.find("key-1", &id("c")).await.unwrap();
    assert!(0 < row.completion_tokens && 0 < row.prompt_tokens, "{row:?}");
    // The conversation goes on.
    bench.ask("c", "r2", "again").await;
    let over = bench.chat.cancel("key-1", &id("c"), "r1").await;
    assert!(matches!(over, Err(ChatError::Over(_))), "{over:?}");
}

#[actix::test]
async fn an_answer_that_breaks_off_is_an_error_with_what_was_said() {
    let provider = "fake".to_owned();
    let broken = LlmError::Broken { provider, why: "the connection was cut".to_owned() };
    let script = vec![vec![Say("Hel"), Fail(broken)], vec![Say("Hel"), Vanish]];
    let bench = Bench::new(FakeModel::saying(script)).await;
    // B22: neither is a complete answer.
    for request in ["r1", "r2"] {
        let frames = bench.ask("c", request, "hi").await;
        let last = frames.last().unwrap();
        assert_eq!(last["status"], "error");
        assert_eq!(last["chunk"]["code"], "provider");
        assert_eq!(last["chunk"]["retryable"], true);
    }
    assert_eq!(answers(&bench.journal("c").await), ["Hel", "Hel"]);
    assert_eq!(words(&bench.ask("c", "r3", "hi").await), "yes");
}

#[actix::test]
async fn a_tool_that_fails_or_is_not_there_is_told_to_the_model() {
    let script = vec![
        vec![Call(vec![
            ("1", "ops__look", "{\"a\": 1"),
            ("2", "nobody__nothing", "{}"),
            ("3", "ops__look", "[]"),
            ("4", "ops__look", "{\"a\":1}"),
            ("5", "ops__look", ""),
        ])],
        vec![Say("I see.")],
    ];
    let bench = Bench::new(FakeModel::saying(script)).await;
    let frames = bench.ask("c", "r1", "look").await;
    // B17: none of it ends the request.
    assert_eq!(frames.last().unwrap()["status"], "complete");
    let events = bench.journal("c").await;
    assert_eq!(
        outcomes(&events),
        [
            ("1", Outcome::Error),
            ("2", Outcome::Error),
            ("3", Outcome::Error),
            ("4", Outcome::Ok),
            ("5", Outcome::Ok),
        ]
    );
    // B9: what the model wrote goes on as it is.
    let given: Vec<Value> = bench.tools.calls().into_iter().map(|(_, given, _)| given).collect();
    assert_eq!(given, [json!({ "a": 1 }), json!({})]);
    assert!(bench.tools.calls().iter().all(|(.., principal)| principal == "chat:c"));
}

#[actix::test]
async fn the_last_round_is_without_tools_and_gives_an_answer() {
    let call = |id| vec![Call(vec![(id, "ops__look", "{}")])];
    let mut script = Vec::new();
    for (id, arguments) in [("1", "{\"n\":1}"), ("2", "{\"n\":2}")] {
        script.push(vec![Call(vec![(id, "ops__look", arguments)])]);
    }
    script.push(call("3"));
    let bench = Bench::with(FakeModel::saying(script), |settings| settings.max_tool_hops = 2).await;
    let frames = bench.ask("c", "r1", "look").await;
    // B18.
    let prompts = bench.model.asked();
    let choices: Vec<_> = prompts.iter().map(|prompt| prompt.tool_choice).collect();
    assert_eq!(choices, [ToolChoice::Auto, ToolChoice::Auto, ToolChoice::None]);
    let notice =
        |frame: &&Value| frame["chunk"]["metadata"]["finish_reason"] == "tool_limit_reached";
    assert_eq!(frames.iter().filter(notice).count(), 1);
    assert_eq!(frames.last().unwrap()["metadata"]["finish_reason"], "tool_limit_reached");
    assert_eq!(bench.tools.calls().len(), 2);
}

#[actix::test]
async fn a_model_that_repeats_itself_is_stopped() {
    let same = |id| vec![Call(vec![(id, "ops__look", "{\"n\":1}")])];
    let script = vec![same("1"), same("1"), same("3"), vec![Say("Enough.")]];
    let bench = Bench::new(FakeModel::saying(script)).await;
    let frames = bench.ask("c", "r1", "look").await;
    assert_eq!(words(&frames), "Enough.");
    assert_eq!(bench.tools.calls().len(), 2);
    // Calls have names of their own, whatever the server calls them.
    let events = bench.journal("c").await;
    assert_eq!(outcomes(&events), [("1", Outcome::Ok), ("2", Outcome::Ok), ("3", Outcome::Error)]);
}

#[actix::test]
async fn somebody_elses_conversation_is_not_there() {
    let bench = Bench::new(FakeModel::saying(vec![])).await;
    bench.ask("c", "r1", "secret").await;
    let chat = &bench.chat;
    let request = Request { text: "what?".to_owned(), ..Request::default() };
    let sent = chat.send("key-2", new_request("c", "r2", request)).await;
    assert!(matches!(sent, Err(ChatError::UnknownConversation(_))), "{sent:?}");
    let unknown = |error: ChatError| matches!(error, ChatError::UnknownConversation(_));
    assert!(chat.find("key-2", &id("c")).await.is_err_and(unknown));
    assert!(chat.history("key-2", &id("c"), None, 10).await.is_err_and(unknown));
    assert!(chat.follow("key-2", &id("c"), 0).await.is_err_and(unknown));
    assert!(chat.cancel("key-2", &id("c"), "r1").await.is_err_and(unknown));
    assert!(chat.fork("key-2", &id("c"), 1).await.is_err_and(unknown));
    assert!(chat.clear("key-2", &id("c")).await.is_err_and(unknown));
    assert!(chat.export("key-2", &id("c"), 0).await.is_err_and(unknown));
    assert!(chat.search("key-2", Some(&id("c")), "secret", 5).await.is_err_and(unknown));
    assert_eq!(chat.search("key-2", None, "secret", 5).await.unwrap(), []);
    assert_eq!(chat.conversations("key-2", None, 10).await.unwrap().rows, []);
}

#[actix::test]
async fn a_conversation_that_has_nothing_to_do_has_no_actor() {
    let bench = Bench::new(FakeModel::saying(vec![])).await;
    bench.ask("c", "r1", "hi").await;
    let alive = || {
        let counts = bench.chat.deps.supervision.counts();
        counts.get("conversation").map_or(0, |counts| counts.alive)
    };
    let began = tokio::time::Instant::now();
    while alive() != 0 {
        assert!(began.elapsed() < PATIENCE, "it stays");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(bench.chat.under_way(), 0);
    bench.ask("c", "r2", "hi").await;
}
