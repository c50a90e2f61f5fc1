//! Prompts as both wires have them.

use std::sync::Arc;

use serde_json::{Value, json};
use url::Url;

use super::super::names::IdRule;
use super::super::openai_chat::request::Omitted;
use super::super::sampling::Sampling;
use super::super::words::{Message, Overrides, Prompt, ToolCall, ToolChoice, ToolDefinition};
use super::super::{anthropic_messages, openai_chat};
use crate::config::chat::{Wire, sample_provider};

fn user(text: &str) -> Message {
    Message::User(text.to_owned())
}

fn assistant(text: &str, calls: &[(&str, &str, &str)]) -> Message {
    let call = |&(id, name, arguments): &(&str, &str, &str)| ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    };
    Message::Assistant { text: text.to_owned(), calls: calls.iter().map(call).collect() }
}

fn result(call_id: &str, text: &str, is_error: bool) -> Message {
    Message::Tool { call_id: call_id.to_owned(), text: text.to_owned(), is_error }
}

fn prompt(messages: Vec<Message>) -> Prompt {
    Prompt {
        system: Some("be brief".to_owned()),
        messages,
        tools: Arc::new([]),
        tool_choice: ToolChoice::Auto,
        ..Prompt::default()
    }
}

fn sampling() -> Sampling {
    let base = Url::parse("https://host/v1").unwrap();
    let mut settings = sample_provider("p", Wire::OpenAiChat, base, "m");
    settings.temperature = Some(0.7);
    settings.top_p = Some(1.0);
    Sampling::of(&settings)
}

fn openai_with(prompt: &Prompt, omitted: Omitted, ids: IdRule) -> Value {
    let body = openai_chat::request::body(prompt, &sampling(), omitted, ids);
    serde_json::from_str(&body.to_text()).unwrap()
}

fn openai(prompt: &Prompt) -> Value {
    openai_with(prompt, Omitted::default(), IdRule::Common)
}

fn anthropic(prompt: &Prompt) -> Value {
    let body = anthropic_messages::request::body(prompt, &sampling(), Omitted::default());
    serde_json::from_str(&body.to_text()).unwrap()
}

#[test]
fn a_prompt_is_written_for_each_wire() {
    let plain = prompt(vec![user("hi"), assistant("hello", &[]), user("a"), user("b")]);
    let expected = json!({
        "model": "m",
        "messages": [
            { "role": "system", "content": "be brief" },
            { "role": "user", "content": "hi" },
            { "role": "assistant", "content": "hello" },
            { "role": "user", "content": "a\n\nb" },
        ],
        "stream": true,
        "stream_options": { "include_usage": true },
        "max_tokens": 4096,
        "temperature": 0.7,
    });
    assert_eq!(openai(&plain), expected);
    let expected = json!({
        "model": "m",
        "max_tokens": 4096,
        "stream": true,
        "system": "be brief",
        "messages": [
            { "role": "user", "content": [{ "type": "text", "text": "hi" }] },
            { "role": "assistant", "content": [{ "type": "text", "text": "hello" }] },
            { "role": "user", "content": [
                { "type": "text", "text": "a" }, { "type": "text", "text": "b" },
            ] },
        ],
        "temperature": 0.7,
    });
    assert_eq!(anthropic(&plain), expected);
}

#[test]
fn what_whoever_asks_wants_goes_before_the_settings() {
    let mut wanted = prompt(vec![user("hi")]);
    wanted.overrides = Overrides {
        temperature: Some(1.5),
        top_p: Some(0.25),
        max_tokens: Some(10),
        stop: vec!["END".to_owned()],
    };
    let body = openai(&wanted);
    assert_eq!((&body["temperature"], &body["top_p"]), (&json!(1.5), &json!(0.25)));
    assert_eq!((&body["max_tokens"], &body["stop"]), (&json!(10), &json!(["END"])));
    let body = anthropic(&wanted);
    // This wire's scale ends at 1.
    assert_eq!((&body["temperature"], &body["top_p"]), (&json!(1.0), &json!(0.25)));
    assert_eq!((&body["max_tokens"], &body["stop_sequences"]), (&json!(10), &json!(["END"])));
    // What a server did not take of the settings is not what somebody wants now; and nobody gets
    // more than the settings allow.
    let omitted = Omitted { temperature: true, top_p: true, ..Omitted::default() };
    wanted.overrides.max_tokens = Some(1_000_000);
    let body = openai_with(&wanted, omitted, IdRule::Common);
    assert_eq!((&body["temperature"], &body["max_tokens"]), (&json!(1.5), &json!(4096)));
    wanted.overrides = Overrides::default();
    let body = openai_with(&wanted, omitted, IdRule::Common);
    assert_eq!(body.get("temperature"), None);
}

