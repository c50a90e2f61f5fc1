//! The parent of all canary actors: it keeps one alive for each canary that is not over.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tracing::{error, info};

use crate::canaries::CanaryDeps;
use crate::canaries::actor::{CanaryActor, Changed, Origin};
use crate::canaries::steps::{self, NotYet};
use crate::canaries::view::CanaryView;
use crate::ids::CanaryId;
use crate::store::StoreError;
use crate::store::canaries::Phase;
use crate::supervision::{Ended, deliver};

/// The wait before something that could not be written down is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// A canary was accepted.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Launch(pub(super) Arc<CanaryView>);

/// Somebody changed a canary's row.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Tell(pub(super) CanaryId);

/// Answers when the supervisor has a moment.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Ping;

#[derive(Message)]
#[rtype(result = "()")]
struct ChildEnded {
    id: CanaryId,
    ended: Ended,
}

pub(super) struct CanarySupervisor {
    deps: Arc<CanaryDeps>,
    children: HashMap<CanaryId, Addr<CanaryActor>>,
    /// What an earlier run of the daemon left; taken up at the start.
    left_over: Vec<Arc<CanaryView>>,
}

impl CanarySupervisor {
    pub(super) fn new(deps: Arc<CanaryDeps>, left_over: Vec<Arc<CanaryView>>) -> Self {
        Self { deps, children: HashMap::new(), left_over }
    }

    fn spawn(&mut self, view: Arc<CanaryView>, origin: Origin, ctx: &Context<Self>) {
        let id = view.canary_id();
        if self.children.contains_key(&id) {
            return;
        }
        let actor = CanaryActor::new(view, origin, Arc::clone(&self.deps));
        let (parent, child) = (ctx.address(), id.clone());
        let address = self.deps.supervision.start("canary", actor, move |ended| {
            deliver(&parent, ChildEnded { id: child, ended });
        });
        self.children.insert(id, address);
    }

    /// Rolls a canary back that has no actor any more.
    fn give_up(&self, id: CanaryId, failure: String, ctx: &mut Context<Self>) {
        let deps = Arc::clone(&self.deps);
        let end = async move {
            let outcome = roll_back(&deps, &id, &failure).await;
            (outcome, id, failure)
        };
        ctx.spawn(end.into_actor(self).map(|(outcome, id, failure), _, ctx| {
            if let Err(why) = outcome {
                let error = why.to_string();
                error!(canary.id = %id, error, "a given up canary waits for its rollback");
                ctx.run_later(RETRY, |supervisor, ctx| supervisor.give_up(id, failure, ctx));
            }
        }));
    }
}

/// Decides that a canary is rolled back because nobody can watch it, and puts the gate back.
async fn roll_back(deps: &CanaryDeps, id: &CanaryId, failure: &str) -> Result<(), NotYet> {
    let view = match steps::read(deps, id.as_str()).await {
        Err(NotYet::Store(StoreError::NotFound)) => return Ok(()),
        // Its measurements may be what its actor failed at.
        Err(NotYet::Unreadable(_)) => steps::read_row(deps, id.as_str()).await?,
        read => read?,
    };
    let view = match view.row.phase {
        Phase::Over => return Ok(()),
        Phase::RollingBack => view,
        _ => steps::give_up(deps, &view, failure).await?,
    };
    if view.row.phase == Phase::RollingBack {
        steps::restore(deps, &view).await?;
    }
    Ok(())
}

impl Actor for CanarySupervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let left_over = std::mem::take(&mut self.left_over);
        if !left_over.is_empty() {
            info!(canaries = left_over.len(), "canaries of an earlier run are taken up");
        }
        for view in left_over {
            self.spawn(view, Origin::Unread, ctx);
        }
    }
}

impl Supervised for CanarySupervisor {
    fn restarting(&mut self, _: &mut Self::Context) {
        // The children live on by themselves and are still known.
        self.left_over = Vec::new();
    }
}

impl Handler<Launch> for CanarySupervisor {
    type Result = ();

    fn handle(&mut self, Launch(view): Launch, ctx: &mut Self::Context) {
        self.spawn(view, Origin::Accepted, ctx);
    }
}

impl Handler<Tell> for CanarySupervisor {
    type Result = ();

    fn handle(&mut self, Tell(id): Tell, _: &mut Self::Context) {
        if let Some(child) = self.children.get(&id) {
            deliver(child, Changed);
        }
    }
}

impl Handler<ChildEnded> for CanarySupervisor {
    type Result = ();

    fn handle(&mut self, ChildEnded { id, ended }: ChildEnded, ctx: &mut Self::Context) {
        self.children.remove(&id);
        if let Ended::GaveUp(failure) = ended {
            self.give_up(id, failure, ctx);
        }
    }
}

impl Handler<Ping> for CanarySupervisor {
    type Result = ();

    fn handle(&mut self, Ping: Ping, _: &mut Self::Context) {}
}
