//! What does a client of the completions API want? Pure.

use serde_json::{Map, Value};

use super::fault::Fault;
use super::shape::{overrides, refuse_unserved};
use crate::adapters::llm::Overrides;
use crate::chat::{LONGEST_TEXT, Said, Speaker};

/// The most messages of one request.
const MOST_MESSAGES: usize = 10_000;

/// What is wanted.
#[derive(Debug, PartialEq)]
pub(super) struct Wanted {
    /// Which model.
    pub(super) model: String,
    /// What the model is told beside what the settings tell it.
    pub(super) system: Option<String>,
    /// What was said before.
    pub(super) earlier: Vec<Said>,
    /// What the user says now.
    pub(super) text: String,
    /// Whether the answer is sent in pieces.
    pub(super) stream: bool,
    /// Whether a stream ends with what it took.
    pub(super) include_usage: bool,
    /// Whether the model may call no tools.
    pub(super) without_tools: bool,
    /// What the answer is to be like.
    pub(super) overrides: Overrides,
}

/// Reads what is wanted. What would be another answer without it and is not to be had is refused, and
/// the rest is passed over.
pub(super) fn parse(body: &[u8]) -> Result<Wanted, Fault> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|_error| Fault::invalid(None, "the body is no JSON".to_owned()))?;
    let Value::Object(body) = body else {
        return Err(Fault::invalid(None, "the body must be a JSON object".to_owned()));
    };
    refuse_unserved(&body)?;
    let overrides = overrides(&body)?;
    let model = match given(&body, "model") {
        Some(Value::String(model)) => model.clone(),
        _ => return Err(wrong("model", "must be one of those that GET /v1/models lists")),
    };
    let stream = truth(&body, "stream")?;
    let include_usage = match given(&body, "stream_options") {
        None => false,
        Some(Value::Object(_)) if !stream => {
            return Err(wrong("stream_options", "is for a stream only"));
        }
        Some(Value::Object(options)) => truth(options, "include_usage")?,
        Some(_) => return Err(wrong("stream_options", "must be an object")),
    };
    let without_tools = match given(&body, "tool_choice").map(Value::as_str) {
        None | Some(Some("auto")) => false,
        Some(Some("none")) => true,
        Some(_) => return Err(wrong("tool_choice", "must be auto or none")),
    };
    let (system, mut said) = messages(&body)?;
    let text = match said.pop() {
        Some(Said { speaker: Speaker::User, text }) if LONGEST_TEXT < text.len() => {
            let why = format!("must end with a message of at most {LONGEST_TEXT} bytes");
            return Err(wrong("messages", &why));
        }
        Some(Said { speaker: Speaker::User, text }) if !text.trim().is_empty() => text,
        _ => {
            return Err(wrong(
                "messages",
                "must end with a message of the user that says something",
            ));
        }
    };
    let earlier = said;
    Ok(Wanted { model, system, earlier, text, stream, include_usage, without_tools, overrides })
}

/// What the system says, and what was said, in order.
fn messages(body: &Map<String, Value>) -> Result<(Option<String>, Vec<Said>), Fault> {
    let all = match given(body, "messages") {
        Some(Value::Array(all)) if !all.is_empty() && all.len() <= MOST_MESSAGES => all,
        _ => {
            let why = format!("must be a list of 1 to {MOST_MESSAGES} messages");
            return Err(wrong("messages", &why));
        }
    };
    let (mut system, mut said) = (Vec::new(), Vec::new());
    for (n, message) in all.iter().enumerate() {
        let at = format!("messages[{n}]");
        let Value::Object(message) = message else { return Err(wrong(&at, "must be an object")) };
        let speaker = match message.get("role").and_then(Value::as_str) {
            Some("system" | "developer") => None,
            Some("user") => Some(Speaker::User),
            Some("assistant") => Some(Speaker::Assistant),
            Some("tool" | "function") => {
                let why = "is not taken from clients: the daemon calls tools itself";
                return Err(wrong(&format!("{at}.role"), why));
            }
            _ => {
                let why = "must be system, developer, user or assistant";
                return Err(wrong(&format!("{at}.role"), why));
            }
        };
        let calls = message.get("tool_calls").or_else(|| message.get("function_call"));
        if calls.is_some_and(|calls| {
            !calls.is_null() && calls.as_array().is_none_or(|all| !all.is_empty())
        }) {
            let why = "are not taken from clients: the daemon calls tools itself";
            return Err(wrong(&format!("{at}.tool_calls"), why));
        }
        let text = text(message.get("content"), &format!("{at}.content"))?;
        match speaker {
            None => system.push(text),
            Some(speaker) => said.push(Said { speaker, text }),
        }
    }
    let system = (!system.is_empty()).then(|| system.join("\n\n"));
    Ok((system, said))
}

