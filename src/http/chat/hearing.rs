//! What does a socket do with a message?

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::actions::{is_change, perform};
use super::following::Followed;
use super::message::{Action, Ask, Message, Misunderstood, parse};
use super::refusal::{Refusal, done};
use super::socket::{Done, End, Socket};
use super::{under_way, views};
use crate::chat::{NewRequest, Place, Request};
use crate::ids::ConversationId;
use crate::store::chat::conversations::Origin;
use crate::tools::Role;

/// The most other things that a socket has done at once.
const AT_ONCE: usize = 8;

/// The most questions that who comes back is told of again.
const APPROVALS: u16 = 50;

impl Socket {
    /// Does what a message says, or has it done.
    pub(super) async fn hear(&mut self, text: &str) -> Result<(), End> {
        let Message { request_id, name, action } = match parse(text) {
            Ok(message) => message,
            Err(Misunderstood { request_id, name, refusal }) => {
                return self.send(&refusal.frame(request_id.as_deref(), name)).await;
            }
        };
        let id = request_id.as_deref();
        if self.admitted.caller.role == Role::Read && is_change(&action) {
            let action = if name == "chat" { None } else { Some(name) };
            return self.send(&Refusal::read_only(name).frame(id, action)).await;
        }
        match action {
            Action::Chat(ask) => {
                let id = id.unwrap_or_default();
                match self.chat(id, ask).await {
                    Ok(frames) => self.send_all(&frames).await,
                    Err(refusal) => self.send(&refusal.frame(Some(id), None)).await,
                }
            }
            Action::Cancel { conversation_id } => {
                let id = id.unwrap_or_default();
                let answer = match self.cancel(id, conversation_id).await {
                    Ok(data) => done(Some(id), name, data),
                    Err(refusal) => refusal.frame(Some(id), Some(name)),
                };
                self.send(&answer).await
            }
            Action::Resume { conversation_id, after_seq } => {
                match self.resume(&conversation_id, after_seq).await {
                    Ok((data, frames)) => {
                        self.send(&done(id, name, data)).await?;
                        self.send_all(&frames).await
                    }
                    Err(refusal) => self.send(&refusal.frame(id, Some(name))).await,
                }
            }
            action => {
                if AT_ONCE <= self.doing.len() {
                    let why = format!("{AT_ONCE} things are being done for this socket already");
                    return self.send(&Refusal::overloaded(why).frame(id, Some(name))).await;
                }
                self.have_done((request_id, name), action);
                Ok(())
            }
        }
    }

    async fn send_all(&mut self, frames: &[String]) -> Result<(), End> {
        for frame in frames {
            self.send(frame).await?;
        }
        Ok(())
    }

