//! Waiting for an answer; who stops waiting has it ended.

use tracing::warn;

use super::fault::Fault;
use super::words::{Finish, Heard, Words};
use crate::chat::{Chat, Follower, Said, Speaker, digest_of};
use crate::ids::ConversationId;

/// A request to the model of which the answer is waited for.
pub(super) struct Answering {
    pub(super) chat: Chat,
    pub(super) principal: String,
    pub(super) conversation: ConversationId,
    pub(super) request_id: String,
    pub(super) follower: Follower,
    /// What was said before the answer, as the client knows it.
    pub(super) said: Vec<Said>,
    pub(super) words: Words,
    /// Whether the request is to end with whoever waits for it.
    pub(super) is_bound: bool,
    /// How it ended, until that is noted and told.
    pub(super) end: Option<Result<Finish, Fault>>,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Step {
    /// More of the answer.
    Text(String),
    /// Its end.
    End(Result<Finish, Fault>),
}

impl Answering {
    /// What comes next. May be dropped while it waits for that.
    pub(super) async fn next(&mut self) -> Step {
        loop {
            if let Some(end) = &self.end {
                if end.is_ok() {
                    self.note().await;
                }
                if let Some(end) = self.end.take() {
                    return Step::End(end);
                }
            }
            let frame = self.follower.next().await;
            if frame.request_id.as_deref() != Some(self.request_id.as_str()) {
                continue;
            }
            match self.words.hear(&frame) {
                Heard::Text(text) => return Step::Text(text),
                Heard::Nothing => {}
                Heard::End(end) => {
                    self.is_bound = self.is_bound && !frame.is_last;
                    self.end = Some(end);
                }
            }
        }
    }

    /// Notes how far the conversation has come, so that the client finds it again.
    async fn note(&self) {
        let answer = Said { speaker: Speaker::Assistant, text: self.words.all() };
        let digest = digest_of(self.said.iter().chain([&answer]));
        if let Err(error) = self.chat.note_transcript(&self.conversation, digest).await {
            // The next request begins a conversation with all of this then.
            let conversation = &self.conversation;
            warn!(%conversation, %error, "a conversation will not be found by what was said");
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if !self.is_bound {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (chat, principal) = (self.chat.clone(), self.principal.clone());
        let (conversation, request_id) = (self.conversation.clone(), self.request_id.clone());
        runtime.spawn(async move {
            if let Err(error) = chat.cancel(&principal, &conversation, &request_id).await {
                tracing::debug!(%conversation, %error, "a request that nobody waits for goes on");
            }
        });
    }
}