#[test]
fn results_go_where_each_wire_wants_them() {
    let calls = [("c1", "x", r#"{"a":1}"#), ("c2", "y", "half {")];
    let asked = prompt(vec![
        user("go"),
        assistant("", &calls),
        result("c1", "one", false),
        result("c2", "two", true),
        user("and?"),
    ]);
    let call = |id: &str, name: &str, arguments: &str| json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } });
    let expected = json!([
        { "role": "user", "content": "go" },
        { "role": "assistant", "content": null, "tool_calls": [call("c1", "x", r#"{"a":1}"#), call("c2", "y", "{}")] },
        { "role": "tool", "tool_call_id": "c1", "content": "one" },
        { "role": "tool", "tool_call_id": "c2", "content": "Error: two" },
        { "role": "user", "content": "and?" },
    ]);
    assert_eq!(
        openai(&asked)["messages"].as_array().unwrap()[1..],
        expected.as_array().unwrap()[..]
    );
    let expected = json!([
        { "role": "user", "content": [{ "type": "text", "text": "go" }] },
        { "role": "assistant", "content": [
            { "type": "tool_use", "id": "c1", "name": "x", "input": { "a": 1 } },
            { "type": "tool_use", "id": "c2", "name": "y", "input": {} },
        ] },
        { "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "c1", "content": "one" },
            { "type": "tool_result", "tool_use_id": "c2", "content": "two", "is_error": true },
            { "type": "text", "text": "and?" },
        ] },
    ]);
    assert_eq!(anthropic(&asked)["messages"], expected);
}

#[test]
fn nothing_is_sent_that_would_be_refused_for_ever() {
    let odd = prompt(vec![
        user(" "),
        assistant("", &[]),
        user("a"),
        assistant(" ", &[("an id: 7", "no name!", "[]")]),
        result("an id: 7", "", true),
        assistant("so \n", &[]),
    ]);
    let body = anthropic(&odd);
    let messages = body["messages"].as_array().unwrap();
    let roles: Vec<_> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    assert_eq!(messages[0]["content"][0]["text"], "(no text)");
    assert_eq!(messages[1]["content"].as_array().unwrap().len(), 1);
    let id = messages[1]["content"][0]["id"].as_str().unwrap();
    assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(messages[1]["content"][0]["name"], "no_name_");
    assert_eq!(messages[2]["content"][0]["tool_use_id"], id);
    assert_eq!(messages[3]["content"][0]["text"], "so");
    let body = openai(&odd);
    let messages = body["messages"].as_array().unwrap();
    assert_eq!(messages[1]["content"], " \n\na");
    assert_eq!(messages[3]["tool_call_id"], messages[2]["tool_calls"][0]["id"]);
}

#[test]
fn tools_have_schemas_that_are_taken() {
    let mut with_tools = prompt(vec![user("hi")]);
    with_tools.tools = Arc::new([ToolDefinition {
        name: "ops__status".to_owned(),
        description: "Says how things stand.".to_owned(),
        parameters: json!({ "description": "nothing" }),
    }]);
    with_tools.tool_choice = ToolChoice::Required;
    let schema = json!({ "type": "object", "properties": {}, "description": "nothing" });
    let body = openai(&with_tools);
    assert_eq!(body["tools"][0]["function"]["parameters"], schema);
    assert_eq!(body["tool_choice"], "required");
    let body = anthropic(&with_tools);
    assert_eq!(body["tools"][0]["input_schema"], schema);
    assert_eq!(body["tool_choice"], json!({ "type": "any" }));
    with_tools.tool_choice = ToolChoice::None;
    assert_eq!(openai(&with_tools)["tool_choice"], "none");
    assert_eq!(anthropic(&with_tools)["tool_choice"], json!({ "type": "none" }));
}

#[test]
fn what_a_server_does_not_take_is_left_out() {
    let omitted =
        Omitted { stream_options: true, max_tokens: true, temperature: true, top_p: true };
    let mut short = prompt(vec![user("hi")]);
    short.max_tokens = Some(9);
    let body = openai_with(&short, omitted, IdRule::NineLetters);
    let names: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["max_completion_tokens", "messages", "model", "stream"]);
    assert_eq!(body["max_completion_tokens"], 9);
    short.max_tokens = Some(1_000_000);
    assert_eq!(openai(&short)["max_tokens"], 4096);
}
