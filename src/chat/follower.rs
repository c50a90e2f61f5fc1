//! Following a conversation: everything after a place, once and in order, and then what comes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tracing::warn;

use crate::chat::event::{Body, Event, Note};
use crate::chat::feed::{Feed, Live, News};
use crate::chat::frame::{Frame, Part, Piece, Place};
use crate::chat::replay::{self, Page};
use crate::config::chat::ToolNotificationSettings;
use crate::store::Store;

/// The wait before the journal is read again, if it could not be.
const RETRY: Duration = Duration::from_millis(500);

/// Somebody who follows a conversation.
///
/// What it has is a place in the journal and a number of bytes of the answer after that; both only
/// rise, but for an answer that begins anew.
pub struct Follower {
    feed: Arc<Feed>,
    store: Store,
    telling: Arc<ToolNotificationSettings>,
    seq: i64,
    had: Had,
    /// How often an answer had begun anew when that was had.
    begun_anew: u64,
    /// What of one page was not handed out yet.
    ready: VecDeque<Frame>,
    news: Option<broadcast::Receiver<News>>,
}

/// What was handed out of the answer that is under way.
#[derive(Default)]
struct Had {
    bytes: usize,
    attempt: i32,
    request_id: Option<Arc<str>>,
}

impl Follower {
    pub(super) fn new(
        feed: Arc<Feed>,
        (store, telling): (Store, Arc<ToolNotificationSettings>),
        after_seq: i64,
    ) -> Self {
        let (ready, had) = (VecDeque::new(), Had::default());
        Self { feed, store, telling, seq: after_seq, had, begun_anew: 0, ready, news: None }
    }

    /// The place up to which everything was handed out.
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// How many bytes wait to be handed out.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.ready.iter().map(|frame| frame.json.len()).sum()
    }

    /// The next frame. May be dropped while it waits, and nothing is lost.
    pub async fn next(&mut self) -> Frame {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return frame;
            }
            if self.feed.is_gone() {
                // There is nothing more to be heard, and another of the same name is another's.
                return std::future::pending().await;
            }
            let Some(news) = &mut self.news else {
                self.catch_up().await;
                continue;
            };
            match news.recv().await {
                Ok(News::Frame(frame)) => {
                    if let Some(frame) = self.take(&frame) {
                        return frame;
                    }
                }
                Ok(News::Committed { up_to, frames }) => {
                    if self.seq < up_to {
                        let had = std::mem::replace(&mut self.seq, up_to);
                        self.had.bytes = 0;
                        let new = frames.iter().filter(|frame| had < frame.seq);
                        self.ready.extend(new.cloned());
                    }
                }
                Ok(News::Gone) => {}
                Ok(News::LookAgain) | Err(RecvError::Lagged(_) | RecvError::Closed) => {
                    self.news = None;
                }
            }
        }
    }

    fn take(&mut self, frame: &Frame) -> Option<Frame> {
        let Part::Delta { start, length, attempt } = frame.part else {
            return Some(frame.clone());
        };
        // What was there when it was looked at comes again, because looking comes after following.
        if frame.seq <= self.seq || start < self.had.bytes {
            return None;
        }
        if start == 0 {
            self.had.request_id.clone_from(&frame.request_id);
            self.had.attempt = attempt;
        }
        self.had.bytes = start + length;
        Some(frame.clone())
    }

    /// Reads the next page of the journal. Follows before that: where it is the last page, nothing
    /// is between the two.
    async fn catch_up(&mut self) {
        let joined = self.feed.follow();
        self.begin_anew(joined.begun_anew);
        let (id, seq) = (self.feed.id().to_string(), self.seq);
        let page = match self.store.read(move |conn| replay::read(conn, &id, seq)).await {
            Ok(page) => page,
            Err(error) => {
                let conversation = self.feed.id();
                warn!(%conversation, %error, "a follower waits for the database");
                return tokio::time::sleep(RETRY).await;
            }
        };
        if self.feed.begun_anew() != self.begun_anew {
            // What was read may be of another answer than what was had.
            return;
        }
        let is_all = !page.has_more;
        self.replay(&page);
        if is_all {
            if let Some(live) = joined.live.filter(|live| live.seq == self.seq + 1) {
                self.join(live);
            }
            self.news = Some(joined.news);
        }
    }

    /// What there was of an answer is not what it will be, if it began anew.
    fn begin_anew(&mut self, begun_anew: u64) {
        let is_another = std::mem::replace(&mut self.begun_anew, begun_anew) != begun_anew;
        if is_another && 0 < self.had.bytes {
            let request_id = self.had.request_id.take();
            self.had = Had::default();
            let id = self.feed.id().as_str();
            let place = Place { conversation_id: id, request_id: request_id.as_ref() };
            self.ready.push_back(place.replayed(self.seq + 1, ""));
        }
    }

    /// Goes on with the answer that is under way.
    fn join(&mut self, live: Live) {
        let Live { seq, request_id, hop, attempt, text } = live;
        let id = self.feed.id().as_str();
        let place = Place { conversation_id: id, request_id: Some(&request_id) };
        let start = self.had.bytes;
        match text.get(start..).filter(|rest| !rest.is_empty()) {
            Some(rest) if 0 < start => {
                let piece = Piece { hop, attempt, start, text: rest };
                self.ready.push_back(place.delta(seq, piece));
            }
            Some(whole) => self.ready.push_back(place.so_far(seq, (attempt, whole))),
            None => {}
        }
        self.had = Had { bytes: text.len(), attempt, request_id: Some(request_id) };
    }

    fn replay(&mut self, page: &Page) {
        let mut request_id = page.asked.clone();
        for event in &page.events {
            match &event.body {
                Body::UserMessage { request_id: Some(id), .. }
                // One that was ended while it waited has nothing else.
                | Body::Note { note: Note::TurnEnd { request_id: id, .. }, .. }
                    if request_id.as_deref() != Some(id.as_str()) =>
                {
                    let before = request_id.replace(id.as_str().into());
                    self.tell(event, page, request_id.as_ref());
                    if matches!(&event.body, Body::Note { .. }) {
                        request_id = before;
                    }
                }
                _ => self.tell(event, page, request_id.as_ref()),
            }
            self.seq = event.seq;
            self.had.bytes = 0;
        }
    }

    fn tell(&mut self, event: &Event, page: &Page, request_id: Option<&Arc<str>>) {
        let place = Place { conversation_id: self.feed.id().as_str(), request_id };
        let is_whole = page.is_whole(request_id.map(AsRef::as_ref));
        match &event.body {
            Body::AssistantMessage { .. } | Body::ToolCall { .. } | Body::ToolResult { .. }
                if is_whole =>
            {
                return;
            }
            Body::Note { note: Note::TurnEnd { request_id, .. }, .. } if is_whole => {
                let text = page.whole(request_id);
                self.ready.extend(text.map(|text| place.whole(event.seq, text)));
            }
            Body::AssistantMessage { text, hop, .. } if !text.is_empty() => {
                // Who has the beginning of it gets the rest.
                let (start, attempt) = (self.had.bytes, self.had.attempt);
                match text.get(start..) {
                    Some("") => {}
                    Some(rest) if 0 < start => {
                        let piece = Piece { hop: *hop, attempt, start, text: rest };
                        self.ready.push_back(place.delta(event.seq, piece));
                    }
                    _ => self.ready.push_back(place.replayed(event.seq, text)),
                }
            }
            _ => {}
        }
        self.ready.extend(place.of(event, &self.telling));
    }
}
