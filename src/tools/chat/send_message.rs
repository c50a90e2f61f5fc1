//! `send_message`: say something in a conversation, and hear the answer.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use crate::chat::{NewRequest, Part, Request, Sent};
use crate::ids::{ConversationId, IdPrefix};
use crate::store::chat::conversations::Origin;
use crate::tools::chat::approvals::{Asked, asked};
use crate::tools::chat::door;
use crate::tools::waiting::LONGEST;
use crate::tools::{Call, Effect, Progress, Reply, Tool, ToolError};

pub(super) struct SendMessage;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// What is said.
    #[schemars(length(min = 1, max = 262_144))]
    text: String,
    /// Where; a new conversation when absent.
    #[schemars(with = "Option<String>", regex(pattern = r"^[A-Za-z0-9_.:-]{1,128}$"))]
    conversation_id: Option<ConversationId>,
    /// A name for the request: the same again finds the first, also without conversationId for a
    /// day. Drawn when absent.
    #[schemars(length(min = 1, max = 128))]
    request_id: Option<String>,
    /// Which provider is asked; the active one when absent.
    provider: Option<String>,
    /// How long to wait for the answer, in seconds, 0 to 55; 50 when absent. What takes longer goes
    /// on, and the same call again waits for it.
    #[schemars(range(min = 0, max = 55))]
    wait_seconds: Option<u16>,
    /// Whether somebody can be asked when a call of a tool needs approval; true when absent.
    attended: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    conversation_id: String,
    request_id: String,
    /// `complete`, `error`, `cancelled`, or `running`.
    status: String,
    /// What was answered, as far as that is known.
    #[serde(rename = "answer")]
    said: String,
    /// What was said in each place of the journal.
    #[serde(skip)]
    places: BTreeMap<i64, String>,
    /// Why the answer ended.
    finish_reason: Option<String>,
    /// Why there is none.
    error: Option<String>,
    /// Its tokens, question and answer.
    tokens: Option<u64>,
    /// Calls of tools that wait for somebody's approval.
    approvals: Vec<Asked>,
}

#[async_trait]
impl Tool for SendMessage {
    const NAME: &'static str = "send_message";
    const TITLE: &'static str = "Say something in a conversation";
    const DESCRIPTION: &'static str = "Says something to the daemon's own assistant, which can use \
        the daemon's tools and those of other servers, and answers what it says. Calls that change \
        something wait for an approval, which list_approvals shows and decide_approval gives.";
    const EFFECT: Effect = Effect::Adds;
    const REACHES_OUT: bool = true;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(call: Call<'_>, arguments: Arguments) -> Result<Reply<Answer>, ToolError> {
        let seconds = arguments.wait_seconds.unwrap_or(50);
        if LONGEST < seconds {
            return Err(ToolError::InvalidArguments(format!(
                "send_message: waitSeconds must be between 0 and {LONGEST}"
            )));
        }
        let chat = door(call.doors)?;
        let request_id = arguments.request_id;
        let request_id = request_id.unwrap_or_else(|| IdPrefix::draw().draw_id("req"));
        let request = Request {
            text: arguments.text,
            streaming: true,
            provider: arguments.provider,
            is_attended: arguments.attended.unwrap_or(true),
            ..Request::default()
        };
        let new = NewRequest {
            is_unplaced: arguments.conversation_id.is_none(),
            conversation_id: arguments.conversation_id,
            request_id: request_id.clone(),
            request,
            origin: Origin::Chat,
        };
        let sent = chat.send(&call.caller.principal, new).await?;
        let mut answer = Answer {
            conversation_id: sent.conversation_id.to_string(),
            request_id,
            status: "running".to_owned(),
            said: String::new(),
            places: BTreeMap::new(),
            finish_reason: None,
            error: None,
            tokens: None,
            approvals: Vec::new(),
        };
        let until = Instant::now() + Duration::from_secs(seconds.into());
        if sent.is_over {
            let frames = chat.answered_before(&sent.conversation_id, &answer.request_id).await?;
            for frame in frames {
                answer.take(&frame.json, frame.part);
            }
        } else {
            follow(call, &sent, &mut answer, until).await?;
        }
        if answer.status == "running" {
            let open = chat.approvals(Some(&sent.conversation_id), 50).await?;
            answer.approvals = open.iter().map(asked).collect();
        }
        Ok(Reply::Answer(answer))
    }
}

/// Takes what comes, until it is over, somebody has to be asked, or the time is over.
async fn follow(
    call: Call<'_>,
    sent: &Sent,
    answer: &mut Answer,
    until: Instant,
) -> Result<(), ToolError> {
    let chat = door(call.doors)?;
    let (id, after) = (&sent.conversation_id, sent.after_seq);
    let follower = chat.follow(&call.caller.principal, id, after).await?;
    let mut follower = follower;
    let mut told = 0.0;
    loop {
        let next = tokio::time::timeout_at(until, follower.next());
        let stopping = call.doors.infrastructure.events.ended();
        let frame = tokio::select! {
            frame = next => frame,
            () = stopping => return Ok(()),
        };
        let Ok(frame) = frame else { return Ok(()) };
        if frame.request_id.as_deref() != Some(&*answer.request_id) {
            continue;
        }
        let is_question = answer.take(&frame.json, frame.part);
        // Somebody may have answered it before this was heard.
        let is_open = is_question && {
            let open = chat.approvals(Some(&sent.conversation_id), 1).await?;
            !open.is_empty()
        };
        if frame.is_last || is_open {
            return Ok(());
        }
        if call.client.listens() {
            told += 1.0;
            let message = Some(answer.said.chars().rev().take(80).collect::<Vec<_>>());
            let message = message.map(|last| last.into_iter().rev().collect());
            call.client.progress(Progress { progress: told, total: None, message });
        }
    }
}

impl Answer {
    /// Takes what a frame says, and answers whether it asks for an approval.
    fn take(&mut self, json: &[u8], part: Part) -> bool {
        let frame: Value = serde_json::from_slice(json).unwrap_or_default();
        let (status, chunk) = (frame["status"].as_str().unwrap_or_default(), &frame["chunk"]);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match status {
            "chunk" => {
                let is_notice = chunk["metadata"]["finish_reason"] == "tool_limit_reached";
                if let Some(said) = chunk["data"].as_str().filter(|_| !is_notice) {
                    // What is sent whole takes the place of what there was of it.
                    if part == Part::Passing {
                        self.places.clear();
                    }
                    let seq = frame["seq"].as_i64().unwrap_or(0);
                    let place = self.places.entry(seq).or_default();
                    // A first piece begins the answer, or begins it anew.
                    let begins = matches!(part, Part::Delta { start: 0, .. });
                    if begins || chunk["metadata"]["type"] == "replay" {
                        place.clear();
                    }
                    place.push_str(said);
                    self.said = self.places.values().map(String::as_str).collect();
                }
            }
            "complete" => {
                "complete".clone_into(&mut self.status);
                self.finish_reason = text(&frame["metadata"]["finish_reason"]);
                self.tokens = frame["metadata"]["tokens"].as_u64();
            }
            "error" => {
                let is_cancelled = chunk["code"] == "cancelled";
                let status = if is_cancelled { "cancelled" } else { "error" };
                status.clone_into(&mut self.status);
                self.error = text(&chunk["error"]);
                self.tokens = frame["metadata"]["tokens"].as_u64();
            }
            _ => return chunk["type"] == "approval_required",
        }
        false
    }
}
