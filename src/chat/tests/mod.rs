//! Conversations over a real store, a model that says what it is told to, and tools that count.

mod approvals;
mod asking;
mod charges;
mod earlier;
pub(crate) mod fake_model;
pub(crate) mod fake_tools;
mod following;
mod hardships;
mod memory;
mod once;
mod parts;
mod properties;
mod replaying;
mod restarts;
mod searching;
mod story;
mod sweeping;
mod wires;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use actix::{Arbiter, ArbiterHandle};
use serde_json::Value;
use tempfile::TempDir;

use self::fake_model::FakeModel;
use self::fake_tools::FakeTools;
use super::*;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::config::chat::{ChatSettings, sample};
use crate::ids::ConversationId;
use crate::store::chat::conversations::Origin;
use crate::store::chat::events;
use crate::store::{Database, Store, StoreDeps};
use crate::supervision::{RestartPolicy, Supervision};

const RESTARTS: RestartPolicy = RestartPolicy {
    max_restarts: 3,
    window: Duration::from_mins(1),
    first_delay: Duration::from_millis(2),
    max_delay: Duration::from_millis(10),
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The machine's clock, so many days later.
#[derive(Default)]
pub(crate) struct LaterClock(AtomicI64);

impl LaterClock {
    pub(crate) fn pass_days(&self, days: i64) {
        self.0.fetch_add(days, Ordering::Relaxed);
    }
}

impl Clock for LaterClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(time::Duration::days(self.0.load(Ordering::Relaxed)))
    }
}

pub(crate) struct Bench {
    pub(crate) chat: Chat,
    pub(crate) store: Store,
    pub(crate) model: Arc<FakeModel>,
    pub(crate) tools: Arc<FakeTools>,
    pub(crate) clock: Arc<LaterClock>,
    settings: ChatSettings,
    directory: Arc<TempDir>,
    actors: ArbiterHandle,
}

impl Bench {
    pub(crate) async fn new(model: Arc<FakeModel>) -> Self {
        Self::with(model, |_| ()).await
    }

    /// A chat whose settings are changed.
    pub(crate) async fn with(
        model: Arc<FakeModel>,
        change: impl FnOnce(&mut ChatSettings),
    ) -> Self {
        let mut settings = sample();
        change(&mut settings);
        let directory = Arc::new(tempfile::tempdir().unwrap());
        Self::on(directory, settings, model, Arc::default()).await
    }

    async fn on(
        directory: Arc<TempDir>,
        settings: ChatSettings,
        model: Arc<FakeModel>,
        tools: Arc<FakeTools>,
    ) -> Self {
        let database = Database::at(&directory.path().join("state.db")).unwrap();
        Store::prepare(&database).unwrap();
        let supervision = Supervision::new(RESTARTS);
        let later = Arc::new(LaterClock::default());
        let clock: Arc<dyn Clock> = Arc::clone(&later) as _;
        let store = Store::start(
            database,
            StoreDeps {
                clock: Arc::clone(&clock),
                publish: Arc::new(|_| ()),
                supervision: supervision.clone(),
                arbiter: Arbiter::new().handle(),
                on_end: Box::new(|_| ()),
            },
        );
        let actors = Arbiter::new().handle();
        let provider = Provider { model: Arc::clone(&model) as _, prices: None };
        let chat = Chat::start(ChatParts {
            store: store.clone(),
            clock,
            supervision,
            arbiter: actors.clone(),
            settings: Arc::new(settings.clone()),
            providers: [("fake".to_owned(), provider)].into(),
            sources: vec![Arc::clone(&tools) as Arc<dyn ToolSource>],
            servers: None,
            on_end: Box::new(|_| ()),
        });
        let chat = chat.await.unwrap();
        chat.take_up().await.unwrap();
        Self { chat, store, model, tools, clock: later, settings, directory, actors }
    }

    /// A new daemon over the same database, as after a kill of the old one.
    pub(crate) async fn again(self) -> Self {
        self.again_with(|_| ()).await
    }

    /// The same with other settings.
    pub(crate) async fn again_with(self, change: impl FnOnce(&mut ChatSettings)) -> Self {
        self.actors.stop();
        // What was under way has ended before another begins.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let Self { mut settings, directory, model, tools, .. } = self;
        change(&mut settings);
        Self::on(directory, settings, model, tools).await
    }

    /// Sends a request, and answers where it is answered.
    pub(crate) async fn send(&self, conversation: &str, request_id: &str, text: &str) -> Sent {
        self.try_send(conversation, request_id, text).await.unwrap()
    }

    pub(crate) async fn try_send(
        &self,
        conversation: &str,
        request_id: &str,
        text: &str,
    ) -> Result<Sent, ChatError> {
        let request = Request {
            text: text.to_owned(),
            streaming: true,
            is_attended: true,
            ..Request::default()
        };
        self.chat.send("key-1", new_request(conversation, request_id, request)).await
    }

