//! One conversation's actor: it works on the conversation's requests, one after the other, and is
//! the only one that writes to its journal.
//!
//! It is there while there is something to be done. What it does follows from the journal; after a
//! failure it reads that and goes on, by the same path as after a restart of the daemon.

use std::collections::HashMap;
use std::sync::Arc;

use actix::prelude::*;
use tracing::warn;

use crate::chat::control::Control;
use crate::chat::deps::ChatDeps;
use crate::chat::event::Event;
use crate::chat::feed::Feed;
use crate::chat::record::Journal;
use crate::chat::request::Request;
use crate::chat::supervisor::{ConversationSupervisor, Idle};
use crate::chat::turn::TurnRun;
use crate::chat::{patience, prompt};
use crate::ids::ConversationId;
use crate::store::StoreError;
use crate::store::chat::excerpts::{self, Span};
use crate::store::chat::turns::TurnRow;
use crate::store::chat::{conversations, turns};
use crate::supervision::{crash, deliver};

/// There may be a request to work on. Carries how often that was said.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct Work(pub(super) u64);

/// The row of a request says that somebody wants it ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct CancelWished {
    /// The request's number.
    pub(super) turn: i64,
    /// Who wants it.
    pub(super) by: String,
}

/// Somebody answered a question about a call.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct Decided;

/// Nobody needs the actor any more.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct Rest;

pub(super) struct ConversationActor {
    id: ConversationId,
    deps: Arc<ChatDeps>,
    feed: Arc<Feed>,
    parent: Addr<ConversationSupervisor>,
    /// How often it was told that there may be work.
    told: u64,
    /// The request that is worked on.
    current: Option<(i64, Arc<Control>)>,
    /// The wishes to end requests that may not be worked on yet: who has them, by request.
    wished: HashMap<i64, String>,
    /// Whether it is working, or looking for work.
    is_busy: bool,
    /// Whether what it does began in an earlier life.
    is_restarted: bool,
}

/// What there is to be worked on.
struct Job {
    turn: TurnRow,
    journal: Journal,
    events: Vec<Event>,
}

impl ConversationActor {
    pub(super) fn new(
        id: ConversationId,
        deps: Arc<ChatDeps>,
        parent: Addr<ConversationSupervisor>,
    ) -> Self {
        let feed = deps.feeds.of(&id);
        let wished = HashMap::new();
        Self {
            id,
            deps,
            feed,
            parent,
            told: 0,
            current: None,
            wished,
            is_busy: false,
            is_restarted: false,
        }
    }

    /// Looks for the next request and works on it.
    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.is_busy {
            return;
        }
        self.is_busy = true;
        // What is told from here on may not be in what is read.
        let told = self.told;
        let (deps, id) = (Arc::clone(&self.deps), self.id.clone());
        let next = async move { next_job(&deps, &id).await };
        ctx.spawn(next.into_actor(self).map(move |job, actor, ctx| match job {
            Ok(Some(job)) => actor.work(job, ctx),
            Ok(None) => {
                actor.is_busy = false;
                if actor.told == told {
                    deliver(&actor.parent, Idle { id: actor.id.clone(), told });
                } else {
                    actor.look(ctx);
                }
            }
            Err(error) => crash(format!("the journal could not be read: {error}")),
        }));
    }

    fn work(&mut self, job: Job, ctx: &mut Context<Self>) {
        let Job { turn, journal, events } = job;
        // The row may have been read before somebody wished it.
        let wished = turn.cancel_requested_by.clone().or_else(|| self.wished.remove(&turn.number));
        let control = Arc::new(Control::new(wished));
        self.deps.put_control(&self.id, Arc::clone(&control));
        let number = turn.number;
        self.current = Some((number, Arc::clone(&control)));
        let request = match Request::of(&turn.request_json) {
            Ok(request) => request,
            Err(error) => crash(format!("a request cannot be read: {error}")),
        };
        let (deps, feed) = (Arc::clone(&self.deps), Arc::clone(&self.feed));
        let run = TurnRun::new(deps, (turn, request), (journal, events), (feed, control));
        ctx.spawn(run.run().into_actor(self).map(|(), actor, ctx| {
            if let Some((number, _)) = actor.current.take() {
                actor.wished.remove(&number);
            }
            actor.deps.take_control(&actor.id);
            actor.is_busy = false;
            actor.look(ctx);
        }));
    }
}

/// The oldest request of a conversation that is not over, with what the journal has of it.
async fn next_job(deps: &ChatDeps, id: &ConversationId) -> Result<Option<Job>, StoreError> {
    let (key, most) = (id.to_string(), deps.settings.limits.tool_result_chars);
    let read = move |conn: &mut _| {
        let id = key.clone();
        let Some(turn) = turns::next_open(conn, &id)? else { return Ok(None) };
        let Some(conversation) = conversations::find(conn, &id)? else {
            return Err(StoreError::NotFound);
        };
        let mut events: Vec<Event> = Vec::new();
        if let Some(first) = turn.first_seq {
            loop {
                let after = events.last().map_or(first - 1, |event| event.seq);
                let bounds = (500, prompt::characters_read(most));
                let page = excerpts::read(conn, &id, Span::After(after), bounds)?;
                let is_last = page.len() < 500;
                events.extend(page.into_iter().map(|excerpt| prompt::of_excerpt(excerpt, most)));
                if is_last {
                    break;
                }
            }
        }
        let journal = Journal { conversation_id: id, last_seq: conversation.last_seq };
        Ok(Some(Job { turn, journal, events }))
    };
    patience::read(&deps.store, id.as_str(), read).await
}

impl Actor for ConversationActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        fail::fail_point!("chat-started");
        if std::mem::take(&mut self.is_restarted) {
            warn!(conversation = %self.id, "a conversation is taken up again after a failure");
            // What followers were told may have been cut short.
            self.feed.look_again();
            self.look(ctx);
        }
    }
}

impl Supervised for ConversationActor {
    fn restarting(&mut self, _: &mut Self::Context) {
        if let Some((_, control)) = self.current.take() {
            // Whatever it began must not go on beside what is begun anew.
            control.cancel.cancel();
        }
        self.deps.take_control(&self.id);
        self.is_busy = false;
        self.is_restarted = true;
    }
}

impl Handler<Work> for ConversationActor {
    type Result = ();

    fn handle(&mut self, Work(told): Work, ctx: &mut Self::Context) {
        self.told = told;
        self.look(ctx);
    }
}

impl Handler<CancelWished> for ConversationActor {
    type Result = ();

    fn handle(&mut self, CancelWished { turn, by }: CancelWished, _: &mut Self::Context) {
        match &self.current {
            Some((number, control)) if *number == turn => control.cancel(by),
            _ => {
                self.wished.insert(turn, by);
            }
        }
    }
}

impl Handler<Decided> for ConversationActor {
    type Result = ();

    fn handle(&mut self, Decided: Decided, _: &mut Self::Context) {
        if let Some((_, control)) = &self.current {
            control.decided.notify_waiters();
        }
    }
}

impl Handler<Rest> for ConversationActor {
    type Result = ();

    fn handle(&mut self, Rest: Rest, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
