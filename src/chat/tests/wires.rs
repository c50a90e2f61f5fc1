//! What providers want of a request, as they say it: anything else is refused, and with it every
//! request of the conversation from then on.

use std::collections::HashSet;

use serde_json::Value;

use crate::adapters::llm::{Message, Prompt, ToolChoice, bodies};

/// Says what is wrong with a prompt on either wire.
pub(crate) fn check(prompt: &Prompt) -> Result<(), String> {
    check_openai(&bodies::openai_chat(prompt)).map_err(|why| format!("OpenAI: {why}"))?;
    check_anthropic(&bodies::anthropic_messages(prompt)).map_err(|why| format!("Anthropic: {why}"))
}

/// A prompt of nothing but messages.
pub(crate) fn prompt(messages: Vec<Message>) -> Prompt {
    Prompt {
        system: Some("You help.".to_owned()),
        messages,
        tools: [].into(),
        tool_choice: ToolChoice::Auto,
        ..Prompt::default()
    }
}

fn is_name(text: &str, most: usize) -> bool {
    let is_taken = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=most).contains(&text.len()) && text.bytes().all(is_taken)
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn says(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn check_openai(body: &Value) -> Result<(), String> {
    let mut ids = HashSet::new();
    let mut open: Vec<&str> = Vec::new();
    let mut last = "";
    for (n, message) in list(body, "messages").iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if role != "tool" && !open.is_empty() {
            return Err(format!("{open:?} are not answered before message {n}"));
        }
        match role {
            "system" if n == 0 => {}
            "user" if last != "user" && says(&message["content"]) => {}
            "assistant" if matches!(last, "user" | "tool") => {
                let calls = list(message, "tool_calls");
                if calls.is_empty() && !says(&message["content"]) {
                    return Err(format!("message {n} says nothing"));
                }
                for call in calls {
                    let id = call["id"].as_str().unwrap_or_default();
                    if !is_name(id, 40) || !ids.insert(id) {
                        return Err(format!("{id:?} is no id, or comes twice"));
                    }
                    let function = &call["function"];
                    let arguments = function["arguments"].as_str().unwrap_or_default();
                    let is_object = serde_json::from_str::<Value>(arguments)
                        .is_ok_and(|arguments| arguments.is_object());
                    if !is_object || !is_name(function["name"].as_str().unwrap_or_default(), 64) {
                        return Err(format!("{call} is no call"));
                    }
                    open.push(id);
                }
            }
            "tool" => {
                let id = message["tool_call_id"].as_str().unwrap_or_default();
                let Some(place) = open.iter().position(|open| *open == id) else {
                    return Err(format!("{id:?} is a result of nothing, or a second one"));
                };
                open.remove(place);
            }
            _ => return Err(format!("{message} is not to be after {last:?}")),
        }
        last = role;
    }
    if !open.is_empty() {
        return Err(format!("{open:?} are not answered"));
    }
    if last == "assistant" { Err("it ends with an answer".to_owned()) } else { Ok(()) }
}

fn check_anthropic(body: &Value) -> Result<(), String> {
    let mut ids = HashSet::new();
    let mut open: Vec<&str> = Vec::new();
    let messages = list(body, "messages");
    for (n, message) in messages.iter().enumerate() {
        let expected = if n % 2 == 0 { "user" } else { "assistant" };
        if message["role"] != expected {
            return Err(format!("message {n} is not the {expected}'s"));
        }
        let blocks = list(message, "content");
        if blocks.is_empty() {
            return Err(format!("message {n} is empty"));
        }
        let mut has_text = false;
        for block in blocks {
            match block["type"].as_str().unwrap_or_default() {
                "text" => {
                    has_text = true;
                    if block["text"].as_str().is_none_or(|text| text.trim().is_empty()) {
                        return Err(format!("message {n} has an empty block"));
                    }
                }
                "tool_use" if expected == "assistant" => {
                    let id = block["id"].as_str().unwrap_or_default();
                    if !is_name(id, 64) || !ids.insert(id) {
                        return Err(format!("{id:?} is no id, or comes twice"));
                    }
                    let name = block["name"].as_str().unwrap_or_default();
                    if !block["input"].is_object() || !is_name(name, 64) {
                        return Err(format!("{block} is no call"));
                    }
                    open.push(id);
                }
                "tool_result" if expected == "user" && !has_text => {
                    let id = block["tool_use_id"].as_str().unwrap_or_default();
                    let Some(place) = open.iter().position(|open| *open == id) else {
                        return Err(format!("{id:?} is a result of nothing, or a second one"));
                    };
                    open.remove(place);
                    if block.get("content").is_some_and(|content| !says(content)) {
                        return Err(format!("the result of {id} is empty"));
                    }
                }
                _ => return Err(format!("{block} is not to be in message {n}")),
            }
        }
        if expected == "user" && !open.is_empty() {
            return Err(format!("{open:?} are not answered by message {n}"));
        }
    }
    if messages.len() % 2 == 1 { Ok(()) } else { Err("it does not end with the user".to_owned()) }
}

/// The rules are rules: what breaks one is found.
#[test]
fn what_a_provider_would_refuse_is_found() {
    use crate::adapters::llm::ToolCall;
    let call = |id: &str| ToolCall {
        id: id.to_owned(),
        name: "look".to_owned(),
        arguments: "{}".to_owned(),
    };
    let user = || Message::User("hi".to_owned());
    let calls = |ids: &[&str]| Message::Assistant {
        text: String::new(),
        calls: ids.iter().map(|id| call(id)).collect(),
    };
    let result =
        |id: &str| Message::Tool { call_id: id.to_owned(), text: "so".to_owned(), is_error: false };
    let good = vec![user(), calls(&["1", "2"]), result("1"), result("2"), user()];
    assert_eq!(check(&prompt(good)), Ok(()));
    for (bad, why) in [
        (vec![user(), calls(&["1"])], "not answered"),
        (vec![user(), calls(&["1"]), user()], "not answered"),
        (vec![user(), result("1")], "result of nothing"),
        (vec![user(), calls(&["1"]), result("1"), result("1")], "result of nothing"),
        (vec![user(), calls(&["1"]), result("1"), calls(&["1"]), result("1")], "comes twice"),
        (vec![calls(&["1"]), result("1")], "not to be after"),
    ] {
        let found = check(&prompt(bad)).unwrap_err();
        assert!(found.contains(why), "{found}");
    }
}
