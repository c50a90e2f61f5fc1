//! Asking a server over a socket.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use secrecy::SecretString;
use tokio::time::sleep;

use super::server::{Part, Server, answer, end, good, head, word};
use crate::adapters::llm::{
    Delta, Finished, LanguageModel, LlmError, Message, Prompt, ToolChoice, connect,
};
use crate::clock::{Clock, SystemClock};
use crate::config::chat::{ProviderSettings, Wire, sample_provider};

pub(super) const KEY: &str = "do-not-tell";

pub(super) fn settings(server: &Server) -> ProviderSettings {
    let mut settings = sample_provider("groq", Wire::OpenAiChat, server.url.clone(), "llama");
    settings.key = Some(SecretString::from(KEY));
    settings.timeouts.idle = Duration::from_millis(400);
    settings
}

pub(super) fn model(settings: ProviderSettings) -> Arc<dyn LanguageModel> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    connect(settings, &clock).unwrap()
}

pub(super) fn prompt() -> Prompt {
    Prompt {
        system: None,
        messages: vec![Message::User("hi".to_owned())],
        tools: Arc::new([]),
        tool_choice: ToolChoice::Auto,
        ..Prompt::default()
    }
}

/// What is said, and how it ends.
pub(super) async fn ask(model: &dyn LanguageModel) -> (String, Result<Finished, LlmError>) {
    let mut text = String::new();
    let mut answer = match model.ask(prompt()).await {
        Ok(answer) => answer,
        Err(error) => return (text, Err(error)),
    };
    while let Some(delta) = answer.next().await {
        match delta {
            Ok(Delta::Text(more)) => text.push_str(&more),
            Ok(Delta::Finished(finished)) => {
                assert!(answer.next().await.is_none());
                return (text, Ok(finished));
            }
            Err(error) => {
                assert!(answer.next().await.is_none());
                return (text, Err(error));
            }
        }
    }
    panic!("an answer ends with its end or an error");
}

async fn broken(parts: Vec<Part>) -> (String, String) {
    let server = Server::start(vec![parts]).await;
    let mut settings = settings(&server);
    settings.max_retries = 0;
    let (text, end) = ask(&*model(settings)).await;
    let error = end.unwrap_err();
    assert!(matches!(error, LlmError::Broken { .. }), "{error:?}");
    (text, error.to_string())
}

fn broke_off(why: &str) -> String {
    format!("the answer of groq broke off: {why}")
}

#[tokio::test]
async fn an_answer_comes_in_parts_and_is_counted() {
    let server = Server::start(vec![good()]).await;
    let model = model(settings(&server));
    let (text, finished) = ask(&*model).await;
    assert_eq!((text.as_str(), finished.unwrap().usage.unwrap().total_tokens), ("hello", 7));
    let request = &server.requests()[0];
    assert!(request.head.starts_with("post /v1/chat/completions http/1.1"), "{}", request.head);
    assert!(request.head.contains(&format!("authorization: bearer {KEY}")));
    assert_eq!(request.body["messages"][0]["content"], "hi");
    let state = model.state().unwrap();
    assert_eq!((state.counts.asked, state.counts.requests, state.counts.failed), (1, 1, 0));
    assert_eq!((state.counts.prompt_tokens, state.counts.completion_tokens), (3, 4));
    assert_eq!((state.in_flight, state.concurrency), (0, 8));
}

