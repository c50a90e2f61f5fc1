//! How does an answer look on the completions API? Pure.

use bytes::Bytes;
use serde_json::{Value, json};

use super::fault::Fault;
use super::words::Finish;

/// The end of a stream.
pub(super) const DONE: Bytes = Bytes::from_static(b"data: [DONE]\n\n");

/// What all parts of an answer carry.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    /// The answer's name.
    pub(super) id: String,
    /// When it began, in seconds since 1970.
    pub(super) created: i64,
    /// Who answers.
    pub(super) model: String,
    /// Whether a stream tells what it took.
    pub(super) include_usage: bool,
}

impl Heading {
    /// The whole answer.
    pub(super) fn whole(&self, text: &str, finish: &Finish) -> Value {
        json!({
            "id": self.id, "object": "chat.completion", "created": self.created,
            "model": self.model,
            "choices": [{
                "index": 0,
                "message": { "role": "assistant", "content": text, "refusal": null },
                "logprobs": null,
                "finish_reason": finish.reason,
            }],
            "usage": usage(finish),
        })
    }

    fn chunk(&self, choices: &Value, finish: Option<&Finish>) -> Bytes {
        let mut chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, "choices": choices,
        });
        if self.include_usage {
            chunk["usage"] = finish.map(usage).unwrap_or_default();
        }
        event(&chunk)
    }

    fn choice(&self, delta: &Value, reason: Option<&str>) -> Bytes {
        let choice =
            json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": reason });
        self.chunk(&json!([choice]), None)
    }

    /// The first part of a stream: who speaks.
    pub(super) fn opening(&self) -> Bytes {
        self.choice(&json!({ "role": "assistant", "content": "", "refusal": null }), None)
    }

    /// A piece of the answer.
    pub(super) fn piece(&self, text: &str) -> Bytes {
        self.choice(&json!({ "content": text }), None)
    }

    /// The last parts of a stream.
    pub(super) fn closing(&self, finish: &Finish) -> Bytes {
        let mut parts = self.choice(&json!({}), Some(finish.reason)).to_vec();
        if self.include_usage {
            parts.extend(self.chunk(&json!([]), Some(finish)));
        }
        parts.extend(DONE);
        parts.into()
    }
}

/// What ends a stream that has begun and cannot go on.
pub(super) fn broken(fault: &Fault) -> Bytes {
    event(&fault.json())
}

fn usage(finish: &Finish) -> Value {
    json!({
        "prompt_tokens": finish.prompt_tokens,
        "completion_tokens": finish.completion_tokens,
        "total_tokens": finish.prompt_tokens + finish.completion_tokens,
    })
}

fn event(value: &Value) -> Bytes {
    format!("data: {value}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_ends_with_what_it_took_if_that_was_asked_for() {
        let mut heading = Heading {
            id: "chatcmpl-r".to_owned(),
            created: 7,
            model: "m".to_owned(),
            include_usage: true,
        };
        let finish = Finish { reason: "stop", prompt_tokens: 30, completion_tokens: 12 };
        let text = String::from_utf8(heading.closing(&finish).to_vec()).unwrap();
        let events: Vec<_> =
            text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
        let [last, usage, done] = events[..] else { panic!("{text}") };
        let (last, usage): (Value, Value) =
            (serde_json::from_str(last).unwrap(), serde_json::from_str(usage).unwrap());
        assert_eq!(last["choices"][0]["finish_reason"], "stop");
        assert_eq!(last["usage"], Value::Null);
        assert_eq!(usage["choices"], json!([]));
        assert_eq!(usage["usage"]["total_tokens"], 42);
        assert_eq!(done, "[DONE]");
        heading.include_usage = false;
        let text = String::from_utf8(heading.closing(&finish).to_vec()).unwrap();
        assert!(!text.contains("usage"), "{text}");
    }
}
