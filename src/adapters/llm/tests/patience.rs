//! When a server is asked again, when it is left alone, and what is said about that.

use std::time::Duration;

use tokio::time::Instant;

use super::asking::{KEY, ask, model, prompt, settings};
use super::server::{Part, Server, answer, good, head, word};
use crate::adapters::llm::LlmError;
use crate::config::chat::ProviderSettings;

fn refused(why: &str) -> String {
    format!("groq refused the request: {why}")
}

#[tokio::test]
async fn what_may_pass_is_asked_again_with_growing_waits() {
    let overloaded = r#"data: {"error":{"type":"overloaded_error","message":"m"}}"#;
    let server = Server::start(vec![
        answer(529, "", ""),
        vec![],
        vec![head(), Part::Say(format!("{overloaded}\n\n"))],
        good(),
    ])
    .await;
    let model = model(settings(&server));
    assert_eq!(ask(&*model).await.0, "hello");
    let gaps: Vec<_> = (0..3).map(|after| server.gap(after)).collect();
    assert!(gaps.is_sorted() && gaps[0] >= Duration::from_millis(250), "{gaps:?}");
    let counts = model.state().unwrap().counts;
    assert_eq!((counts.asked, counts.requests, counts.retries, counts.failed), (1, 4, 3, 0));
}

#[tokio::test]
async fn it_is_asked_again_only_so_often() {
    let body = r#"{"error":{"message":"no capacity"}}"#;
    let server = Server::start(vec![answer(503, "", body)]).await;
    let mut settings = settings(&server);
    settings.max_retries = 1;
    let (_, end) = ask(&*model(settings)).await;
    let error = end.unwrap_err();
    assert_eq!(error.to_string(), "groq cannot answer just now: no capacity (status 503)");
    assert_eq!((server.requests().len(), error.is_transient()), (2, true));
}

#[tokio::test]
async fn nothing_is_asked_again_after_the_first_part() {
    let server = Server::start(vec![vec![head(), Part::Say(word("a"))], good()]).await;
    let (text, end) = ask(&*model(settings(&server))).await;
    assert_eq!((text.as_str(), server.requests().len()), ("a", 1));
    assert!(matches!(end, Err(LlmError::Broken { .. })));
}

