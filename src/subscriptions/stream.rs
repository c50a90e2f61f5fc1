//! `events/stream`: events as they are committed, as messages of the protocol.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use serde_json::{Value, json};

use crate::events::{Reader, Resume, Told, Topics, told};
use crate::ids::Entity;
use crate::store::events::CommittedEvent;
use crate::subscriptions::Subscriptions;
use crate::subscriptions::cursor::Cursors;
use crate::subscriptions::error::EventsError;
use crate::subscriptions::occurrence::Occurrence;
use crate::subscriptions::page;
use crate::subscriptions::params::{Followed, Params};

/// The code of a failure of ours that passes.
const INTERNAL: i32 = -32603;

/// One client's stream: each item is one JSON-RPC message, without a line end. The last is the result
/// of the request, and comes only when the server ends the stream.
pub struct EventStream {
    reader: Reader,
    followed: Followed,
    cursors: Cursors,
    /// The id of the request, as it came.
    id: Value,
    /// What was said and not taken yet: of one chunk of the reader at most.
    waiting: VecDeque<Bytes>,
    is_over: bool,
}

impl Subscriptions {
    /// Opens a stream for the request with this id. It counts among the event streams of the
    /// principal.
    ///
    /// # Errors
    /// The params cannot be meant, too many streams are open, or the log cannot be read.
    pub async fn stream(
        &self,
        principal: &str,
        id: Value,
        params: &Value,
    ) -> Result<EventStream, EventsError> {
        let params = Params::of(params)?;
        let followed = params.followed()?;
        let (asked, floor) = self.position(params)?;
        let topic = match followed.filter.entity(followed.kind) {
            Some(entity) => entity.to_string(),
            None => format!("{}/*", followed.kind.entity.as_str()),
        };
        let topics = Topics::parse(&[topic])
            .map_err(|error| EventsError::InvalidParams(error.to_string()))?;
        let start = match asked {
            None => None,
            asked => Some(self.0.store.read(move |conn| page::start(conn, asked, floor)).await?),
        };
        let resume = start.map_or(Resume::Live, |start| Resume::After(start.after));
        let reader = self.0.hub.subscribe(&topics, resume, principal)?;
        let cursors = self.0.cursors.clone();
        let (waiting, is_over) = (VecDeque::new(), false);
        let mut stream = EventStream { reader, followed, cursors, id, waiting, is_over };
        let position = stream.reader.position();
        stream.say_active(position, start.is_some_and(|start| start.truncated));
        Ok(stream)
    }
}

impl EventStream {
    fn say(&mut self, method: &str, mut params: Value) {
        params["_meta"] = json!({ "io.modelcontextprotocol/subscriptionId": self.id });
        let method = format!("notifications/events/{method}");
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        self.waiting.push_back(message.to_string().into());
    }

    fn say_active(&mut self, position: i64, truncated: bool) {
        let cursor = self.cursors.seal(position);
        self.say("active", json!({ "cursor": cursor, "truncated": truncated }));
    }

    /// Says the last words, once.
    fn end(&mut self) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let result = json!({
            "resultType": "complete",
            "_meta": { "io.modelcontextprotocol/subscriptionId": self.id },
        });
        let message = json!({ "jsonrpc": "2.0", "id": self.id, "result": result });
        self.waiting.push_back(message.to_string().into());
    }

    /// Says what a chunk of the reader tells.
    fn translate(&mut self, chunk: &[u8]) {
        for told in told(chunk) {
            match told {
                Told::Event { seq, name, payload } => self.happened(seq, name, payload),
                Told::Gap { oldest } => self.say_active(oldest - 1, true),
                Told::Beat => {
                    let cursor = self.cursors.seal(self.reader.position());
                    self.say("heartbeat", json!({ "cursor": cursor }));
                }
                Told::Unreadable => {
                    let message = "the event log cannot be read just now; open another stream \
                        with the last cursor";
                    let error = json!({ "code": INTERNAL, "message": message });
                    self.say("error", json!({ "error": error }));
                    self.end();
                }
                Told::Shutdown => self.end(),
                // It said where it begins before, and loses nothing when it lags.
                Told::Other => {}
            }
        }
    }

    fn happened(&mut self, seq: i64, name: &str, payload: &str) {
        if name != self.followed.kind.event_type {
            return;
        }
        let about = serde_json::from_str::<Value>(payload).ok();
        let topic = about.as_ref().and_then(|payload| payload["topic"].as_str());
        let Some(entity) = topic.and_then(Entity::parse) else { return };
        let (event_type, payload) = (name.into(), payload.into());
        let event = CommittedEvent { seq, entity, event_type, payload };
        let Followed { kind, filter, .. } = &self.followed;
        if let Some(occurrence) = Occurrence::of(kind, filter, &event) {
            let cursor = self.cursors.seal(seq);
            self.say("event", occurrence.told(Some(&cursor)));
        }
    }
}

impl Stream for EventStream {
    type Item = Bytes;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let this = self.get_mut();
        loop {
            if let Some(message) = this.waiting.pop_front() {
                return Poll::Ready(Some(message));
            }
            if this.is_over {
                return Poll::Ready(None);
            }
            match this.reader.poll_next_unpin(task) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(chunk)) => this.translate(&chunk),
                Poll::Ready(None) => this.end(),
            }
        }
    }
}
