//! Working on a request: one duty after the other, each ending with what the journal then has.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use crate::chat::control::Control;
use crate::chat::deps::ChatDeps;
use crate::chat::event::{Body, Ending, Event, Outcome};
use crate::chat::feed::Feed;
use crate::chat::frame::Place;
use crate::chat::history::History;
use crate::chat::machine::{self, Duty, Facts, Limits};
use crate::chat::prompt::{self, UNKNOWN};
use crate::chat::record::{self, Addition, Journal};
use crate::chat::request::Request;
use crate::chat::toolbox::Offered;
use crate::store::chat::turns::{self, TurnRow, TurnStatus};
use crate::store::{StoreError, Transaction};
use crate::supervision::crash;

/// The longest wait before a change is written again that could not be.
const LONGEST_RETRY: Duration = Duration::from_secs(10);

/// A request that is worked on.
pub(super) struct TurnRun {
    pub(super) deps: Arc<ChatDeps>,
    pub(super) turn: TurnRow,
    pub(super) request: Request,
    pub(super) journal: Journal,
    pub(super) feed: Arc<Feed>,
    pub(super) control: Arc<Control>,
    /// The request's id, as frames have it.
    pub(super) request_id: Arc<str>,
    /// What the journal has of the request; of what tools gave, as much as a model is shown. Shared
    /// with whoever makes a prompt of it.
    pub(super) events: Arc<Vec<Event>>,
    /// What it had before, once it was read.
    pub(super) history: Option<Arc<History>>,
    /// The tools that the model was last told of.
    pub(super) offered: Offered,
    is_judged: bool,
    /// Whether an earlier run may have been at what is to be done next.
    is_resumed: bool,
    /// The time that was spent on models and tools.
    pub(super) spent: Duration,
}

impl TurnRun {
    /// Takes a request up, whose events the journal may have some of already.
    pub(super) fn new(
        deps: Arc<ChatDeps>,
        (turn, request): (TurnRow, Request),
        (journal, events): (Journal, Vec<Event>),
        (feed, control): (Arc<Feed>, Arc<Control>),
    ) -> Self {
        let request_id = turn.request_id.as_str().into();
        let is_resumed = turn.status == TurnStatus::Running;
        Self {
            deps,
            turn,
            request,
            journal,
            feed,
            control,
            request_id,
            events: Arc::new(events),
            history: None,
            offered: Offered::default(),
            is_judged: false,
            is_resumed,
            spent: Duration::ZERO,
        }
    }

    /// Works until it is over.
    pub(super) async fn run(mut self) {
        loop {
            let duty = self.duty();
            fail::fail_point!("chat-duty");
            let is_resumed = std::mem::take(&mut self.is_resumed);
            if is_resumed && !matches!(duty, Duty::Over | Duty::Ask { .. }) {
                self.charge_lost().await;
            }
            match duty {
                Duty::Over => return,
                Duty::Begin => self.begin().await,
                Duty::Ask { hop, is_closing } => {
                    self.is_judged = false;
                    if is_resumed {
                        self.note_attempt().await;
                    }
                    let began = Instant::now();
                    self.ask(hop, is_closing).await;
                    self.spent += began.elapsed();
                }
                Duty::Judge(calls) => {
                    self.judge(calls).await;
                    self.is_judged = true;
                }
                Duty::Wait { approval_id, call } => self.wait(&approval_id, &call).await,
                Duty::Make { call, approval_id } => {
                    let began = Instant::now();
                    self.make(call, approval_id.as_deref()).await;
                    self.spent += began.elapsed();
                }
                Duty::Settle { call, name, is_repeatable } => {
                    if is_repeatable {
                        self.make_again(call, &name).await;
                    } else {
                        self.resolve(call.id, UNKNOWN.to_owned(), Outcome::Unknown).await;
                    }
                }
                Duty::Resolve { call_id, outcome, text } => {
                    self.resolve(call_id, text, outcome).await;
                }
                Duty::End(ending) => self.end(Vec::new(), ending).await,
            }
        }
    }

    fn duty(&self) -> Duty {
        let cancelled_by = self.control.cancelled_by();
        let facts = Facts {
            cancelled_by: cancelled_by.as_deref(),
            is_judged: self.is_judged,
            is_late: self.deps.settings.limits.turn <= self.spent,
            limits: self.limits(),
        };
        machine::duty(&self.events, &facts)
    }

    pub(super) fn limits(&self) -> Limits {
        let settings = &self.deps.settings;
        Limits {
            hops: settings.max_tool_hops,
            calls: settings.limits.max_tool_calls,
            repeats: settings.limits.same_call_repeats,
        }
    }

