//! What do the chunks of a chat completion say? Pure.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::super::calls::{Calls, Fragment};
use super::super::trouble::{Kind, Trouble, in_band};
use super::super::words::{FinishReason, Finished, Usage, tokens_of};

/// A chunk that is a piece of text and nothing else: whatever else is in one, it is none of these.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that there is nothing else is what is read")]
struct Piece<'a> {
    #[serde(borrow)]
    choices: (PieceChoice<'a>,),
    #[serde(default)]
    usage: (),
    #[serde(default)]
    id: IgnoredAny,
    #[serde(default)]
    object: IgnoredAny,
    #[serde(default)]
    created: IgnoredAny,
    #[serde(default)]
    model: IgnoredAny,
    #[serde(default)]
    system_fingerprint: IgnoredAny,
    #[serde(default)]
    service_tier: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that there is nothing else is what is read")]
struct PieceChoice<'a> {
    #[serde(default)]
    index: u64,
    #[serde(borrow)]
    delta: PieceDelta<'a>,
    #[serde(default)]
    logprobs: (),
    #[serde(default)]
    finish_reason: (),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that there is nothing else is what is read")]
struct PieceDelta<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
    #[serde(default)]
    role: IgnoredAny,
    #[serde(default)]
    refusal: (),
}

/// An answer so far.
#[derive(Debug, Default)]
pub(crate) struct Completion {
    calls: Calls,
    has_text: bool,
    reason: Option<FinishReason>,
    usage: Option<Usage>,
    model: Option<String>,
}

impl Completion {
    /// Whether the model has said why it ended. The usage may follow.
    pub fn has_ended(&self) -> bool {
        self.reason.is_some()
    }

    /// Takes a chunk in that is a piece of text and nothing else, as nearly all are, and gives the
    /// text. It is read without making a tree of it, which would take most of the time of a token.
    pub fn take_piece(&mut self, chunk: &str) -> Option<String> {
        // Who answers is told with the first.
        self.model.as_ref()?;
        let Piece { choices: (choice,), .. } = serde_json::from_str(chunk).ok()?;
        let text = (choice.index == 0).then(|| choice.delta.content.into_owned())?;
        self.has_text |= !text.is_empty();
        Some(text)
    }

    /// Takes a chunk in, or a whole completion, and gives the text of it.
    pub fn take(&mut self, chunk: &Value, is_error: bool) -> Result<String, Trouble> {
        if let Some(trouble) = in_band(chunk, is_error) {
            return Err(trouble);
        }
        if !chunk.is_object() {
            return Err(Trouble::broken("a part of it is no object"));
        }
        let groq = chunk.get("x_groq");
        if let Some(trouble) = groq.and_then(|groq| in_band(groq, false)) {
            return Err(trouble);
        }
        if self.model.is_none() {
            let model = chunk.get("model").and_then(Value::as_str);
            self.model = model.filter(|model| !model.is_empty()).map(str::to_owned);
        }
        let usage = chunk.get("usage").filter(|usage| usage.is_object());
        if let Some(usage) = usage.or_else(|| groq?.get("usage").filter(|usage| usage.is_object()))
        {
            self.usage = Some(usage_of(usage));
        }
        let choices = chunk.get("choices").and_then(Value::as_array);
        let is_first =
            |choice: &&Value| choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0;
        match choices.and_then(|choices| choices.iter().find(is_first)) {
            Some(choice) => self.choice(choice),
            None => Ok(String::new()),
        }
    }

    fn choice(&mut self, choice: &Value) -> Result<String, Trouble> {
        if let Some(trouble) = in_band(choice, false) {
            return Err(trouble);
        }
        let is_new = !self.has_text && self.calls.is_empty();
        // Some repeat all that was said in a message at the end.
        let whole = || choice.get("message").filter(|_| is_new);
        let delta = choice.get("delta").filter(|delta| delta.is_object()).or_else(whole);
        let mut text = String::new();
        if let Some(delta) = delta {
            add_text(&mut text, delta.get("content"));
            // What OpenAI's models say instead of an answer in a form that they will not fill in.
            add_text(&mut text, delta.get("refusal"));
            for call in delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
                self.calls.add(&fragment(call))?;
            }
        }
        self.has_text |= !text.is_empty();
        match choice.get("finish_reason").and_then(Value::as_str).unwrap_or_default() {
            "" => {}
            "error" | "insufficient_system_resource" => {
                return Err(Trouble::new(Kind::Unavailable, "it ended the answer with an error"));
            }
            reason => self.reason = Some(reason_of(reason)),
        }
        Ok(text)
    }

    /// The end, when the stream has come to its own; `is_done` if it said `[DONE]`.
    pub fn finish(self, is_done: bool, seed: &str) -> Result<Finished, Trouble> {
        let calls = self.calls.finish(seed);
        let implied = || match (is_done, calls.is_empty()) {
            (true, false) => Some(FinishReason::ToolCalls),
            (true, true) if self.has_text => Some(FinishReason::Stop),
            _ => None,
        };
        let why = if is_done { "nothing was said" } else { "it ended before the model had" };
        let reason = self.reason.or_else(implied).ok_or_else(|| Trouble::broken(why))?;
        Ok(Finished { reason, calls, usage: self.usage, model: self.model })
    }
}

