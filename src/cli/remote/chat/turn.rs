//! What do the frames of a request come to? Pure: each becomes something to show, or to ask.

use std::collections::HashMap;

use serde_json::Value;

use crate::cli::remote::approvals::Asked;
use crate::cli::terminal::style::{Line, Tone};
use crate::cli::terminal::text;

/// Something to show, or to ask.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// More of the answer.
    Words(String),
    /// Something beside it.
    Beside(Line),
    /// A call waits for somebody.
    Asks(Asked),
    /// It is known whether a call is allowed.
    Decided(String),
    /// A server wants to know something.
    Question(Question),
    /// The request is over.
    End(End),
}

/// A question of a server.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Question {
    pub(super) id: String,
    pub(super) call_id: String,
    pub(super) server: String,
    pub(super) message: String,
    pub(super) schema: Value,
    pub(super) url: Option<String>,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct End {
    pub(super) ending: Ending,
    pub(super) tokens: Option<u64>,
    pub(super) cost: Option<f64>,
    /// Where it ended.
    pub(super) seq: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ending {
    Complete,
    Cancelled,
    Failed(String),
}

/// A request that is followed.
#[derive(Debug)]
pub(super) struct Turn {
    request_id: String,
    /// The answer that comes: its place, and what was shown of it.
    seq: i64,
    shown: String,
    calls: HashMap<String, String>,
}

fn words(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Turn {
    pub(super) fn of(request_id: &str) -> Self {
        let calls = HashMap::new();
        Self { request_id: request_id.to_owned(), seq: 0, shown: String::new(), calls }
    }

    /// Takes a frame.
    pub(super) fn take(&mut self, frame: &Value) -> Option<Step> {
        if frame["request_id"].as_str() != Some(&self.request_id) {
            return None;
        }
        let chunk = &frame["chunk"];
        match frame["status"].as_str()? {
            "chunk" => self.answer(frame["seq"].as_i64().unwrap_or_default(), chunk),
            "processing" => self.beside(frame, chunk),
            "complete" => Some(Self::end(frame, Ending::Complete)),
            "error" if chunk["code"] == "cancelled" => Some(Self::end(frame, Ending::Cancelled)),
            "error" => Some(Self::end(frame, Ending::Failed(words(&chunk["error"])))),
            _ => None,
        }
    }

    /// Takes words of an answer, of which each is shown once.
    fn answer(&mut self, seq: i64, chunk: &Value) -> Option<Step> {
        let said = chunk["data"].as_str()?;
        let about = &chunk["metadata"];
        if about["finish_reason"].is_string() {
            return Some(Step::Beside(Line::new().add(Tone::Quiet, said)));
        }
        let mut new = String::new();
        if self.seq != seq {
            if !self.shown.is_empty() && !self.shown.ends_with('\n') {
                new.push('\n');
            }
            self.seq = seq;
            self.shown.clear();
        }
        if about["type"] == "delta" {
            let begins = about["start"] == 0;
            if begins && !self.shown.is_empty() {
                // The model was asked again, and what there was is not what it says now.
                new.push('\n');
                self.shown.clear();
            }
            self.shown.push_str(said);
            new.push_str(said);
        } else {
            // All of it, of which a part may have been shown before the connection was lost.
            match said.strip_prefix(self.shown.as_str()) {
                Some(rest) => new.push_str(rest),
                None => new.extend(["\n", said]),
            }
            said.clone_into(&mut self.shown);
        }
        (!new.is_empty()).then_some(Step::Words(new))
    }

    fn beside(&mut self, frame: &Value, chunk: &Value) -> Option<Step> {
        let about = &chunk["metadata"];
        let call = words(&about["call_id"]);
        match chunk["type"].as_str()? {
            "tool_execution" => match about["state"].as_str()? {
                "running" => {
                    let (server, exposed) = (words(&about["server"]), words(&about["tool"]));
                    // The model knows it by a name with its server's before.
                    let tool = exposed.strip_prefix(&format!("{server}__")).unwrap_or(&exposed);
                    let arguments = match &about["arguments"] {
                        Value::String(written) => written.clone(),
                        other => text::json_line(other),
                    };
                    self.calls.insert(call, format!("{tool}: "));
                    let said = format!("● {server} {tool} {arguments}");
                    Some(Step::Beside(Line::new().add(Tone::Quiet, &said)))
                }
                state => {
                    let (sign, tone) = match state {
                        "done" => ("✓", Tone::Quiet),
                        "failed" => ("✕", Tone::Bad),
                        _ => ("■", Tone::Quiet),
                    };
                    let tool = self.calls.get(&call).cloned().unwrap_or_default();
                    let said = format!("{sign} {tool}{}", words(&chunk["data"]));
                    Some(Step::Beside(Line::new().add(tone, &said)))
                }
            },
            "approval_required" => Some(Step::Asks(Asked {
                approval_id: words(&about["approval_id"]),
                conversation_id: words(&frame["conversation_id"]),
                server: words(&about["server"]),
                tool: words(&about["tool"]),
                arguments: about["arguments"].clone(),
                reason: words(&about["reason"]),
                created_at: String::new(),
            })),
            "approval_decided" => Some(Step::Decided(words(&about["approval_id"]))),
            "elicitation_required" => Some(Step::Question(Question {
                id: words(&about["elicitation_id"]),
                call_id: call,
                server: words(&about["server"]),
                message: words(&about["message"]),
                schema: about["schema"].clone(),
                url: about["url"].as_str().map(str::to_owned),
            })),
            _ => None,
        }
    }

    fn end(frame: &Value, ending: Ending) -> Step {
        let about = &frame["metadata"];
        let seq = frame["seq"].as_i64().unwrap_or_default();
        let (tokens, cost) = (about["tokens"].as_u64(), about["cost"].as_f64());
        Step::End(End { ending, tokens, cost, seq })
    }
}

/// Words for the terminal: lines stay lines, and nothing else does anything to it.
pub(super) fn safe(words: &str) -> String {
    words.split('\n').map(text::line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
#[path = "turn_tests.rs"]
mod tests;
