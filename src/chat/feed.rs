//! What is being said in a conversation, for those who follow it.
//!
//! A feed holds no history: that is the journal's. It holds the words of the answer that is under
//! way, and hands on what comes. A follower that cannot keep up is not waited for: it goes back to
//! the journal, from where it has come to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::broadcast;

use crate::chat::frame::{Frame, Piece, Place};
use crate::ids::ConversationId;

/// How many frames a follower may be behind.
const BEHIND: usize = 64;

/// What goes to followers.
#[derive(Debug, Clone)]
pub(super) enum News {
    /// A piece of the answer that is under way, or something that is only said now.
    Frame(Arc<Frame>),
    /// What one commit added to the journal.
    Committed {
        /// The last event that it added.
        up_to: i64,
        /// What followers are told of it, in order.
        frames: Arc<[Frame]>,
    },
    /// Something was committed of which no frame may have come.
    LookAgain,
    /// The conversation was removed.
    Gone,
}

/// The answer that is under way.
#[derive(Debug, Clone)]
pub(super) struct Live {
    /// The place at which it will stand.
    pub(super) seq: i64,
    /// The request that it answers.
    pub(super) request_id: Arc<str>,
    /// How often the model was asked before.
    pub(super) hop: u32,
    /// How often it was asked for this answer before.
    pub(super) attempt: i32,
    /// What there is of it.
    pub(super) text: String,
}

/// What is being said in one conversation.
#[derive(Debug)]
pub(super) struct Feed {
    id: ConversationId,
    state: Mutex<FeedState>,
    /// Beside the state, because every follower looks at it for every frame.
    is_gone: AtomicBool,
}

#[derive(Debug)]
struct FeedState {
    news: broadcast::Sender<News>,
    live: Option<Live>,
    /// How often an answer may have begun anew.
    begun_anew: u64,
}

/// What somebody has who begins to follow.
#[derive(Debug)]
pub(super) struct Joined {
    /// What comes from now on.
    pub(super) news: broadcast::Receiver<News>,
    /// What there is of the answer that is under way.
    pub(super) live: Option<Live>,
    /// How often an answer may have begun anew.
    pub(super) begun_anew: u64,
}

impl Feed {
    fn new(id: ConversationId) -> Self {
        let news = broadcast::Sender::new(BEHIND);
        let state = Mutex::new(FeedState { news, live: None, begun_anew: 0 });
        Self { id, state, is_gone: AtomicBool::new(false) }
    }

    /// The conversation.
    pub(super) fn id(&self) -> &ConversationId {
        &self.id
    }

    fn lock(&self) -> MutexGuard<'_, FeedState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an answer; what there was of another is gone.
    pub(super) fn begin(&self, seq: i64, request_id: Arc<str>, (hop, attempt): (u32, i32)) {
        let text = String::new();
        self.lock().live = Some(Live { seq, request_id, hop, attempt, text });
    }

    /// Adds to the answer that is under way, and hands that on.
    pub(super) fn say(&self, text: &str) {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(live) = &mut state.live else { return };
        let start = live.text.len();
        live.text.push_str(text);
        if state.news.receiver_count() == 0 {
            return;
        }
        let place = Place { conversation_id: self.id.as_str(), request_id: Some(&live.request_id) };
        let piece = Piece { hop: live.hop, attempt: live.attempt, start, text };
        let frame = place.delta(live.seq, piece);
        // There may be nobody who follows.
        let _ = state.news.send(News::Frame(Arc::new(frame)));
    }

    /// The answer is in the journal, or is not wanted.
    pub(super) fn finish(&self) {
        self.lock().live = None;
    }

    /// Hands on what is only said now.
    pub(super) fn pass(&self, frame: Frame) {
        // There may be nobody who follows.
        let _ = self.lock().news.send(News::Frame(Arc::new(frame)));
    }

    /// Hands on what was committed, up to an event.
    pub(super) fn publish(&self, up_to: i64, frames: Vec<Frame>) {
        let frames = frames.into();
        let _ = self.lock().news.send(News::Committed { up_to, frames });
    }

    /// Has every follower look at the journal, because frames may be missing.
    pub(super) fn look_again(&self) {
        let mut state = self.lock();
        state.live = None;
        state.begun_anew += 1;
        let _ = state.news.send(News::LookAgain);
    }

    /// The conversation was removed: whoever follows it hears nothing more.
    fn end(&self) {
        let mut state = self.lock();
        self.is_gone.store(true, Ordering::Release);
        state.live = None;
        let _ = state.news.send(News::Gone);
    }

    /// Whether the conversation was removed.
    pub(super) fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::Acquire)
    }

    /// Follows from now on, with what there is of the answer that is under way.
    pub(super) fn follow(&self) -> Joined {
        let state = self.lock();
        let (news, live) = (state.news.subscribe(), state.live.clone());
        Joined { news, live, begun_anew: state.begun_anew }
    }

    /// How often an answer may have begun anew.
    pub(super) fn begun_anew(&self) -> u64 {
        self.lock().begun_anew
    }

    /// How many follow.
    pub(super) fn followers(&self) -> usize {
        self.lock().news.receiver_count()
    }
}

/// The feeds of all conversations that somebody works on or follows.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    known: Mutex<HashMap<ConversationId, Weak<Feed>>>,
}

impl Feeds {
    /// The feed of a conversation, which lasts as long as somebody holds it.
    pub(super) fn of(&self, id: &ConversationId) -> Arc<Feed> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = known.get(id).and_then(Weak::upgrade) {
            return feed;
        }
        // Growing is the moment to look for what nobody holds: so it costs nothing on average.
        if known.len() == known.capacity() {
            known.retain(|_, feed| 0 < feed.strong_count());
        }
        let feed = Arc::new(Feed::new(id.clone()));
        known.insert(id.clone(), Arc::downgrade(&feed));
        feed
    }

    /// A conversation was removed. One of the same name that comes later has a feed of its own.
    pub(super) fn remove(&self, id: &str) {
        let Ok(id) = ConversationId::parse(id) else { return };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = known.remove(&id).and_then(|feed| feed.upgrade()) {
            feed.end();
        }
    }

    /// How many followers there are.
    pub(super) fn followers(&self) -> usize {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.values().filter_map(Weak::upgrade).map(|feed| feed.followers()).sum()
    }
}