    /// Has something done beside everything else.
    fn have_done(&self, (request_id, name): (Option<String>, &'static str), action: Action) {
        let (chat, caller) = (self.chat.clone(), self.admitted.caller.clone());
        let own = self.own.clone();
        let clears = matches!(action, Action::Clear { .. });
        let work = async move {
            let outcome = perform((&chat, &caller), own, action).await;
            let id = request_id.as_deref();
            let cleared = outcome.as_ref().ok().filter(|_| clears).and_then(|data| {
                let id = data["conversation_id"].as_str()?;
                ConversationId::parse(id).ok()
            });
            let frame = match outcome {
                Ok(data) => done(id, name, data),
                Err(refusal) => refusal.frame(id, Some(name)),
            };
            Done { frame, cleared }
        };
        self.doing.push(work.boxed_local());
    }

    /// Makes a request. Gives the frames that there are at once, which is those of one that was
    /// answered before.
    async fn chat(&mut self, request_id: &str, ask: Ask) -> Result<Vec<String>, Refusal> {
        if !self.under_way.has_room() {
            let most = under_way::MOST;
            let why = format!("{most} requests of this socket are under way; wait for one to end");
            return Err(Refusal::overloaded(why));
        }
        let usual = self.chat.settings().streaming.enabled;
        let streaming = ask.streaming.or(usual).ok_or_else(|| {
            Refusal::invalid(
                "Streaming configuration missing: set payload.streaming, or \
                 chat.service.streaming.enabled in the configuration",
            )
        })?;
        let request = Request {
            text: ask.text,
            streaming,
            provider: ask.provider,
            is_attended: true,
            metadata: ask.metadata,
            ..Request::default()
        };
        let is_nameless = ask.conversation_id.is_none();
        let conversation_id = ask.conversation_id.or_else(|| self.own.clone());
        let new = NewRequest {
            conversation_id,
            request_id: request_id.to_owned(),
            request,
            origin: Origin::Chat,
            is_unplaced: is_nameless,
        };
        let principal = self.admitted.caller.principal.clone();
        let sent = self.chat.send(&principal, new).await?;
        let conversation = sent.conversation_id;
        if is_nameless {
            self.own = Some(conversation.clone());
        }
        if sent.is_over {
            let frames = self.chat.answered_before(&conversation, request_id).await?;
            let text =
                |frame: crate::chat::Frame| String::from_utf8_lossy(&frame.json).into_owned();
            return Ok(frames.into_iter().map(text).collect());
        }
        if !self.following.follows_whole(&conversation) {
            let follower = self.chat.follow(&principal, &conversation, sent.after_seq).await?;
            let request = Some(request_id.into());
            let key = Followed { conversation: conversation.clone(), request };
            self.following.follow(key, follower);
        }
        self.under_way.begin(&conversation, request_id);
        Ok(Vec::new())
    }

    async fn cancel(
        &mut self,
        request_id: &str,
        conversation: Option<ConversationId>,
    ) -> Result<Value, Refusal> {
        let known = || self.under_way.conversation_of(request_id).cloned();
        let conversation = conversation.or_else(known).or_else(|| self.own.clone());
        let conversation = conversation.ok_or_else(|| {
            Refusal::invalid(
                "payload.conversation_id is missing: no request of this name was made over this \
                 socket",
            )
        })?;
        let principal = &self.admitted.caller.principal;
        self.chat.cancel(principal, &conversation, request_id).await?;
        Ok(json!({ "conversation_id": conversation }))
    }

    /// Follows a conversation, with everything after a place; tells first what nobody has answered.
    async fn resume(
        &mut self,
        conversation: &ConversationId,
        after_seq: i64,
    ) -> Result<(Value, Vec<String>), Refusal> {
        if !self.following.has_room(conversation) {
            let why = "this socket follows as many conversations as it may; open another";
            return Err(Refusal::overloaded(why));
        }
        let principal = self.admitted.caller.principal.clone();
        let view = self.chat.view(&principal, conversation).await?;
        let after_seq = after_seq.min(view.row.last_seq);
        let follower = self.chat.follow(&principal, conversation, after_seq).await?;
        let approvals = self.chat.approvals(Some(conversation), APPROVALS).await?;
        let place = Place { conversation_id: conversation.as_str(), request_id: None };
        let again = approvals.iter().map(|approval| {
            let (server, tool) = (&approval.row.server, &approval.row.tool);
            let data = format!("May {tool} of {server} be called?");
            place.passing(0, "approval_required", &data, &views::approval(approval))
        });
        let again = again.chain(self.chat.questions(conversation));
        let again = again.map(|frame| String::from_utf8_lossy(&frame.json).into_owned()).collect();
        let requests = view.turns.iter().filter(|turn| !turn.status.is_terminal());
        let data = json!({
            "conversation": views::conversation(&view.row),
            "after_seq": after_seq,
            "requests": requests.map(views::turn).collect::<Value>(),
        });
        let key = Followed { conversation: conversation.clone(), request: None };
        self.following.follow(key, follower);
        Ok((data, again))
    }
}