/// The text of a content: a string, or parts that are texts.
fn text(content: Option<&Value>, at: &str) -> Result<String, Fault> {
    match content {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(parts)) => {
            let mut texts = Vec::with_capacity(parts.len());
            for (n, part) in parts.iter().enumerate() {
                match (part["type"].as_str(), part["text"].as_str()) {
                    (Some("text"), Some(text)) => texts.push(text),
                    (Some("text"), None) => {
                        return Err(wrong(&format!("{at}[{n}].text"), "must be a string"));
                    }
                    _ => {
                        let why = "must be text; images, sound and files are not taken";
                        return Err(wrong(&format!("{at}[{n}].type"), why));
                    }
                }
            }
            Ok(texts.join("\n"))
        }
        _ => Err(wrong(at, "must be a string, or a list of parts that are text")),
    }
}

/// A member; `null` is absent.
pub(super) fn given<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

pub(super) fn truth(object: &Map<String, Value>, name: &str) -> Result<bool, Fault> {
    match given(object, name) {
        None => Ok(false),
        Some(Value::Bool(is_so)) => Ok(*is_so),
        Some(_) => Err(wrong(name, "must be true or false")),
    }
}

pub(super) fn wrong(name: &str, why: &str) -> Fault {
    Fault::invalid(Some(name), format!("{name} {why}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Result<Wanted, Fault> {
        parse(body.to_string().as_bytes())
    }

    fn body() -> Value {
        json!({ "model": "groq", "messages": [{ "role": "user", "content": "hi" }] })
    }

    #[test]
    fn a_transcript_is_taken_apart() {
        let wanted = read(&json!({
            "model": "groq/llama", "stream": true, "stream_options": { "include_usage": true },
            "temperature": 0.2, "max_tokens": 100, "tools": [], "tool_choice": "none", "future": 1,
            "messages": [
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": "one", "name": "anna" },
                { "role": "assistant", "content": [{ "type": "text", "text": "1" }] },
                { "role": "developer", "content": "In French." },
                { "role": "user", "content": [
                    { "type": "text", "text": "two" }, { "type": "text", "text": "three" },
                ] },
            ],
        }));
        let said = |speaker, text: &str| Said { speaker, text: text.to_owned() };
        let expected = Wanted {
            model: "groq/llama".to_owned(),
            system: Some("Be brief.\n\nIn French.".to_owned()),
            earlier: vec![said(Speaker::User, "one"), said(Speaker::Assistant, "1")],
            text: "two\nthree".to_owned(),
            stream: true,
            include_usage: true,
            without_tools: true,
            overrides: Overrides {
                temperature: Some(0.2),
                max_tokens: Some(100),
                ..Overrides::default()
            },
        };
        assert_eq!(wanted, Ok(expected));
    }

    #[test]
    fn what_is_not_served_is_refused_by_name() {
        for (name, value) in [
            ("n", json!(2)),
            ("n", json!("1")),
            ("tools", json!([{ "type": "function" }])),
            ("functions", json!([{}])),
            ("logprobs", json!(true)),
            ("audio", json!({})),
            ("modalities", json!(["text", "audio"])),
            ("response_format", json!({ "type": "json_object" })),
            ("tool_choice", json!("required")),
            ("tool_choice", json!({ "type": "function" })),
            ("stream", json!("yes")),
            ("stream_options", json!({ "include_usage": true })),
            ("model", json!(1)),
            ("messages", json!([])),
            ("messages", json!("hi")),
        ] {
            let mut body = body();
            body[name] = value;
            let fault = read(&body).unwrap_err();
            assert_eq!((fault.status, fault.param.as_deref()), (400, Some(name)), "{fault:?}");
            assert!(fault.message.starts_with(name));
        }
        for (message, at) in [
            (json!({ "role": "tool", "content": "x" }), "messages[0].role"),
            (json!({ "role": "king", "content": "x" }), "messages[0].role"),
            (json!({ "role": "user" }), "messages[0].content"),
            (json!({ "role": "user", "content": 7 }), "messages[0].content"),
            (
                json!({ "role": "user", "content": [{ "type": "image_url" }] }),
                "messages[0].content[0].type",
            ),
            (
                json!({ "role": "assistant", "content": "x", "tool_calls": [{}] }),
                "messages[0].tool_calls",
            ),
            (json!({ "role": "assistant", "content": "x" }), "messages"),
        ] {
            let fault = read(&json!({ "model": "m", "messages": [message] })).unwrap_err();
            assert_eq!(fault.param.as_deref(), Some(at));
        }
        assert_eq!(parse(b"[]").unwrap_err().status, 400);
        assert_eq!(parse(b"{").unwrap_err().param, None);
    }
}