    async fn begin(&mut self) {
        let text = self.request.text.clone();
        let tokens = self.deps.count_message(self.provider().model(), text.clone()).await;
        let turn = self.turn.clone();
        self.commit(move |transaction, journal| {
            record::begin(transaction, journal, &turn, (&text, tokens))
        })
        .await;
    }

    /// Writes down what became of a call.
    pub(super) async fn resolve(&mut self, call_id: String, text: String, outcome: Outcome) {
        let most = self.deps.settings.limits.tool_result_chars;
        let shown = prompt::capped(&text, most, &call_id);
        let tokens = self.deps.count_message(self.provider().model(), shown).await;
        let addition = (Body::ToolResult { call_id, text, outcome }, tokens);
        // A call that was made again and again counts no more, now that it is known what became of it.
        let again = std::mem::take(&mut self.turn.attempts);
        let number = self.turn.number;
        self.commit(move |transaction, journal| {
            if 0 < again {
                turns::note_attempts(transaction, number, 0)?;
            }
            record::append(transaction, journal, std::slice::from_ref(&addition))
        })
        .await;
    }

    /// Writes something down.
    pub(super) async fn add(&mut self, additions: Vec<Addition>) {
        self.commit(move |transaction, journal| record::append(transaction, journal, &additions))
            .await;
    }

    /// Ends the request, with what comes before its end.
    pub(super) async fn end(&mut self, additions: Vec<Addition>, ending: Ending) {
        let (turn, retention) = (self.turn.clone(), self.deps.settings.repository.retention);
        self.commit(move |transaction, journal| {
            record::end(transaction, journal, &turn, (&additions, &ending), retention)
        })
        .await;
    }

    /// Makes a change, again and again while the database cannot be used, and tells followers.
    pub(super) async fn commit<F>(&mut self, change: F)
    where
        F: Fn(&mut Transaction<'_>, &Journal) -> Result<Vec<Event>, StoreError>
            + Clone
            + Send
            + 'static,
    {
        let streaming = self.deps.settings.streaming;
        let mut wait = streaming.write_retry_delay;
        let mut tries = 0;
        let added = loop {
            let (journal, change) = (self.journal.clone(), change.clone());
            let write =
                self.deps.store.record(move |transaction| change(transaction, &journal)).await;
            match write {
                Ok(added) => break added,
                Err(error) if error.is_transient() => {
                    tries += 1;
                    if tries == streaming.write_attempts {
                        let conversation = &self.journal.conversation_id;
                        warn!(conversation, %error, "a conversation waits for the database");
                    }
                    tokio::time::sleep(wait).await;
                    wait = wait.saturating_mul(2).min(LONGEST_RETRY);
                }
                Err(error) => crash(format!("the journal could not be written: {error}")),
            }
        };
        fail::fail_point!("chat-committed");
        self.deps.statistics.note(&added);
        if let Some(last) = added.last() {
            self.journal.last_seq = last.seq;
            self.tell(&added);
        }
        let most = self.deps.settings.limits.tool_result_chars;
        let shown = added.into_iter().map(|event| prompt::shown(event, most));
        // Nobody else has them between two duties, so nothing is copied.
        Arc::make_mut(&mut self.events).extend(shown);
    }

    /// Tells followers what was committed.
    fn tell(&self, added: &[Event]) {
        let place = Place {
            conversation_id: &self.journal.conversation_id,
            request_id: Some(&self.request_id),
        };
        let mut frames = Vec::new();
        for event in added {
            match &event.body {
                Body::ToolCall { .. } | Body::ToolResult { .. } | Body::AssistantMessage { .. }
                    if !self.request.streaming => {}
                Body::Note { note: crate::chat::event::Note::TurnEnd { .. }, .. } => {
                    if !self.request.streaming {
                        let text = self.text(added);
                        if !text.is_empty() {
                            frames.push(place.whole(event.seq, &text));
                        }
                    }
                    frames.extend(place.of(event, &self.deps.telling));
                }
                _ => frames.extend(place.of(event, &self.deps.telling)),
            }
        }
        self.feed.finish();
        let up_to = added.last().map_or(self.journal.last_seq, |event| event.seq);
        self.feed.publish(up_to, frames);
    }

    /// All that the model said in this request.
    fn text(&self, added: &[Event]) -> String {
        let events = self.events.iter().chain(added);
        let said = events.filter_map(|event| match &event.body {
            Body::AssistantMessage { text, .. } => Some(text.as_str()),
            _ => None,
        });
        said.collect()
    }
}
