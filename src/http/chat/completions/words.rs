//! What do the frames of a request say to a client that gets words and no frames? Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fault::Fault;
use crate::chat::{Frame, Part};

/// What an answer took, and why it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finish {
    /// Why, in the words of the API.
    pub(super) reason: &'static str,
    /// The tokens of the question.
    pub(super) prompt_tokens: u64,
    /// Those of the answer.
    pub(super) completion_tokens: u64,
}

/// What a frame says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// More of the answer.
    Text(String),
    /// Nothing that the client is told.
    Nothing,
    /// It is over.
    End(Result<Finish, Fault>),
}

/// The words of an answer, by the place of each part of it.
#[derive(Debug, Default)]
pub(super) struct Words(BTreeMap<i64, String>);

impl Words {
    /// Everything that was said.
    pub(super) fn all(&self) -> String {
        self.0.values().map(String::as_str).collect()
    }

    /// What one more frame says.
    pub(super) fn hear(&mut self, frame: &Frame) -> Heard {
        let told: Value = serde_json::from_slice(&frame.json).unwrap_or_default();
        let (chunk, metadata) = (&told["chunk"], &told["metadata"]);
        match frame.status {
            "chunk" => self.said(frame, chunk),
            "complete" => Heard::End(Ok(finish(metadata))),
            "error" => {
                let text = |name: &str| chunk[name].as_str().unwrap_or_default().to_owned();
                let retryable = chunk["retryable"].as_bool().unwrap_or_default();
                Heard::End(Err(Fault::of_ending(&text("code"), &text("error"), retryable)))
            }
            _ => Heard::Nothing,
        }
    }

    fn said(&mut self, frame: &Frame, chunk: &Value) -> Heard {
        if chunk["metadata"].get("finish_reason").is_some() {
            // That there were too many calls is said to people, and is not the model's word.
            return Heard::Nothing;
        }
        let text = chunk["data"].as_str().unwrap_or_default();
        if let Part::Delta { start, .. } = frame.part {
            let known = self.0.entry(frame.seq).or_default();
            if known.len() != start {
                return begun_anew();
            }
            known.push_str(text);
            return Heard::Text(text.to_owned());
        }
        if frame.part == Part::Passing && !self.0.is_empty() {
            // The whole of what was said in parts.
            return Heard::Nothing;
        }
        let known = self.0.entry(frame.seq).or_default();
        let Some(rest) = text.strip_prefix(known.as_str()).map(str::to_owned) else {
            return begun_anew();
        };
        text.clone_into(known);
        if rest.is_empty() { Heard::Nothing } else { Heard::Text(rest) }
    }
}

/// What was said cannot be taken back.
fn begun_anew() -> Heard {
    let why = "the answer broke off and began anew; ask again".to_owned();
    Heard::End(Err(Fault::new(503, "interrupted", why)))
}

fn finish(metadata: &Value) -> Finish {
    let tokens = |name: &str| metadata["usage"][name].as_u64().unwrap_or_default();
    let reason = match metadata["finish_reason"].as_str() {
        Some("length") => "length",
        Some("content_filter") => "content_filter",
        _ => "stop",
    };
    Finish {
        reason,
        prompt_tokens: tokens("prompt_tokens"),
        completion_tokens: tokens("completion_tokens"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Piece, Place};

    fn place() -> Place<'static> {
        Place { conversation_id: "c", request_id: None }
    }

    fn piece(seq: i64, (attempt, start): (i32, usize), text: &str) -> Frame {
        place().delta(seq, Piece { hop: 0, attempt, start, text })
    }

    fn text(text: &str) -> Heard {
        Heard::Text(text.to_owned())
    }

    #[test]
    fn pieces_and_what_is_sent_again_are_said_once() {
        let mut words = Words::default();
        assert_eq!(words.hear(&piece(2, (0, 0), "He")), text("He"));
        assert_eq!(words.hear(&place().replayed(2, "Hello")), text("llo"));
        assert_eq!(words.hear(&place().replayed(2, "Hello")), Heard::Nothing);
        assert_eq!(words.hear(&place().limit_reached(4, 1, "too many")), Heard::Nothing);
        assert_eq!(words.hear(&piece(5, (0, 0), " you")), text(" you"));
        assert_eq!(words.hear(&place().whole(6, "Hello you")), Heard::Nothing);
        assert_eq!(words.all(), "Hello you");
        let again = words.hear(&place().replayed(5, "another"));
        assert!(matches!(again, Heard::End(Err(Fault { status: 503, .. }))), "{again:?}");
    }

    #[test]
    fn pieces_of_two_attempts_are_not_put_together() {
        let mut words = Words::default();
        assert_eq!(words.hear(&piece(2, (0, 0), "He")), text("He"));
        assert_eq!(words.hear(&piece(2, (0, 2), "llo")), text("llo"));
        let anew = words.hear(&piece(2, (1, 0), "Hi"));
        assert!(matches!(anew, Heard::End(Err(Fault { status: 503, .. }))), "{anew:?}");
    }

    #[test]
    fn an_answer_that_comes_whole_is_said_whole() {
        let mut words = Words::default();
        assert_eq!(words.hear(&place().whole(6, "Hello")), text("Hello"));
    }
}
