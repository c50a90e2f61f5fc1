//! What followers of a conversation are sent: events and words under way, as the wire has them.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::chat::event::{Body, Cost, Ending, Event, Note, Outcome};
use crate::config::chat::ToolNotificationSettings;

/// What a frame is of, by which a follower knows whether it has it already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// An event of the journal.
    Event,
    /// A piece of the answer that will stand at the frame's place: it begins at this byte of it and
    /// has this many.
    Delta {
        /// Where it begins.
        start: usize,
        /// How long it is.
        length: usize,
        /// How often the answer had begun anew.
        attempt: i32,
    },
    /// Something that is only said now.
    Passing,
}

/// One frame, written once for all who get it.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The request that it belongs to.
    pub request_id: Option<Arc<str>>,
    /// The place of its event.
    pub seq: i64,
    /// Its status: `processing`, `chunk`, `complete` or `error`.
    pub status: &'static str,
    /// What it is of.
    pub part: Part,
    /// Whether it is the last of its request.
    pub is_last: bool,
    /// The frame: one JSON object.
    pub json: Bytes,
}

/// A piece of an answer.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// How often the model was asked before in the request.
    pub hop: u32,
    /// How often it was asked for this answer before, which then began anew.
    pub attempt: i32,
    /// At which byte of the answer it begins.
    pub start: usize,
    /// Its words.
    pub text: &'a str,
}

/// A piece as the wire has it. There is one for each token, so nothing is built for it but its text.
#[derive(Serialize)]
struct DeltaFrame<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    status: &'a str,
    conversation_id: &'a str,
    seq: i64,
    chunk: DeltaChunk<'a>,
}

#[derive(Serialize)]
struct DeltaChunk<'a> {
    r#type: &'a str,
    data: &'a str,
    metadata: DeltaMetadata,
}

#[derive(Serialize)]
struct DeltaMetadata {
    r#type: &'static str,
    hop: u32,
    attempt: i32,
    start: usize,
}

/// Where frames belong.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The conversation.
    pub conversation_id: &'a str,
    /// The request.
    pub request_id: Option<&'a Arc<str>>,
}