    /// Sends a request and waits for its end: all frames.
    pub(crate) async fn ask(&self, conversation: &str, request_id: &str, text: &str) -> Vec<Value> {
        let sent = self.send(conversation, request_id, text).await;
        self.frames_until_over(&sent, request_id).await
    }

    pub(crate) async fn frames_until_over(&self, sent: &Sent, request_id: &str) -> Vec<Value> {
        let follower = self.chat.follow("key-1", &sent.conversation_id, sent.after_seq).await;
        let mut follower = follower.unwrap();
        let mut frames = Vec::new();
        loop {
            let frame = self.next(&mut follower).await;
            if frame.request_id.as_deref() != Some(request_id) {
                continue;
            }
            frames.push(serde_json::from_slice(&frame.json).unwrap());
            if frame.is_last {
                return frames;
            }
        }
    }

    pub(crate) async fn next(&self, follower: &mut Follower) -> Frame {
        tokio::time::timeout(PATIENCE, follower.next()).await.expect("nothing comes")
    }

    /// What the journal of a conversation has.
    pub(crate) async fn journal(&self, conversation: &str) -> Vec<Event> {
        let id = conversation.to_owned();
        let rows = self.store.read(move |conn| events::after(conn, &id, 0, 10_000)).await.unwrap();
        let places: Vec<i64> = rows.iter().map(|row| row.seq).collect();
        let first = places.first().copied().unwrap_or(1);
        let expected: Vec<i64> = (first..).take(places.len()).collect();
        assert_eq!(places, expected, "the journal has a gap");
        rows.into_iter().map(Event::from_row).collect()
    }

    /// Waits until something holds of a journal.
    pub(crate) async fn until(
        &self,
        conversation: &str,
        what: &str,
        holds: impl Fn(&[Event]) -> bool,
    ) -> Vec<Event> {
        let began = tokio::time::Instant::now();
        while began.elapsed() < PATIENCE {
            let events = self.journal(conversation).await;
            if holds(&events) {
                return events;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{what} never came true: {:#?}", self.journal(conversation).await);
    }

    pub(crate) async fn until_over(&self, conversation: &str, requests: usize) -> Vec<Event> {
        let is_end =
            |event: &&Event| matches!(&event.body, Body::Note { note: Note::TurnEnd { .. }, .. });
        self.until(conversation, "the end", |events| {
            requests <= events.iter().filter(is_end).count()
        })
        .await
    }
}

pub(crate) fn new_request(conversation: &str, request_id: &str, request: Request) -> NewRequest {
    NewRequest {
        conversation_id: Some(id(conversation)),
        request_id: request_id.to_owned(),
        request,
        origin: Origin::Chat,
        is_unplaced: false,
    }
}

pub(crate) fn id(conversation: &str) -> ConversationId {
    ConversationId::parse(conversation).unwrap()
}

/// The words in frames, as a client puts them together.
pub(crate) fn words(frames: &[Value]) -> String {
    let mut said = String::new();
    for frame in frames.iter().filter(|frame| frame["status"] == "chunk") {
        let text = frame["chunk"]["data"].as_str().unwrap();
        if frame["chunk"]["metadata"]["finish_reason"] == "tool_limit_reached" {
            continue;
        }
        said.push_str(text);
    }
    said
}

/// What the user said, by the journal.
pub(crate) fn said(events: &[Event]) -> Vec<&str> {
    let said = events.iter().filter_map(|event| match &event.body {
        Body::UserMessage { text, .. } => Some(text.as_str()),
        _ => None,
    });
    said.collect()
}

/// What the model said, by the journal.
pub(crate) fn answers(events: &[Event]) -> Vec<&str> {
    let said = events.iter().filter_map(|event| match &event.body {
        Body::AssistantMessage { text, .. } => Some(text.as_str()),
        _ => None,
    });
    said.collect()
}

/// What became of calls, by the journal; they are numbered in the order in which they were wanted.
pub(crate) fn outcomes(events: &[Event]) -> Vec<(&'static str, Outcome)> {
    const NUMBERS: [&str; 10] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];
    let mut wanted = Vec::new();
    let mut known = Vec::new();
    for event in events {
        match &event.body {
            Body::AssistantMessage { calls, .. } => {
                wanted.extend(calls.iter().map(|call| call.id.as_str()));
            }
            Body::ToolResult { call_id, outcome, .. } => {
                let place = wanted.iter().position(|id| id == call_id);
                known.push((place.map_or("of nothing", |place| NUMBERS[place]), *outcome));
            }
            _ => {}
        }
    }
    known
}

/// The ids of the calls that were wanted, by the journal.
pub(crate) fn call_ids(events: &[Event]) -> Vec<String> {
    let calls = events.iter().filter_map(|event| match &event.body {
        Body::AssistantMessage { calls, .. } => Some(calls.iter().map(|call| call.id.clone())),
        _ => None,
    });
    calls.flatten().collect()
}
