//! The messages that go to a client on one stream, in their order, until it took them.
//!
//! Who writes never waits: a client that reads slowly loses the oldest of what it did not take, and
//! what it asked for comes last. A client that may come back takes on where it was.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// The most messages that are kept for one stream.
const MOST_MESSAGES: usize = 512;

/// And the most bytes, unless a single message is longer.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// What is kept for a stream.
#[derive(Default)]
pub(super) struct Outbox {
    kept: Mutex<Kept>,
    rung: Notify,
}

#[derive(Default)]
struct Kept {
    messages: VecDeque<Bytes>,
    bytes: usize,
    /// The number of the first of them.
    first: u64,
    /// Up to where somebody took them.
    taken: u64,
    is_over: bool,
    /// How often readers were sent away, to come back.
    let_go: u64,
    /// How often somebody began to read; only the newest reader goes on.
    readers: u64,
}

/// What a reader is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A message, and its number in the stream.
    Message {
        /// Rises by one.
        number: u64,
        /// One JSON-RPC message.
        body: Bytes,
    },
    /// The reader is to come back for the rest.
    ComeBack,
}

impl Outbox {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Each change is whole before anything in it can panic.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message. After the end nothing is added.
    pub(super) fn send(&self, body: Bytes) {
        let mut kept = self.kept();
        if kept.is_over {
            return;
        }
        kept.bytes += body.len();
        kept.messages.push_back(body);
        while 1 < kept.messages.len()
            && (MOST_MESSAGES < kept.messages.len() || MOST_BYTES < kept.bytes)
        {
            if let Some(oldest) = kept.messages.pop_front() {
                kept.bytes -= oldest.len();
                kept.first += 1;
            }
        }
        drop(kept);
        self.rung.notify_waiters();
    }

    /// Nothing more will come.
    pub(super) fn end(&self) {
        self.kept().is_over = true;
        self.rung.notify_waiters();
    }

    /// Sends readers away, to come back.
    pub(super) fn let_go(&self) {
        self.kept().let_go += 1;
        self.rung.notify_waiters();
    }

    /// Up to where somebody took it.
    pub(super) fn taken(&self) -> u64 {
        self.kept().taken
    }

    pub(super) fn is_over(&self) -> bool {
        self.kept().is_over
    }

    /// Whether something was said that is still kept.
    pub(super) fn has_messages(&self) -> bool {
        !self.kept().messages.is_empty()
    }

    /// Waits for the first message, or the end.
    pub(super) async fn has_something(&self) {
        self.wait(|kept| {
            (kept.is_over || !kept.messages.is_empty() || 0 < kept.let_go).then_some(())
        })
        .await;
    }

    async fn wait<T>(&self, mut look: impl FnMut(&mut Kept) -> Option<T>) -> T {
        loop {
            // Registered before looking, so that what comes in between rings.
            let rung = self.rung.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            if let Some(found) = look(&mut self.kept()) {
                return found;
            }
            rung.await;
        }
    }

    /// Reads from a number on; a later reader ends this one.
    pub(super) fn read(
        self: &Arc<Self>,
        from: u64,
        aborts: Option<AbortOnDrop>,
    ) -> impl Stream<Item = Item> + Send + use<> {
        let (me, let_go) = {
            let mut kept = self.kept();
            kept.readers += 1;
            // The first one is let go even if that was said before it came.
            (kept.readers, if kept.readers == 1 { 0 } else { kept.let_go })
        };
        self.rung.notify_waiters();
        let outbox = Arc::clone(self);
        let begun = Reading { outbox, next: from, me, let_go, is_over: false, _aborts: aborts };
        futures_util::stream::unfold(begun, |mut reading| async move {
            let item = reading.next().await?;
            Some((item, reading))
        })
    }
}

struct Reading {
    outbox: Arc<Outbox>,
    next: u64,
    me: u64,
    /// How often readers had been sent away when this one came.
    let_go: u64,
    is_over: bool,
    _aborts: Option<AbortOnDrop>,
}

impl Reading {
    async fn next(&mut self) -> Option<Item> {
        if self.is_over {
            return None;
        }
        let (me, next, let_go) = (self.me, self.next, self.let_go);
        let found = self.outbox.wait(|kept| {
            let number = next.max(kept.first);
            let place = usize::try_from(number - kept.first).unwrap_or(usize::MAX);
            match kept.messages.get(place) {
                _ if kept.readers != me => Some(None),
                Some(body) => {
                    let body = body.clone();
                    kept.taken = kept.taken.max(number + 1);
                    Some(Some(Item::Message { number, body }))
                }
                None if kept.is_over => Some(None),
                None if kept.let_go != let_go => Some(Some(Item::ComeBack)),
                None => None,
            }
        });
        let found = found.await;
        match &found {
            Some(Item::Message { number, .. }) => self.next = number + 1,
            Some(Item::ComeBack) | None => self.is_over = true,
        }
        found
    }
}

/// Ends a task when it is dropped: for work that nobody waits for any more.
pub(super) struct AbortOnDrop(pub(super) AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _};

    use super::*;

    fn text(n: u64) -> Bytes {
        format!("m{n}").into()
    }

    #[tokio::test]
    async fn what_was_sent_is_read_in_order_until_the_end() {
        let outbox = Arc::new(Outbox::default());
        let mut reader = Box::pin(outbox.read(0, None));
        assert_eq!(reader.next().now_or_never(), None);
        for n in 0..3 {
            outbox.send(text(n));
        }
        outbox.end();
        outbox.send(text(3));
        let all: Vec<_> = reader.collect().await;
        let expected: Vec<_> = (0..3).map(|n| Item::Message { number: n, body: text(n) }).collect();
        assert_eq!(all, expected);
        let again: Vec<_> = outbox.read(2, None).collect().await;
        assert_eq!(again, expected[2..]);
    }

    #[tokio::test]
    async fn who_is_slow_loses_the_oldest_and_never_the_last() {
        let outbox = Arc::new(Outbox::default());
        for n in 0..MOST_MESSAGES as u64 + 7 {
            outbox.send(text(n));
        }
        let long = Bytes::from(vec![b'x'; MOST_BYTES + 1]);
        let reader = outbox.read(0, None);
        let first = Box::pin(reader).next().await;
        assert_eq!(first, Some(Item::Message { number: 7, body: text(7) }));
        outbox.send(long.clone());
        outbox.end();
        let rest: Vec<_> = outbox.read(0, None).collect().await;
        let number = MOST_MESSAGES as u64 + 7;
        assert_eq!(rest, [Item::Message { number, body: long }]);
    }

    #[tokio::test]
    async fn a_reader_that_is_let_go_comes_back_for_the_rest() {
        let outbox = Arc::new(Outbox::default());
        outbox.send(text(0));
        let mut reader = Box::pin(outbox.read(0, None));
        outbox.let_go();
        assert_eq!(reader.next().await, Some(Item::Message { number: 0, body: text(0) }));
        assert_eq!(reader.next().await, Some(Item::ComeBack));
        assert_eq!(reader.next().await, None);
        let mut later = Box::pin(outbox.read(1, None));
        outbox.send(text(1));
        outbox.end();
        assert_eq!(later.next().await, Some(Item::Message { number: 1, body: text(1) }));
        assert_eq!(later.next().await, None);
    }

    #[tokio::test]
    async fn the_newest_reader_takes_over() {
        let outbox = Arc::new(Outbox::default());
        let mut one = Box::pin(outbox.read(0, None));
        let mut other = Box::pin(outbox.read(0, None));
        outbox.send(text(0));
        assert_eq!(one.next().await, None);
        assert!(other.next().await.is_some());
    }
}