fn reason_of(reason: &str) -> FinishReason {
    match reason {
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "length" | "max_tokens" | "model_length" => FinishReason::Length,
        "content_filter" | "safety" | "SAFETY" => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

/// Text, or the texts among the parts of a message.
fn add_text(text: &mut String, content: Option<&Value>) {
    match content {
        Some(Value::String(more)) => text.push_str(more),
        Some(Value::Array(parts)) => {
            let is_text = |part: &&Value| part.get("type").is_none_or(|kind| kind == "text");
            let texts = parts.iter().filter(is_text).filter_map(|part| part.get("text")?.as_str());
            text.extend(texts);
        }
        _ => {}
    }
}

fn fragment(call: &Value) -> Fragment<'_> {
    let function = call.get("function");
    let arguments = function.and_then(|function| function.get("arguments"));
    let arguments = match arguments {
        Some(Value::String(text)) => Some(Cow::Borrowed(text.as_str())),
        // Some servers do not write them as text.
        Some(object @ Value::Object(_)) => Some(Cow::Owned(object.to_string())),
        _ => None,
    };
    Fragment {
        index: call.get("index").and_then(Value::as_u64),
        id: call.get("id").and_then(Value::as_str),
        name: function.and_then(|function| function.get("name")?.as_str()),
        arguments,
    }
}

fn usage_of(usage: &Value) -> Usage {
    let count = |pointer: &str| tokens_of(usage.pointer(pointer));
    let prompt_tokens = count("/prompt_tokens").unwrap_or(0);
    let completion_tokens = count("/completion_tokens").unwrap_or(0);
    let sum = prompt_tokens.saturating_add(completion_tokens);
    let cached = count("/prompt_tokens_details/cached_tokens")
        .or_else(|| count("/prompt_cache_hit_tokens"))
        .unwrap_or(0);
    Usage {
        prompt_tokens,
        completion_tokens,
        // Where a model thinks unseen, the whole may be more than what is told of its parts.
        total_tokens: count("/total_tokens").unwrap_or(sum).max(sum),
        cached_tokens: cached.min(prompt_tokens),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECES: [&str; 4] = [
        r#"{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":null,"choices":[{"index":0,"delta":{"content":"a\nb\u00e4"},"logprobs":null,"finish_reason":null}],"usage":null}"#,
        r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#,
        r#"{"choices":[{"delta":{"content":" ü","refusal":null},"index":0}]}"#,
        r#"{"model":"other","choices":[{"index":0,"delta":{"content":"c"}}]}"#,
    ];

    #[test]
    fn a_piece_is_what_it_is_when_it_is_read_with_care() {
        let known = || Completion { model: Some("m".to_owned()), ..Completion::default() };
        for chunk in PIECES {
            let (mut quick, mut careful) = (known(), known());
            let text = careful.take(&serde_json::from_str(chunk).unwrap(), false).unwrap();
            assert_eq!(quick.take_piece(chunk), Some(text), "{chunk}");
            assert_eq!(format!("{quick:?}"), format!("{careful:?}"));
            assert_eq!(Completion::default().take_piece(chunk), None, "the first says who answers");
        }
    }

    #[test]
    fn what_has_more_in_it_than_text_is_read_with_care() {
        let more = [
            r#"{"error":{"message":"no"},"choices":[{"delta":{"content":"a"}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":1}}"#,
            r#"{"choices":[{"delta":{"content":"a"}}],"x_groq":{"error":"no"}}"#,
            r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#,
            r#"{"choices":[{"delta":{"content":"a","refusal":"b"}}]}"#,
            r#"{"choices":[{"delta":{"content":"a","tool_calls":[]}}]}"#,
            r#"{"choices":[{"delta":{"content":[{"text":"a"}]}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"},"index":1}]}"#,
            r#"{"choices":[{"delta":{"content":"a"},"error":{"message":"no"}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"},"index":1}]}"#,
            r#"{"choices":[]}"#,
            r#"{"choices":[{"delta":{"content":null}}]}"#,
            "[]",
        ];
        for chunk in more {
            let mut completion =
                Completion { model: Some("m".to_owned()), ..Completion::default() };
            assert_eq!(completion.take_piece(chunk), None, "{chunk}");
            assert!(!completion.has_text);
        }
    }
}
