//! One client's stream.
//!
//! A reader says hello, catches up, and follows. It knows how far it has come and nothing else: what
//! it lacks is taken from the rings where they reach back to it, and from the log where they do not.
//! One that is not polled therefore costs nobody anything, and one that fell behind loses nothing.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use tokio::task::JoinHandle;
use tracing::warn;

use crate::events::frame::{self, CHUNK};
use crate::events::hub::Hub;
use crate::events::registry::Place;
use crate::events::replay::{self, Page};
use crate::events::ring::{self, Taken};
use crate::events::seat::BEAT;
use crate::store::StoreError;

/// A stream of frames, in chunks of which only the first ones may end within a frame; dropping it gives its place to others.
pub struct Reader {
    hub: Arc<Hub>,
    place: Place,
    /// It has everything up to and including this event.
    cursor: i64,
    /// Whether the rings reached back to it when it last looked.
    follows_live: bool,
    stage: Stage,
}

enum Stage {
    /// Of the first frames, this is still to be sent.
    Opening(Bytes),
    /// It takes what comes.
    Following,
    /// A page of the log is being read. That is a task of its own, because a reader whose client
    /// stalls is not polled, and would keep the places that reading takes.
    Replaying(JoinHandle<Result<Page, StoreError>>),
    /// Its last words were said.
    Over,
}

/// What a look at the state of things leads to.
enum Step {
    Say(Bytes),
    Wait,
    End,
}

impl Reader {
    pub(super) fn new(hub: Arc<Hub>, place: Place, cursor: i64, greeting: Bytes) -> Self {
        Self { hub, place, cursor, follows_live: false, stage: Stage::Opening(greeting) }
    }

    /// The last event that it has, or that was there before it began.
    pub fn position(&self) -> i64 {
        self.cursor
    }

    /// Says something more before the first event: one line that holds for all events up to its
    /// position. What was said first stays first.
    pub fn announce(&mut self, name: &str, line: &str) {
        let frame = frame::event(self.cursor, name, line);
        self.stage = match std::mem::replace(&mut self.stage, Stage::Following) {
            Stage::Opening(greeting) => Stage::Opening([greeting, frame].concat().into()),
            Stage::Following => Stage::Opening(frame),
            other => other,
        };
    }

    fn step(&mut self, task: &mut Context<'_>) -> Step {
        match std::mem::replace(&mut self.stage, Stage::Following) {
            Stage::Over => {
                self.stage = Stage::Over;
                return Step::End;
            }
            Stage::Opening(mut greeting) => {
                let piece = greeting.split_to(greeting.len().min(CHUNK));
                if !greeting.is_empty() {
                    self.stage = Stage::Opening(greeting);
                }
                return Step::Say(piece);
            }
            other => self.stage = other,
        }
        if self.hub.is_draining() {
            return self.end(frame::SHUTDOWN);
        }
        if self.place.seat.take(BEAT) {
            return Step::Say(frame::HEARTBEAT);
        }
        loop {
            let step = match &mut self.stage {
                Stage::Replaying(page) => match Pin::new(page).poll(task) {
                    Poll::Pending => return Step::Wait,
                    Poll::Ready(page) => self.replayed(page),
                },
                _ => self.follow(),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    /// Takes what the rings have, or turns to the log.
    fn follow(&mut self) -> Option<Step> {
        let head = self.hub.head();
        let rings = self.place.follows.iter().map(|follow| &*follow.ring);
        let taken =
            if self.cursor < head { ring::take(rings, self.cursor, head) } else { Taken::Nothing };
        match taken {
            Taken::Nothing => {
                self.cursor = head;
                self.follows_live = true;
                Some(Step::Wait)
            }
            Taken::Frames { chunk, count, reached } => {
                self.cursor = reached;
                self.follows_live = true;
                self.hub.statistics.delivered(count, chunk.len());
                Some(Step::Say(chunk))
            }
            Taken::Lost if self.follows_live => {
                self.follows_live = false;
                self.hub.statistics.lagged();
                Some(Step::Say(frame::lagged(self.cursor)))
            }
            Taken::Lost => {
                let topics = self.place.follows.iter().map(|follow| follow.topic.clone()).collect();
                let gate = Arc::clone(&self.hub.replays);
                let page =
                    replay::next_page(self.hub.store.clone(), gate, topics, self.cursor, head);
                self.stage = Stage::Replaying(tokio::spawn(page));
                None
            }
        }
    }

    fn replayed(
        &mut self,
        page: Result<Result<Page, StoreError>, tokio::task::JoinError>,
    ) -> Option<Step> {
        self.stage = Stage::Following;
        let page = match page {
            Ok(Ok(page)) => page,
            Ok(Err(error)) => {
                warn!(error = format!("{error:?}"), "a reader's replay failed and its stream ends");
                return Some(self.end(frame::UNREADABLE));
            }
            Err(error) => {
                warn!(%error, "a reader's replay was cut short and its stream ends");
                return Some(self.end(frame::UNREADABLE));
            }
        };
        self.cursor = page.reached;
        self.hub.statistics.replayed(page.count, page.chunk.len());
        match page.gap {
            Some(oldest) => {
                self.hub.statistics.gap();
                let told = [frame::gap(oldest), page.chunk].concat();
                Some(Step::Say(told.into()))
            }
            None if page.chunk.is_empty() => None,
            None => Some(Step::Say(page.chunk)),
        }
    }

    /// Says something, and then nothing any more.
    fn end(&mut self, last_words: Bytes) -> Step {
        self.stop_replay();
        self.stage = Stage::Over;
        Step::Say(last_words)
    }

    fn stop_replay(&self) {
        if let Stage::Replaying(page) = &self.stage {
            page.abort();
        }
    }
}

impl Stream for Reader {
    type Item = Bytes;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let this = self.get_mut();
        // Mostly there is something, and then nobody needs to know whom to wake. If not, what comes
        // between the first look and the registration is seen by the second look.
        for is_last_look in [false, true] {
            match this.step(task) {
                Step::Say(chunk) => return Poll::Ready(Some(chunk)),
                Step::End => return Poll::Ready(None),
                Step::Wait if is_last_look => {}
                Step::Wait => this.place.seat.waker.register(task.waker()),
            }
        }
        Poll::Pending
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop_replay();
        self.hub.dismiss(&self.place);
    }
}
