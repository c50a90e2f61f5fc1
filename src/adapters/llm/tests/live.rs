//! A model of somebody else's, which the environment names; `tests/slow/providers` sets it.
//!
//! `LUKHAS_TEST_LLM_URL` is its address, `LUKHAS_TEST_LLM_WIRE` `openai` or `anthropic`,
//! `LUKHAS_TEST_LLM_MODEL` the model, and `LUKHAS_TEST_LLM_CHECK` what is looked at:
//!
//! - `chat`: an answer with text and figures;
//! - `tool`: a call of a tool, and an answer to its result;
//! - `cancel`: an answer that is dropped after its first words;
//! - `faults`: `LUKHAS_TEST_LLM_ROUNDS` questions to a server that fails now and then. What breaks
//!   off is asked again, as a user would; what is refused is not. `LUKHAS_TEST_LLM_RETRIES` says
//!   how often the adapter itself asks again, and `LUKHAS_TEST_LLM_AT_ONCE` how many are asked at
//!   once.

use std::env;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use secrecy::SecretString;
use serde_json::json;
use tokio::time::sleep;
use url::Url;

use super::asking::{model as connected, prompt};
use crate::adapters::llm::{
    Delta, Finished, LanguageModel, LlmError, Message, Prompt, ToolChoice, ToolDefinition,
};
use crate::config::chat::{Wire, sample_provider};
use crate::supervision::jitter;

/// How often a question is asked whose answers break off.
const TRIES: u32 = 6;

fn say(line: &str) {
    // Not by a macro, whose words a passing test swallows.
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn variable(name: &str) -> Option<String> {
    env::var(format!("LUKHAS_TEST_LLM_{name}")).ok()
}

fn model() -> Option<Arc<dyn LanguageModel>> {
    let url = Url::parse(&variable("URL")?).unwrap();
    let wire = match variable("WIRE").as_deref() {
        Some("anthropic") => Wire::AnthropicMessages,
        _ => Wire::OpenAiChat,
    };
    let name = variable("MODEL").unwrap_or_else(|| "a-model".to_owned());
    let mut settings = sample_provider("live", wire, url, &name);
    settings.key = Some(SecretString::from("a-key-of-a-test"));
    settings.max_tokens = 48;
    settings.temperature = Some(0.0);
    if let Some(retries) = variable("RETRIES") {
        settings.max_retries = retries.parse().unwrap();
    }
    if let Some(idle) = variable("IDLE_MS") {
        settings.timeouts.idle = Duration::from_millis(idle.parse().unwrap());
    }
    Some(connected(settings))
}

async fn ask(model: &dyn LanguageModel, prompt: Prompt) -> Result<(String, Finished), LlmError> {
    let mut answer = model.ask(prompt).await?;
    let mut text = String::new();
    while let Some(delta) = answer.next().await {
        match delta? {
            Delta::Text(more) => text.push_str(&more),
            Delta::Finished(finished) => return Ok((text, finished)),
        }
    }
    panic!("an answer ends with its end or an error");
}

fn question(text: &str) -> Prompt {
    Prompt { messages: vec![Message::User(text.to_owned())], ..prompt() }
}

async fn chat(model: &dyn LanguageModel) {
    let (text, finished) = ask(model, question("What is the capital of France?")).await.unwrap();
    assert!(!text.is_empty());
    let usage = finished.usage.expect("a provider says what an answer cost");
    assert!(0 < usage.prompt_tokens && 0 < usage.completion_tokens, "{usage:?}");
    say(&format!("chat: {text:?} ({:?}, {usage:?}, {:?})", finished.reason, finished.model));
}

async fn tool(model: &dyn LanguageModel) {
    let mut asked = question("How is job 7?");
    asked.tools = Arc::new([ToolDefinition {
        name: "status".to_owned(),
        description: "Says how a job stands.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": { "jobId": { "type": "string", "maxLength": 8 } },
            "required": ["jobId"],
        }),
    }]);
    asked.tool_choice = ToolChoice::Required;
    let (text, finished) = ask(model, asked.clone()).await.unwrap();
    let call = finished.calls.first().expect("it has to call").clone();
    say(&format!("tool: {call:?} ({:?}, {:?})", finished.reason, finished.usage));
    assert_eq!(call.name, "status");
    let result =
        Message::Tool { call_id: call.id.clone(), text: "COMPLETED".to_owned(), is_error: false };
    asked.messages.extend([Message::Assistant { text, calls: vec![call] }, result]);
    asked.tool_choice = ToolChoice::None;
    let (text, _) = ask(model, asked).await.unwrap();
    say(&format!("tool: and then {text:?}"));
}

async fn cancel(model: &dyn LanguageModel) {
    let mut answer = model.ask(question("Count from one to a hundred.")).await.unwrap();
    let first = answer.next().await.unwrap().unwrap();
    assert!(matches!(first, Delta::Text(_)), "{first:?}");
    drop(answer);
    say("cancel: dropped");
    // The server notices when it writes.
    sleep(Duration::from_secs(2)).await;
}

/// One question until it is answered, as somebody asks who wants to know.
async fn insist(model: &dyn LanguageModel, round: u32) -> (u32, bool) {
    let text = format!("Question {round}: {}", "say something long about it. ".repeat(4));
    for tried in 0..TRIES {
        match ask(model, question(&text)).await {
            Ok((text, _)) => {
                assert!(!text.is_empty());
                return (tried, true);
            }
            Err(error) if error.is_transient() => {
                let pause = 0.3 * 3_f64.powi(i32::try_from(tried).unwrap()) + 0.1 * jitter();
                sleep(Duration::from_secs_f64(pause)).await;
            }
            Err(_) => return (tried, false),
        }
    }
    (TRIES, false)
}

async fn faults(model: &dyn LanguageModel) {
    let rounds: u32 = variable("ROUNDS").map_or(10, |rounds| rounds.parse().unwrap());
    let all = (0..rounds).map(|round| insist(model, round));
    // A wait that one question was told is kept by all that an adapter asks, and looks to whoever
    // judges the others as if they did not back off.
    let at_once = variable("AT_ONCE").map_or(1, |at_once| at_once.parse().unwrap());
    let all = futures_util::stream::iter(all).buffer_unordered(at_once);
    let all: Vec<(u32, bool)> = all.collect().await;
    let answered = all.iter().filter(|(_, is_answered)| *is_answered).count();
    let again: u32 = all.iter().map(|(again, _)| again).sum();
    let counts = model.state().unwrap().counts;
    say(&format!("faults: {answered} of {rounds} answered, {again} asked again; {counts:?}"));
}

#[tokio::test]
async fn a_model_of_somebody_elses_is_asked() {
    let Some(model) = model() else {
        say("SKIPPED models of others: LUKHAS_TEST_LLM_URL is not set");
        return;
    };
    for check in variable("CHECK").unwrap_or_else(|| "chat".to_owned()).split(',') {
        match check {
            "chat" => chat(&*model).await,
            "tool" => tool(&*model).await,
            "cancel" => cancel(&*model).await,
            "faults" => faults(&*model).await,
            other => panic!("{other} is nothing that can be looked at"),
        }
    }
}
