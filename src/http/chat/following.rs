//! Which conversations does a socket follow, and what comes of them?

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::{self, LocalBoxStream, SelectAll};

use crate::chat::{Follower, Frame};
use crate::ids::ConversationId;

/// The most conversations that a socket follows whole.
const MOST: usize = 32;

/// What is followed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Followed {
    /// The conversation.
    pub(super) conversation: ConversationId,
    /// The only request of it that is followed, and to its end; else everything is.
    pub(super) request: Option<Arc<str>>,
}

impl Followed {
    /// Whether a frame is of what is followed.
    fn covers(&self, frame: &Frame) -> bool {
        self.request.is_none() || self.request == frame.request_id
    }
}

type Frames = Abortable<LocalBoxStream<'static, (Rc<Followed>, Frame)>>;

/// What a socket follows.
#[derive(Default)]
pub(super) struct Following {
    frames: SelectAll<Frames>,
    known: HashMap<Rc<Followed>, AbortHandle>,
}

impl Following {
    /// Whether there is room for one more conversation.
    pub(super) fn has_room(&self, conversation: &ConversationId) -> bool {
        let whole = self.known.keys().filter(|key| key.request.is_none());
        self.follows_whole(conversation) || whole.count() < MOST
    }

    /// Whether all of a conversation is followed.
    pub(super) fn follows_whole(&self, conversation: &ConversationId) -> bool {
        let conversation = conversation.clone();
        self.known.contains_key(&Followed { conversation, request: None })
    }

    /// Follows something; whoever follows all of a conversation needs no followers for parts of it.
    pub(super) fn follow(&mut self, key: Followed, follower: Follower) {
        if key.request.is_none() {
            self.leave(&key.conversation);
        }
        let key = Rc::new(key);
        let known_as = Rc::clone(&key);
        let frames = stream::unfold(follower, |mut follower| async move {
            let frame = follower.next().await;
            Some((frame, follower))
        });
        let frames = frames.map(move |frame| (Rc::clone(&key), frame)).boxed_local();
        let (frames, handle) = stream::abortable(frames);
        if let Some(before) = self.known.insert(known_as, handle) {
            before.abort();
        }
        self.frames.push(frames);
    }

    /// Follows nothing of a conversation any more.
    pub(super) fn leave(&mut self, conversation: &ConversationId) {
        self.known.retain(|key, follows| {
            let stays = key.conversation != *conversation;
            if !stays {
                follows.abort();
            }
            stays
        });
    }

    /// The next frame, and of what it is. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> (ConversationId, Frame) {
        loop {
            let Some((key, frame)) = self.frames.next().await else { std::future::pending().await };
            if !key.covers(&frame) {
                continue;
            }
            if frame.is_last && key.request.is_some() {
                let follows = self.known.remove(&key);
                follows.inspect(AbortHandle::abort);
            }
            return (key.conversation.clone(), frame);
        }
    }
}