#[tokio::test]
async fn what_is_refused_is_not_asked_again() {
    let said = format!(r#"{{"error":{{"message":"Incorrect API key {KEY} given"}}}}"#);
    for (status, why) in [
        (400, "Incorrect API key … given".to_owned()),
        (401, "it does not accept the key in GROQ_API_KEY (status 401)".to_owned()),
        (
            403,
            "it does not allow this with the key in GROQ_API_KEY (status 403): Incorrect API key … \
             given"
                .to_owned(),
        ),
        (404, "Incorrect API key … given".to_owned()),
        (
            307,
            "it redirects to another address (status 307), which is not followed".to_owned(),
        ),
    ] {
        let server = Server::start(vec![answer(status, "Location: /elsewhere\r\n", &said)]).await;
        let error = ask(&*model(settings(&server))).await.1.unwrap_err();
        assert_eq!(error.to_string(), refused(&why));
        assert_eq!(server.requests().len(), 1, "{status}");
        assert!(!format!("{error:?}").contains(KEY));
    }
    let server = Server::start(vec![answer(401, "", "")]).await;
    let without = ProviderSettings { key: None, ..settings(&server) };
    let error = ask(&*model(without)).await.1.unwrap_err();
    let why = "it wants a key, and GROQ_API_KEY is not set (status 401)";
    assert_eq!(error.to_string(), refused(why));
    assert!(!server.requests()[0].head.contains("authorization"));
}

#[tokio::test]
async fn a_wait_that_is_named_is_kept_by_all() {
    let server =
        Server::start(vec![answer(429, "retry-after: 1\r\nretry-after-ms: 700\r\n", ""), good()])
            .await;
    let model = model(settings(&server));
    let first = tokio::spawn({
        let model = std::sync::Arc::clone(&model);
        async move { ask(&*model).await }
    });
    while model.state().unwrap().rate_limited_for.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(ask(&*model).await.0, "hello");
    assert_eq!(first.await.unwrap().0, "hello");
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    for later in &requests[1..] {
        assert!(later.at - requests[0].at >= Duration::from_millis(700));
    }
    assert_eq!(model.state().unwrap().counts.rate_limited, 1);
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_told_at_once() {
    let server = Server::start(vec![answer(429, "Retry-After: 99999\r\n", ""), good()]).await;
    let model = model(settings(&server));
    let began = Instant::now();
    let expected = LlmError::RateLimited {
        provider: "groq".to_owned(),
        retry_after: Some(Duration::from_secs(99_999)),
    };
    assert_eq!(ask(&*model).await.1, Err(expected));
    // Nor is it asked by the next.
    let error = ask(&*model).await.1.unwrap_err();
    assert!(error.to_string().starts_with("groq allows no more requests for now; it asks to wait"));
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_server_that_says_what_it_does_not_take_is_not_sent_it_again() {
    let complaint = |what: &str| answer(400, "", &format!(r#"{{"error":{{"message":"{what}"}}}}"#));
    let server = Server::start(vec![
        complaint("Unrecognized argument: stream_options"),
        complaint("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        complaint("`temperature` and `top_p` cannot both be specified"),
        complaint("temperature may only be 1"),
        good(),
        good(),
        complaint("temperature may only be 1"),
    ])
    .await;
    let mut settings = settings(&server);
    (settings.temperature, settings.top_p) = (Some(0.7), Some(0.9));
    let model = model(settings);
    assert_eq!(ask(&*model).await.0, "hello");
    assert_eq!(ask(&*model).await.0, "hello");
    let bodies: Vec<_> = server.requests().into_iter().map(|request| request.body).collect();
    let has = |body: usize, name: &str| bodies[body].get(name).is_some();
    assert!(has(0, "stream_options") && !has(1, "stream_options"));
    assert!(has(1, "max_tokens") && !has(2, "max_tokens") && has(2, "max_completion_tokens"));
    assert!(has(2, "top_p") && !has(3, "top_p") && has(3, "temperature") && !has(4, "temperature"));
    assert_eq!(bodies[5], bodies[4]);
    // What is not sent is not what a complaint is about.
    assert!(ask(&*model).await.1.is_err());
    assert_eq!(server.requests().len(), 7);
    assert_eq!(model.state().unwrap().counts.retries, 0);
}

#[tokio::test]
async fn only_so_many_are_asked_at_a_time_in_their_order() {
    let slow = vec![
        head(),
        Part::Say(word("a")),
        Part::Wait(Duration::from_millis(200)),
        Part::Say(super::server::end()),
    ];
    let server = Server::start(vec![slow]).await;
    let mut settings = settings(&server);
    settings.concurrency = 2;
    let model = model(settings);
    let began = Instant::now();
    let all = (0..6).map(|_| ask(&*model));
    let all = futures_util::future::join_all(all).await;
    assert!(all.iter().all(|(_, end)| end.is_ok()));
    assert!(began.elapsed() >= Duration::from_millis(600));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_place_is_bounded() {
    let server = Server::start(vec![vec![head(), Part::Say(word("a")), Part::Hang]]).await;
    let mut settings = settings(&server);
    settings.concurrency = 1;
    settings.timeouts.idle = Duration::from_mins(10);
    let model = model(settings);
    let _held = model.ask(prompt()).await.unwrap();
    let began = Instant::now();
    let error = ask(&*model).await.1.unwrap_err();
    assert_eq!(began.elapsed().as_secs(), 45);
    assert!(error.to_string().contains("1 answers are being written"), "{error}");
}

#[tokio::test]
async fn an_answer_has_all_of_its_time_however_long_it_waited_for_a_place() {
    let slow = vec![
        head(),
        Part::Say(word("a")),
        Part::Wait(Duration::from_millis(700)),
        Part::Say(super::server::end()),
    ];
    let server = Server::start(vec![slow]).await;
    let mut settings = settings(&server);
    settings.concurrency = 1;
    settings.timeouts.idle = Duration::from_secs(5);
    settings.timeouts.total = Duration::from_millis(1_500);
    let model = model(settings);
    // Each takes about half of the time, so the last has none left if it waits on its own time.
    let all = futures_util::future::join_all((0..3).map(|_| ask(&*model))).await;
    assert!(all.iter().all(|(_, end)| end.is_ok()), "{all:?}");
}

#[tokio::test]
async fn it_is_known_how_often_a_question_went_out_for_money() {
    let sends = async |replies: Vec<Vec<Part>>| {
        let server = Server::start(replies).await;
        let mut settings = settings(&server);
        settings.timeouts.idle = Duration::from_millis(400);
        settings.max_retries = 1;
        let (model, prompt) = (model(settings), prompt());
        let sends = prompt.sends.clone();
        let answer = tokio::time::timeout(Duration::from_millis(300), model.ask(prompt)).await;
        (sends.count(), answer.is_ok_and(|answer| answer.is_ok()))
    };
    assert_eq!(sends(vec![good()]).await, (1, true));
    // Who goes away while it hangs has sent it all the same.
    assert_eq!(sends(vec![vec![Part::Hang]]).await, (1, false));
    assert_eq!(sends(vec![vec![head(), Part::Hang]]).await, (1, false));
    assert_eq!(sends(vec![answer(429, "Retry-After: 99\r\n", "")]).await, (0, false));
    assert_eq!(sends(vec![answer(400, "", "")]).await, (0, false));
}

#[tokio::test]
async fn who_is_not_there_is_left_alone_after_a_while() {
    let server = Server::start(vec![vec![]]).await;
    let mut settings = settings(&server);
    settings.max_retries = 2;
    let model = model(settings);
    let first = ask(&*model).await.1.unwrap_err();
    assert_eq!(first.to_string(), "groq cannot answer just now: the connection broke");
    let second = ask(&*model).await.1.unwrap_err();
    assert!(second.is_transient());
    let state = model.state().unwrap();
    assert!(state.server.failures >= 5, "{state:?}");
    assert!(state.server.last_error.is_some());
    // Every request was let through by the breaker or was none.
    assert!(server.requests().len() <= 6, "{}", server.requests().len());
}
