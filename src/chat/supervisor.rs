//! The parent of all conversations' actors: it starts one when there is something to be done, and
//! lets it go when there is nothing more.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tracing::{error, info};

use crate::chat::actor::{CancelWished, ConversationActor, Decided, Rest, Work};
use crate::chat::deps::ChatDeps;
use crate::chat::given_up;
use crate::ids::ConversationId;
use crate::supervision::{Ended, deliver};

/// The wait before giving a request up is written down again, if it could not be.
const RETRY: Duration = Duration::from_secs(1);

/// An earlier run of the daemon left requests in these conversations.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct TakeUp(pub(super) Vec<ConversationId>);

/// There is a request to work on.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub(super) struct Wake(pub(super) ConversationId);

/// Somebody wants a request ended, and that is written down.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub(super) struct Cancel {
    pub(super) id: ConversationId,
    pub(super) turn: i64,
    pub(super) by: String,
}

/// Somebody answered a question about a call, and that is written down.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub(super) struct Answered(pub(super) ConversationId);

/// A conversation has nothing to do.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Idle {
    pub(super) id: ConversationId,
    /// How often it had been told of work by then.
    pub(super) told: u64,
}

/// Answers when the supervisor has a moment.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Ping;

#[derive(Message)]
#[rtype(result = "()")]
struct ChildEnded {
    id: ConversationId,
    ended: Ended,
}

struct Child {
    address: Addr<ConversationActor>,
    /// How often it was told of work.
    told: u64,
}

pub(super) struct ConversationSupervisor {
    deps: Arc<ChatDeps>,
    children: HashMap<ConversationId, Child>,
}

impl ConversationSupervisor {
    pub(super) fn new(deps: Arc<ChatDeps>) -> Self {
        Self { deps, children: HashMap::new() }
    }

    fn wake(&mut self, id: ConversationId, ctx: &Context<Self>) {
        let (deps, parent) = (Arc::clone(&self.deps), ctx.address());
        let child = self.children.entry(id.clone()).or_insert_with(|| {
            let actor = ConversationActor::new(id.clone(), Arc::clone(&deps), parent.clone());
            let address = deps.supervision.start("conversation", actor, move |ended| {
                deliver(&parent, ChildEnded { id, ended });
            });
            Child { address, told: 0 }
        });
        child.told += 1;
        deliver(&child.address, Work(child.told));
    }

    /// Ends the request on which the conversation's actor failed, and goes on with the next.
    fn give_up(&self, id: ConversationId, failure: String, ctx: &mut Context<Self>) {
        let deps = Arc::clone(&self.deps);
        let end = async move {
            let outcome = given_up::end_request(&deps, &id, &failure).await;
            (outcome, id, failure)
        };
        ctx.spawn(end.into_actor(self).map(|(outcome, id, failure), supervisor, ctx| {
            match outcome {
                Ok(()) => supervisor.wake(id, ctx),
                Err(why) => {
                    error!(conversation = %id, error = %why, "a given up request waits for its end");
                    ctx.run_later(RETRY, |supervisor, ctx| supervisor.give_up(id, failure, ctx));
                }
            }
        }));
    }
}

impl Actor for ConversationSupervisor {
    type Context = Context<Self>;
}

impl Supervised for ConversationSupervisor {}

impl Handler<TakeUp> for ConversationSupervisor {
    type Result = ();

    fn handle(&mut self, TakeUp(left_over): TakeUp, ctx: &mut Self::Context) {
        if !left_over.is_empty() {
            info!(conversations = left_over.len(), "conversations of an earlier run are taken up");
        }
        for id in left_over {
            self.wake(id, ctx);
        }
    }
}

impl Handler<Wake> for ConversationSupervisor {
    type Result = ();

    fn handle(&mut self, Wake(id): Wake, ctx: &mut Self::Context) {
        self.wake(id, ctx);
    }
}

impl Handler<Cancel> for ConversationSupervisor {
    type Result = ();

    fn handle(&mut self, Cancel { id, turn, by }: Cancel, _: &mut Self::Context) {
        if let Some(child) = self.children.get(&id) {
            deliver(&child.address, CancelWished { turn, by });
        }
    }
}

impl Handler<Answered> for ConversationSupervisor {
    type Result = ();

    fn handle(&mut self, Answered(id): Answered, _: &mut Self::Context) {
        if let Some(child) = self.children.get(&id) {
            deliver(&child.address, Decided);
        }
    }
}

impl Handler<Idle> for ConversationSupervisor {
    type Result = ();

    fn handle(&mut self, Idle { id, told }: Idle, _: &mut Self::Context) {
        // Who was told of work since then has that in its mail.
        if self.children.get(&id).is_some_and(|child| child.told == told)
            && let Some(child) = self.children.remove(&id)
        {
            deliver(&child.address, Rest);
        }
    }
}

impl Handler<ChildEnded> for ConversationSupervisor {
    type Result = ();

    fn handle(&mut self, ChildEnded { id, ended }: ChildEnded, ctx: &mut Self::Context) {
        match ended {
            // It was let go, and there may be another by now.
            Ended::Stopped => {}
            Ended::GaveUp(failure) => {
                self.children.remove(&id);
                self.give_up(id, failure, ctx);
            }
        }
    }
}

impl Handler<Ping> for ConversationSupervisor {
    type Result = ();

    fn handle(&mut self, Ping: Ping, _: &mut Self::Context) {}
}
