//! How is a prompt written as the request of a chat completion? Pure.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::body::{Body, Parameters};
use super::super::names::{IdRule, call_id, tool_name};
use super::super::sampling::Sampling;
use super::super::words::{Message, Prompt, ToolCall, ToolChoice, ToolDefinition};

/// What a server cannot be sent, as it said itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that is sent or not")]
pub(crate) struct Omitted {
    /// `stream_options`, without which there may be no figures.
    pub stream_options: bool,
    /// `max_tokens`; `max_completion_tokens` is sent in its place.
    pub max_tokens: bool,
    /// `temperature`.
    pub temperature: bool,
    /// `top_p`.
    pub top_p: bool,
}

/// A tool as it is described.
#[derive(Debug, Serialize)]
pub(crate) struct Tool<'a> {
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    description: &'a str,
    parameters: Parameters<'a>,
}

impl<'a> Tool<'a> {
    fn of(ToolDefinition { name, description, parameters }: &'a ToolDefinition) -> Self {
        let parameters = Parameters(parameters);
        Self { r#type: "function", function: Function { name, description, parameters } }
    }
}

/// The body of a request.
pub(crate) fn body<'a>(
    prompt: &'a Prompt,
    sampling: &Sampling,
    omitted: Omitted,
    ids: IdRule,
) -> Body<Tool<'a>> {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(sampling.model));
    body.insert("messages".to_owned(), messages(prompt, ids));
    body.insert("stream".to_owned(), json!(true));
    if !omitted.stream_options {
        body.insert("stream_options".to_owned(), json!({ "include_usage": true }));
    }
    let limit = if omitted.max_tokens { "max_completion_tokens" } else { "max_tokens" };
    body.insert(limit.to_owned(), json!(sampling.max_tokens(prompt)));
    if let Some(temperature) = sampling.temperature(prompt, omitted) {
        body.insert("temperature".to_owned(), json!(temperature));
    }
    if let Some(top_p) = sampling.top_p(prompt, omitted) {
        body.insert("top_p".to_owned(), json!(top_p));
    }
    if !prompt.overrides.stop.is_empty() {
        body.insert("stop".to_owned(), json!(prompt.overrides.stop));
    }
    if !prompt.tools.is_empty() {
        let choice = match prompt.tool_choice {
            ToolChoice::Auto => "auto",
            ToolChoice::None => "none",
            ToolChoice::Required => "required",
        };
        body.insert("tool_choice".to_owned(), choice.into());
    }
    Body { rest: body, tools: prompt.tools.iter().map(Tool::of).collect() }
}

fn messages(prompt: &Prompt, ids: IdRule) -> Value {
    let mut messages: Vec<Value> = Vec::new();
    if let Some(system) = prompt.system.as_deref().filter(|system| !system.is_empty()) {
        messages.push(json!({ "role": "system", "content": system }));
    }
    let mut said: Option<String> = None;
    for message in &prompt.messages {
        // Some templates take nothing but turns about, so what follows one another is one message.
        if let Message::User(text) = message {
            said = Some(match said {
                Some(before) => format!("{before}\n\n{text}"),
                None => text.clone(),
            });
            continue;
        }
        let other = other(message, ids);
        if let (Some(text), true) = (&said, other.is_some()) {
            messages.push(json!({ "role": "user", "content": text }));
            said = None;
        }
        messages.extend(other);
    }
    messages.extend(said.map(|text| json!({ "role": "user", "content": text })));
    messages.into()
}

/// A message that is not the user's; `None` where nothing was said.
fn other(message: &Message, ids: IdRule) -> Option<Value> {
    match message {
        Message::User(_) => None,
        Message::Assistant { text, calls } if calls.is_empty() => {
            (!text.is_empty()).then(|| json!({ "role": "assistant", "content": text }))
        }
        Message::Assistant { text, calls } => {
            let content = if text.is_empty() { Value::Null } else { json!(text) };
            let calls: Vec<Value> = calls.iter().map(|call| tool_call(call, ids)).collect();
            Some(json!({ "role": "assistant", "content": content, "tool_calls": calls }))
        }
        Message::Tool { call_id: id, text, is_error } => {
            // The wire has no other way to say so.
            let content = if *is_error { format!("Error: {text}") } else { text.clone() };
            let id = call_id(id, ids);
            Some(json!({ "role": "tool", "tool_call_id": id, "content": content }))
        }
    }
}

fn tool_call(call: &ToolCall, ids: IdRule) -> Value {
    json!({
        "id": call_id(&call.id, ids),
        "type": "function",
        "function": { "name": tool_name(&call.name), "arguments": arguments(call) },
    })
}

/// The arguments if they are an object, which some servers take for granted, and else none.
fn arguments(call: &ToolCall) -> &str {
    let is_object = serde_json::from_str::<Map<String, Value>>(&call.arguments).is_ok();
    if is_object { &call.arguments } else { "{}" }
}
