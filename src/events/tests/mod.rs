//! The event stream as its clients see it: a real store, a real log, real bytes.

mod failures;
mod ledgers;
mod resuming;
mod streams;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::clock::SystemClock;
use crate::ids::Entity;
use crate::store::events::{CommittedEvent, EventFilter};
use crate::store::{Database, Store, StoreDeps, events};
use crate::supervision::{RestartPolicy, Supervision};

/// A store with a log and a hub over it.
struct Bench {
    store: Store,
    hub: Arc<Hub>,
    supervision: Supervision,
    directory: TempDir,
}

/// Room for whatever a test does.
const WIDE: Limits =
    Limits { readers: 9999, readers_per_principal: 9999, ring_events: 1024, ring_bytes: 1 << 22 };

/// Rings so small that whoever pauses falls off them.
const SMALL: Limits = Limits { ring_events: 8, ..WIDE };

impl Bench {
    async fn new(limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Store::prepare(&database(&directory)).unwrap();
        Self::over(directory, limits, Arbiter::new().handle()).await
    }

    /// Starts anew over the same database.
    async fn restarted(self, limits: Limits) -> Self {
        Self::over(self.directory, limits, Arbiter::new().handle()).await
    }

    async fn over(directory: TempDir, limits: Limits, arbiter: ArbiterHandle) -> Self {
        let supervision = Supervision::new(RestartPolicy::default());
        let outlet = Outlet::default();
        let store = Store::start(
            database(&directory),
            StoreDeps {
                clock: Arc::new(SystemClock),
                publish: outlet.publish(),
                supervision: supervision.clone(),
                arbiter: Arbiter::new().handle(),
                on_end: Box::new(|_| ()),
            },
        );
        let deps = HubDeps {
            store: store.clone(),
            outlet,
            supervision: supervision.clone(),
            arbiter,
            limits,
            on_end: Box::new(|_| ()),
        };
        let hub = Hub::start(deps).await.unwrap();
        Self { store, hub, supervision, directory }
    }

    /// Commits one event, and returns its id.
    async fn emit(&self, topic: &str, event_type: &'static str) -> i64 {
        self.emit_many(topic, event_type, 1).await
    }

    /// Commits some events, numbered from 0, and returns the last one's id.
    async fn emit_many(&self, topic: &str, event_type: &'static str, count: usize) -> i64 {
        let entity = Entity::parse(topic).unwrap();
        let written = self.store.write(move |transaction| {
            for n in 0..count {
                transaction.emit((&entity, None), event_type, &json!({ "n": n }))?;
            }
            Ok(())
        });
        written.await.unwrap();
        self.store.read(events::kept).await.unwrap().newest
    }

    /// Waits until an event is published.
    async fn published(&self, seq: i64) {
        eventually(|| seq <= self.hub.head()).await;
    }

    async fn prune(&self, limit: usize) {
        let future = "9999-01-01T00:00:00.000Z";
        self.store.write(move |tx| events::prune(tx, future, limit)).await.unwrap();
    }

    /// The log as it stands.
    async fn log(&self) -> Vec<CommittedEvent> {
        let read = |conn: &mut crate::store::Reader| {
            events::replay(conn, &[EventFilter::All], 0, i64::MAX, i64::MAX)
        };
        self.store.read(read).await.unwrap()
    }

    fn open(&self, topics: &[&str], resume: Resume) -> Client {
        let topics = Topics::parse(topics).unwrap();
        let reader = self.hub.subscribe(&topics, resume, "anonymous").unwrap();
        Client { reader, waiting: VecDeque::new() }
    }

    /// Opens a stream and takes its first frame.
    async fn follow(&self, topics: &[&str], resume: Resume) -> Client {
        let mut client = self.open(topics, resume);
        assert_eq!(client.next().await.event, "open");
        client
    }
}

fn database(directory: &TempDir) -> Database {
    Database::at(&directory.path().join("state.db")).unwrap()
}

async fn eventually(mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("it never came true");
}

/// A frame as a client reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Frame {
    id: Option<i64>,
    event: String,
    data: String,
    retry: String,
    comment: String,
}

impl Frame {
    fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

/// Reads whole frames, and fails on anything else.
fn parse(chunk: &[u8]) -> Vec<Frame> {
    let text = std::str::from_utf8(chunk).unwrap();
    let frames = text.strip_suffix("\n\n").expect("a chunk ends with a frame").split("\n\n");
    let parse_one = |frame: &str| {
        let mut parsed = Frame::default();
        for line in frame.lines() {
            let (field, value) = line.split_once(": ").expect("a line is a field");
            match field {
                "id" => parsed.id = Some(value.parse().unwrap()),
                "event" => parsed.event = value.to_owned(),
                "data" => parsed.data = value.to_owned(),
                "retry" => parsed.retry = value.to_owned(),
                "" => parsed.comment = value.to_owned(),
                _ => panic!("{line:?}"),
            }
        }
        parsed
    };
    frames.map(parse_one).collect()
}

/// A client that reads one frame after the other.
struct Client {
    reader: Reader,
    waiting: VecDeque<Frame>,
}

impl Client {
    /// The next frame, or `None` at the end of the stream.
    async fn maybe_next(&mut self) -> Option<Frame> {
        if self.waiting.is_empty() {
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.reader.next()).await;
            self.waiting.extend(parse(&chunk.expect("nothing came")?));
        }
        self.waiting.pop_front()
    }

    async fn next(&mut self) -> Frame {
        self.maybe_next().await.expect("the stream ended")
    }

    /// The ids of the events up to and including `last`.
    async fn ids_up_to(&mut self, last: i64) -> Vec<i64> {
        let mut ids = Vec::new();
        while ids.last() != Some(&last) {
            let frame = self.next().await;
            let id = frame.id.unwrap_or_else(|| panic!("no event: {frame:?}, after {ids:?}"));
            ids.push(id);
        }
        ids
    }

    /// Whether there is nothing to read just now.
    async fn is_quiet(&mut self) -> bool {
        self.waiting.is_empty() && futures_util::poll!(self.reader.next()).is_pending()
    }
}
