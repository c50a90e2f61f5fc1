//! One session: its streams, what is in flight in it, and what its client was asked.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::events::Changes;
use crate::mcp::capabilities::Capabilities;
use crate::mcp::outbox::{AbortOnDrop, Outbox};
use crate::mcp::version::Version;
use crate::mcp::watched::Watched;
use crate::tools::LogLevel;

/// The most streams that are kept for a client to come back to.
const STREAMS: usize = IN_FLIGHT + 32;

/// The most requests in flight in one session.
const IN_FLIGHT: usize = 64;

/// The stream that belongs to no request.
pub(super) const STANDING: u64 = 0;

/// One session.
pub(super) struct Session {
    principal: String,
    pub(super) version: Version,
    pub(super) capabilities: Capabilities,
    /// What is told outside of any request.
    pub(super) standing: Arc<Outbox>,
    watching: OnceLock<(Arc<Watched>, AbortOnDrop)>,
    state: Mutex<State>,
}

struct State {
    /// Messages of this level and above are sent.
    level: LogLevel,
    last_used: Instant,
    /// How many read the standing stream.
    open: usize,
    next_stream: u64,
    streams: BTreeMap<u64, Arc<Outbox>>,
    /// By the request's id as it was written.
    in_flight: HashMap<String, AbortHandle>,
    /// By the id under which the client was asked.
    questions: HashMap<String, oneshot::Sender<Option<Value>>>,
}

impl Session {
    pub(super) fn new(
        principal: &str,
        version: Version,
        capabilities: Capabilities,
        now: Instant,
    ) -> Self {
        Self {
            principal: principal.to_owned(),
            version,
            capabilities,
            standing: Arc::default(),
            watching: OnceLock::new(),
            state: Mutex::new(State {
                level: LogLevel::Info,
                last_used: now,
                open: 0,
                next_stream: STANDING + 1,
                streams: BTreeMap::new(),
                in_flight: HashMap::new(),
                questions: HashMap::new(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is whole before anything in it can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_of(&self, principal: &str) -> bool {
        self.principal == principal
    }

    pub(super) fn last_used(&self) -> Instant {
        self.state().last_used
    }

    pub(super) fn touch(&self, now: Instant) {
        self.state().last_used = now;
    }

    /// Whether anything of it is under way.
    pub(super) fn is_open(&self) -> bool {
        let state = self.state();
        0 < state.open || !state.in_flight.is_empty()
    }

    pub(super) fn level(&self) -> LogLevel {
        self.state().level
    }

    pub(super) fn set_level(&self, level: LogLevel) {
        self.state().level = level;
    }

    /// A new stream for a request; the oldest that are over make room.
    pub(super) fn open_stream(&self) -> (u64, Arc<Outbox>) {
        let mut state = self.state();
        let (number, outbox) = (state.next_stream, Arc::<Outbox>::default());
        state.next_stream += 1;
        while STREAMS <= state.streams.len() {
            let over = state.streams.iter().find(|(_, outbox)| outbox.is_over());
            let Some(oldest) = over.or(state.streams.iter().next()).map(|(n, _)| *n) else { break };
            state.streams.remove(&oldest);
        }
        state.streams.insert(number, Arc::clone(&outbox));
        (number, outbox)
    }

    /// A stream that was opened before.
    pub(super) fn stream(&self, number: u64) -> Option<Arc<Outbox>> {
        if number == STANDING {
            return Some(Arc::clone(&self.standing));
        }
        self.state().streams.get(&number).cloned()
    }

    /// Notes that a request is under way, so that it can be cancelled; false where there are too
    /// many, or one with this id already.
    pub(super) fn begin(&self, id: &str, task: AbortHandle) -> bool {
        let mut state = self.state();
        state.in_flight.retain(|_, task| !task.is_finished());
        if IN_FLIGHT <= state.in_flight.len() || state.in_flight.contains_key(id) {
            return false;
        }
        state.in_flight.insert(id.to_owned(), task);
        true
    }

    /// A request is over.
    pub(super) fn finish(&self, id: &str) {
        self.state().in_flight.remove(id);
    }

    /// Ends a request that is under way.
    pub(super) fn cancel(&self, id: &str) {
        if let Some(task) = self.state().in_flight.remove(id) {
            task.abort();
        }
    }

    /// A new question for the client: its id, and where the answer will come.
    pub(super) fn question(&self) -> (String, oneshot::Receiver<Option<Value>>) {
        // Like no other, in this session or in another: an answer that comes late answers nothing else.
        let id = format!("server-{}", nanoid::nanoid!());
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        state.questions.retain(|_, sender| !sender.is_closed());
        state.questions.insert(id.clone(), sender);
        (id, receiver)
    }

    /// Hands in what the client answered; nothing stands for an error. What was not asked is let go.
    pub(super) fn answered(&self, id: &str, result: Option<Value>) {
        let asker = self.state().questions.remove(id);
        if let Some(asker) = asker {
            // Whoever asked may have given up.
            let _ = asker.send(result);
        }
    }

    /// What it wants to hear of; `tell` runs from the first time on.
    pub(super) fn watched<F>(
        self: &Arc<Self>,
        changes: &Arc<Changes>,
        tell: impl FnOnce(Arc<Watched>, Arc<Outbox>) -> F,
    ) -> &Arc<Watched>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (watched, _) = self.watching.get_or_init(|| {
            let watched = Arc::new(Watched::new(changes));
            let task = tokio::spawn(tell(Arc::clone(&watched), Arc::clone(&self.standing)));
            (watched, AbortOnDrop(task.abort_handle()))
        });
        watched
    }

    /// Marks that somebody reads the standing stream, until what is returned is dropped.
    pub(super) fn reading(self: &Arc<Self>) -> impl Send + use<> {
        self.state().open += 1;
        Listening(Arc::clone(self))
    }

    /// Ends everything in it.
    pub(super) fn end(&self) {
        let mut state = self.state();
        for (_, task) in state.in_flight.drain() {
            task.abort();
        }
        for outbox in state.streams.values() {
            outbox.end();
        }
        state.questions.clear();
        drop(state);
        self.standing.end();
    }
}

struct Listening(Arc<Session>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.state().open -= 1;
    }
}