impl Place<'_> {
    fn frame(&self, seq: i64, status: &'static str, chunk: Value, part: Part) -> Frame {
        self.frame_with(seq, status, chunk, None, part)
    }

    fn frame_with(
        &self,
        seq: i64,
        status: &'static str,
        chunk: Value,
        metadata: Option<Value>,
        part: Part,
    ) -> Frame {
        let mut frame = Map::new();
        if let Some(id) = self.request_id {
            frame.insert("request_id".to_owned(), json!(id));
        }
        frame.insert("status".to_owned(), json!(status));
        frame.insert("conversation_id".to_owned(), json!(self.conversation_id));
        frame.insert("seq".to_owned(), json!(seq));
        frame.insert("chunk".to_owned(), chunk);
        if let Some(metadata) = metadata {
            frame.insert("metadata".to_owned(), metadata);
        }
        Frame {
            request_id: self.request_id.cloned(),
            seq,
            status,
            part,
            is_last: false,
            json: Value::Object(frame).to_string().into(),
        }
    }

    /// A piece of an answer.
    pub fn delta(&self, seq: i64, Piece { hop, attempt, start, text }: Piece<'_>) -> Frame {
        let metadata = DeltaMetadata { r#type: "delta", hop, attempt, start };
        let frame = DeltaFrame {
            request_id: self.request_id.map(AsRef::as_ref),
            status: "chunk",
            conversation_id: self.conversation_id,
            seq,
            chunk: DeltaChunk { r#type: "text", data: text, metadata },
        };
        Frame {
            request_id: self.request_id.cloned(),
            seq,
            status: "chunk",
            part: Part::Delta { start, length: text.len(), attempt },
            is_last: false,
            // These have string keys and finite numbers only, so they always serialise.
            json: serde_json::to_vec(&frame).unwrap_or_default().into(),
        }
    }

    /// What there is so far of an answer that is under way; pieces of the same attempt follow it.
    pub fn so_far(&self, seq: i64, (attempt, text): (i32, &str)) -> Frame {
        let metadata = json!({ "type": "replay", "attempt": attempt });
        let chunk = json!({ "type": "text", "data": text, "metadata": metadata });
        self.frame(seq, "chunk", chunk, Part::Event)
    }

    /// All of an answer that a follower lacks, in one piece. Whoever comes back and had a part of it
    /// puts it in place of that part.
    pub fn replayed(&self, seq: i64, text: &str) -> Frame {
        let chunk = json!({ "type": "text", "data": text, "metadata": { "type": "replay" } });
        self.frame(seq, "chunk", chunk, Part::Event)
    }

    /// The whole text of a request that was not to be streamed.
    pub fn whole(&self, seq: i64, text: &str) -> Frame {
        let chunk = json!({ "type": "text", "data": text, "metadata": {} });
        self.frame(seq, "chunk", chunk, Part::Passing)
    }

    /// The whole text of a request that was answered before.
    pub fn cached(&self, seq: i64, text: &str) -> Frame {
        let chunk = json!({ "type": "text", "data": text, "metadata": { "cached": true } });
        self.frame(seq, "chunk", chunk, Part::Passing)
    }

    /// That the model may call no more tools in this request.
    pub fn limit_reached(&self, seq: i64, hop: u32, text: &str) -> Frame {
        let metadata = json!({ "finish_reason": "tool_limit_reached", "hop": hop });
        let chunk = json!({ "type": "text", "data": text, "metadata": metadata });
        self.frame(seq, "chunk", chunk, Part::Passing)
    }

    /// Something that only who follows now is told.
    pub fn passing(&self, seq: i64, kind: &str, data: &str, metadata: &Value) -> Frame {
        let chunk = json!({ "type": kind, "data": data, "metadata": metadata });
        self.frame(seq, "processing", chunk, Part::Passing)
    }

    /// The frames of an event. The words of an answer are [`Self::replayed`], and not among them.
    pub fn of(&self, event: &Event, telling: &ToolNotificationSettings) -> Vec<Frame> {
        let seq = event.seq;
        let told = |kind: &str, data: String, metadata: Value| {
            let chunk = json!({ "type": kind, "data": data, "metadata": metadata });
            self.frame(seq, "processing", chunk, Part::Event)
        };
        match &event.body {
            Body::UserMessage { text, .. } => {
                let chunk = json!({ "metadata": { "user_message": text } });
                vec![self.frame(seq, "processing", chunk, Part::Event)]
            }
            Body::AssistantMessage { calls, hop, .. } if !calls.is_empty() && telling.enabled => {
                let data = format!("Executing {} tool(s)...", calls.len());
                let metadata = json!({ "tool_count": calls.len(), "hop": hop });
                vec![told("tool_execution", data, metadata)]
            }
            Body::ToolCall { call, name, .. } if telling.enabled => {
                let metadata = json!({
                    "tool": call.name, "server": name.server, "call_id": call.id,
                    "arguments": call.arguments, "state": "running",
                });
                let line = telling.format.line(&call.name, &call.arguments);
                vec![told("tool_execution", line, metadata)]
            }
            Body::ToolResult { call_id, outcome, .. } if telling.enabled => {
                let (state, data) = match outcome {
                    Outcome::Ok => ("done", "The call is done."),
                    Outcome::Error => ("failed", "The call failed."),
                    Outcome::Denied => ("denied", "The call is not allowed."),
                    Outcome::Cancelled => ("cancelled", "The call was not made."),
                    Outcome::Unknown => ("unknown", "It is not known what became of the call."),
                };
                let metadata = json!({ "call_id": call_id, "state": state });
                vec![told("tool_execution", data.to_owned(), metadata)]
            }
            Body::SystemUpdate { text } => vec![told("system_update", text.clone(), json!({}))],
            Body::Note { note, .. } => self.of_note(seq, note).into_iter().collect(),
            Body::AssistantMessage { .. } | Body::ToolCall { .. } | Body::ToolResult { .. } => {
                Vec::new()
            }
        }
    }

    fn of_note(&self, seq: i64, note: &Note) -> Option<Frame> {
        let told = |kind: &str, data: String, metadata: Value| {
            let chunk = json!({ "type": kind, "data": data, "metadata": metadata });
            Some(self.frame(seq, "processing", chunk, Part::Event))
        };
        match note {
            Note::ApprovalRequested {
                approval_id,
                call_id,
                name,
                arguments,
                reason,
                expires_at,
            } => {
                let metadata = json!({
                    "approval_id": approval_id, "call_id": call_id, "server": name.server,
                    "tool": name.tool, "arguments": arguments, "reason": reason,
                    "expires_at": expires_at,
                });
                let data = format!("May {} of {} be called?", name.tool, name.server);
                told("approval_required", data, metadata)
            }
            Note::ApprovalDecided { approval_id, call_id, allowed, by, .. } => {
                let data =
                    if *allowed { "The call is allowed." } else { "The call is not allowed." };
                let metadata = json!({
                    "approval_id": approval_id, "call_id": call_id, "allowed": allowed, "by": by,
                });
                told("approval_decided", data.to_owned(), metadata)
            }
            Note::TurnEnd { ending, cost, .. } => Some(self.ended(seq, ending, *cost)),
            Note::Summary { from_seq, to_seq, .. } => {
                let metadata = json!({ "from_seq": from_seq, "to_seq": to_seq });
                let data = "What was said earlier is summed up for the model from here on.";
                told("summary", data.to_owned(), metadata)
            }
            Note::Forked { .. } => None,
        }
    }

    fn ended(&self, seq: i64, ending: &Ending, cost: Cost) -> Frame {
        let usage = cost.usage;
        let mut metadata = json!({
            "tokens": usage.total_tokens,
            "usage": {
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
                "total_tokens": usage.total_tokens,
            },
            "conversation_id": self.conversation_id,
        });
        if cost.is_estimate {
            metadata["usage"]["is_estimate"] = json!(true);
        }
        if 0 < cost.cost_micros {
            #[expect(clippy::cast_precision_loss, reason = "a price for people to read")]
            let price = cost.cost_micros as f64 / 1e6;
            metadata["cost"] = json!(price);
        }
        let (status, chunk) = match ending {
            Ending::Complete { finish_reason } => {
                metadata["finish_reason"] = json!(finish_reason);
                ("complete", json!({}))
            }
            Ending::Error { code, message, retryable } => {
                ("error", json!({ "error": message, "code": code, "retryable": retryable }))
            }
            Ending::Cancelled { .. } => {
                metadata["finish_reason"] = json!("cancelled");
                let error = "the request was cancelled";
                ("error", json!({ "error": error, "code": "cancelled", "retryable": false }))
            }
        };
        let frame = self.frame_with(seq, status, chunk, Some(metadata), Part::Event);
        Frame { is_last: true, ..frame }
    }
}
