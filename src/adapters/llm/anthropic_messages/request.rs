//! How is a prompt written as the request of a message? Pure.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::body::{Body, Parameters};
use super::super::names::{IdRule, call_id, tool_name};
use super::super::openai_chat::request::Omitted;
use super::super::sampling::Sampling;
use super::super::words::{Message, Prompt, ToolCall, ToolChoice, ToolDefinition};

/// A tool as it is described.
#[derive(Debug, Serialize)]
pub(crate) struct Tool<'a> {
    name: &'a str,
    description: &'a str,
    input_schema: Parameters<'a>,
}

impl<'a> Tool<'a> {
    fn of(ToolDefinition { name, description, parameters }: &'a ToolDefinition) -> Self {
        Self { name, description, input_schema: Parameters(parameters) }
    }
}

/// The body of a request.
pub(crate) fn body<'a>(
    prompt: &'a Prompt,
    sampling: &Sampling,
    omitted: Omitted,
) -> Body<Tool<'a>> {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(sampling.model));
    body.insert("max_tokens".to_owned(), json!(sampling.max_tokens(prompt)));
    body.insert("stream".to_owned(), json!(true));
    if let Some(system) = prompt.system.as_deref().filter(|system| !system.trim().is_empty()) {
        body.insert("system".to_owned(), json!(system));
    }
    body.insert("messages".to_owned(), messages(&prompt.messages));
    if let Some(temperature) = sampling.temperature(prompt, omitted) {
        // This wire's scale ends at 1.
        body.insert("temperature".to_owned(), json!(temperature.min(1.0)));
    }
    if let Some(top_p) = sampling.top_p(prompt, omitted) {
        body.insert("top_p".to_owned(), json!(top_p));
    }
    if !prompt.overrides.stop.is_empty() {
        body.insert("stop_sequences".to_owned(), json!(prompt.overrides.stop));
    }
    if !prompt.tools.is_empty() {
        let choice = match prompt.tool_choice {
            ToolChoice::Auto => "auto",
            ToolChoice::None => "none",
            ToolChoice::Required => "any",
        };
        body.insert("tool_choice".to_owned(), json!({ "type": choice }));
    }
    Body { rest: body, tools: prompt.tools.iter().map(Tool::of).collect() }
}

/// Turns about: what one side says in a row is one message.
fn messages(messages: &[Message]) -> Value {
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in messages {
        let (role, blocks) = blocks(message);
        match turns.last_mut() {
            _ if blocks.is_empty() => {}
            Some((last, said)) if *last == role => said.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    // An answer that is to be gone on with must not end in white space.
    if let Some(("assistant", blocks)) = turns.last_mut()
        && let Some(Value::String(text)) = blocks.last_mut().and_then(|block| block.get_mut("text"))
    {
        text.truncate(text.trim_end().len());
    }
    turns.into_iter().map(|(role, content)| json!({ "role": role, "content": content })).collect()
}

fn blocks(message: &Message) -> (&'static str, Vec<Value>) {
    match message {
        // Blocks without a word are refused; a turn of the user has to be there.
        Message::User(text) if text.trim().is_empty() => ("user", vec![block("(no text)")]),
        Message::User(text) => ("user", vec![block(text)]),
        Message::Assistant { text, calls } => {
            let said = (!text.trim().is_empty()).then(|| block(text));
            ("assistant", said.into_iter().chain(calls.iter().map(tool_use)).collect())
        }
        Message::Tool { call_id: id, text, is_error } => {
            let mut result = Map::new();
            result.insert("type".to_owned(), json!("tool_result"));
            result.insert("tool_use_id".to_owned(), json!(call_id(id, IdRule::Common)));
            if !text.trim().is_empty() {
                result.insert("content".to_owned(), json!(text));
            }
            if *is_error {
                result.insert("is_error".to_owned(), json!(true));
                // An error has to say something.
                result.entry("content").or_insert_with(|| json!("It failed and said nothing."));
            }
            ("user", vec![Value::Object(result)])
        }
    }
}

fn block(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn tool_use(call: &ToolCall) -> Value {
    let input: Map<String, Value> = serde_json::from_str(&call.arguments).unwrap_or_default();
    json!({
        "type": "tool_use",
        "id": call_id(&call.id, IdRule::Common),
        "name": tool_name(&call.name),
        "input": input,
    })
}