#[tokio::test]
async fn the_other_wires_say_who_asks_in_their_way() {
    let message = super::stream(&[
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    let server = Server::start(vec![vec![head(), Part::Drip(message)], good()]).await;
    let mut anthropic = settings(&server);
    anthropic.wire = Wire::AnthropicMessages;
    assert_eq!(ask(&*model(anthropic)).await.0, "hi");
    let mut azure = settings(&server);
    azure.wire = Wire::Azure { api_version: "2024-10-21".to_owned() };
    azure.base_url.set_path("");
    assert_eq!(ask(&*model(azure)).await.0, "hello");
    let [anthropic, azure] = &server.requests()[..] else { panic!("two requests") };
    assert!(anthropic.head.starts_with("post /v1/messages "));
    assert!(anthropic.head.contains(&format!("x-api-key: {KEY}")));
    assert!(anthropic.head.contains("anthropic-version: 2023-06-01"));
    let way = "post /openai/deployments/llama/chat/completions?api-version=2024-10-21 ";
    assert!(azure.head.starts_with(way), "{}", azure.head);
    assert!(azure.head.contains(&format!("api-key: {KEY}")));
    assert!(!azure.head.contains("authorization"));
}

#[tokio::test]
async fn what_breaks_off_is_an_error_with_what_came_before() {
    let half = || Part::Say(word("half"));
    let (text, error) = broken(vec![head(), half()]).await;
    assert_eq!((text.as_str(), error), ("half", broke_off("it ended before the model had")));
    let chunked =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let piece = word("half");
    let chunk = format!("{chunked}{:x}\r\n{piece}\r\n", piece.len());
    let (text, error) = broken(vec![Part::Say(chunk)]).await;
    assert_eq!((text.as_str(), error), ("half", broke_off("the connection broke")));
    let (text, error) = broken(vec![head(), half(), Part::Hang]).await;
    assert_eq!((text.as_str(), error), ("half", broke_off("nothing came for 0.4 s")));
    let (text, error) = broken(vec![head(), half(), Part::Say("data: {\n\n".to_owned())]).await;
    assert_eq!((text.as_str(), error), ("half", broke_off("a part of it is not JSON")));
    // In the same piece: what was whole before counts.
    let (text, error) = broken(vec![head(), Part::Say(word("half") + "data: {\n\n")]).await;
    assert_eq!((text.as_str(), error), ("half", broke_off("a part of it is not JSON")));
    let page = answer(200, "Content-Type: text/html\r\n", "<html>");
    assert_eq!(broken(page).await.1, broke_off("a page came instead"));
    assert_eq!(broken(answer(200, "", "")).await.1, broke_off("nothing came"));
}

#[tokio::test]
async fn a_drip_is_bounded_in_all() {
    let server = Server::start(vec![vec![
        head(),
        Part::Say(word("a")),
        Part::Wait(Duration::from_millis(300)),
        Part::Say(word("b")),
        Part::Wait(Duration::from_millis(300)),
        Part::Say(word("c")),
        Part::Hang,
    ]])
    .await;
    let mut settings = settings(&server);
    settings.timeouts.total = Duration::from_millis(800);
    let (text, error) = ask(&*model(settings)).await;
    assert_eq!(text, "abc");
    assert_eq!(error.unwrap_err().to_string(), broke_off("it was not at its end after 0.8 s"));
}

#[tokio::test]
async fn an_answer_is_whole_once_the_model_has_ended() {
    let reason = super::stream(&[r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#]);
    let server =
        Server::start(vec![vec![head(), Part::Say(word("a") + &reason), Part::Hang]]).await;
    let (text, finished) = ask(&*model(settings(&server))).await;
    assert_eq!((text.as_str(), finished.unwrap().usage), ("a", None));
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let body = r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#;
    let server = Server::start(vec![answer(200, "Content-Type: application/json\r\n", body)]).await;
    assert_eq!(ask(&*model(settings(&server))).await.0, "hi");
}

#[tokio::test]
async fn dropping_the_answer_hangs_up() {
    let server = Server::start(vec![vec![head(), Part::Say(word("a")), Part::Hang]]).await;
    let mut settings = settings(&server);
    settings.timeouts.idle = Duration::from_mins(1);
    let model = model(settings);
    let mut answer = model.ask(prompt()).await.unwrap();
    assert_eq!(answer.next().await, Some(Ok(Delta::Text("a".to_owned()))));
    assert_eq!(model.state().unwrap().in_flight, 1);
    drop(answer);
    assert_eq!(model.state().unwrap().in_flight, 0);
    hung_up(&server).await;
}

#[tokio::test]
async fn giving_up_before_there_is_an_answer_hangs_up() {
    let server = Server::start(vec![vec![Part::Hang]]).await;
    let mut settings = settings(&server);
    settings.timeouts.idle = Duration::from_mins(1);
    let model = model(settings);
    let asked = tokio::time::timeout(Duration::from_millis(200), model.ask(prompt()));
    assert!(asked.await.is_err());
    hung_up(&server).await;
}

async fn hung_up(server: &Server) {
    for _ in 0..200 {
        if server.requests()[0].hung_up {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("the request goes on");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let text = word("a") + &end();
    let length = text.len();
    let keep = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {length}\r\n\r\n{text}"
    );
    // The second request comes over the same connection, which nobody reads there.
    let server = Server::start(vec![vec![Part::Say(keep), Part::Hang]]).await;
    let mut settings = settings(&server);
    settings.max_retries = 0;
    let model = model(settings);
    ask(&*model).await.1.unwrap();
    let (_, end) = ask(&*model).await;
    assert!(end.is_err());
    assert_eq!(server.requests().len(), 1);
}
