//! What a body is answered by: one message, or a stream of them.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};

use crate::mcp::answer::Answer;
use crate::mcp::outbox::Item;

/// What a body is answered by.
pub enum Outcome {
    /// One message, or none.
    Whole(Answer),
    /// Messages, until they end.
    Stream(Events),
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// From where a client can go on that came so far; nothing where it cannot come back.
    pub id: Option<String>,
    /// A JSON-RPC message; empty where there is none.
    pub data: Bytes,
    /// Whether the client is told how soon to come back.
    pub retry: bool,
}

/// A stream of events.
pub struct Events {
    /// The number of a stream that a client can come back to.
    number: Option<u64>,
    /// Where it begins, while that was not said yet.
    begins_at: Option<u64>,
    items: BoxStream<'static, Item>,
}

impl Events {
    /// A stream that is lost with its connection.
    pub(super) fn once(items: impl Stream<Item = Item> + Send + 'static) -> Self {
        Self { number: None, begins_at: None, items: items.boxed() }
    }

    /// A stream that a client can come back to, from this message on.
    pub(super) fn numbered(
        number: u64,
        from: u64,
        items: impl Stream<Item = Item> + Send + 'static,
    ) -> Self {
        Self { number: Some(number), begins_at: Some(from), items: items.boxed() }
    }

    /// The same, until something else ends it.
    #[must_use]
    pub fn until(self, ended: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { items: self.items.take_until(ended).boxed(), ..self }
    }

    fn id(&self, reached: u64) -> Option<String> {
        self.number.map(|number| format!("{number}-{reached}"))
    }
}

/// Reads where a client goes on: the number of the stream, and of the message.
pub(super) fn place(id: &str) -> Option<(u64, u64)> {
    let (number, reached) = id.split_once('-')?;
    Some((number.parse().ok()?, reached.parse().ok()?))
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(from) = self.begins_at.take() {
            // So that a client that loses its connection at once has something to come back with.
            return Poll::Ready(Some(Event { id: self.id(from), data: Bytes::new(), retry: true }));
        }
        let item = std::task::ready!(self.items.poll_next_unpin(task));
        Poll::Ready(match item {
            Some(Item::Message { number, body }) => {
                Some(Event { id: self.id(number + 1), data: body, retry: false })
            }
            Some(Item::ComeBack) | None => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_is_told_where_to_go_on() {
        let items = [Item::Message { number: 4, body: Bytes::from_static(b"{}") }, Item::ComeBack];
        let events: Vec<Event> =
            Events::numbered(3, 4, futures_util::stream::iter(items.clone())).collect().await;
        let expected = [
            Event { id: Some("3-4".to_owned()), data: Bytes::new(), retry: true },
            Event { id: Some("3-5".to_owned()), data: Bytes::from_static(b"{}"), retry: false },
        ];
        assert_eq!(events, expected);
        assert_eq!(place("3-5"), Some((3, 5)));
        for wrong in ["", "3", "3-", "-5", "a-b", "3-5-6"] {
            assert_eq!(place(wrong), None, "{wrong}");
        }
        let once: Vec<Event> = Events::once(futures_util::stream::iter(items)).collect().await;
        assert_eq!(once, [Event { id: None, data: Bytes::from_static(b"{}"), retry: false }]);
    }
}
