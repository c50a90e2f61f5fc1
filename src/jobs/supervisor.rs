//! The parent of all job actors: it keeps one alive for each job that is not over, and gives out
//! the places in which they run.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix::prelude::*;
use tracing::{error, info};

use crate::ids::JobId;
use crate::jobs::JobDeps;
use crate::jobs::actor::{CancelWished, Granted, JobActor, Origin};
use crate::jobs::queue::FairQueue;
use crate::jobs::record;
use crate::jobs::view::JobView;
use crate::store::{StoreError, jobs};
use crate::supervision::{Ended, deliver};

/// The wait before giving a job up is written down again, if it could not be.
const RETRY: Duration = Duration::from_secs(1);

/// A job was accepted.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Launch(pub(super) Arc<JobView>);

/// Somebody wants a job ended, and that is written down.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Cancel(pub(super) JobId);

/// A job would like to run.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct AskForPlace {
    pub(super) id: JobId,
    pub(super) principal: Box<str>,
}

/// A job runs already.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct OccupyPlace(pub(super) JobId);

/// A job is over.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct LeavePlace(pub(super) JobId);

/// Answers when the supervisor has a moment.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Ping;

#[derive(Message)]
#[rtype(result = "()")]
struct ChildEnded {
    id: JobId,
    ended: Ended,
}

/// How many jobs run and wait; readable from anywhere.
#[derive(Debug, Default)]
pub(super) struct Depth {
    pub(super) running: AtomicUsize,
    pub(super) waiting: AtomicUsize,
}

pub(super) struct JobSupervisor {
    deps: Arc<JobDeps>,
    depth: Arc<Depth>,
    children: HashMap<JobId, Addr<JobActor>>,
    places: FairQueue<JobId>,
    /// What an earlier run of the daemon left; taken up at the start, and again from the row
    /// after a failure.
    left_over: Vec<Arc<JobView>>,
}

impl JobSupervisor {
    pub(super) fn new(deps: Arc<JobDeps>, depth: Arc<Depth>, left_over: Vec<Arc<JobView>>) -> Self {
        let places = FairQueue::new(deps.max_running);
        Self { deps, depth, children: HashMap::new(), places, left_over }
    }

    fn spawn(&mut self, view: Arc<JobView>, origin: Origin, ctx: &Context<Self>) {
        let Ok(id) = JobId::parse(&view.row.job_id) else {
            error!(job.id = view.row.job_id, "a job with an impossible id is left alone");
            return;
        };
        if self.children.contains_key(&id) {
            return;
        }
        let parent = ctx.address();
        let actor = JobActor::new(view, origin, Arc::clone(&self.deps), parent.clone());
        let child = id.clone();
        let address = self.deps.supervision.start("job", actor, move |ended| {
            deliver(&parent, ChildEnded { id: child, ended });
        });
        self.children.insert(id, address);
    }

    fn leave(&mut self, id: &JobId) {
        for granted in self.places.leave(id) {
            if let Some(child) = self.children.get(&granted) {
                deliver(child, Granted);
            }
        }
        self.show_depth();
    }

    fn show_depth(&self) {
        self.depth.running.store(self.places.running(), Ordering::Relaxed);
        self.depth.waiting.store(self.places.waiting(), Ordering::Relaxed);
    }

    /// Ends what a job without an actor may still have running, and writes down that it failed.
    fn give_up(&self, id: JobId, failure: String, ctx: &mut Context<Self>) {
        let deps = Arc::clone(&self.deps);
        let end = async move {
            let outcome = fail_job(&deps, &id, &failure).await;
            (outcome, id, failure)
        };
        ctx.spawn(end.into_actor(self).map(|(outcome, id, failure), supervisor, ctx| {
            match outcome {
                Ok(()) => supervisor.leave(&id),
                Err(why) => {
                    error!(job.id = %id, error = format!("{why:#}"), "a given up job waits for its end");
                    ctx.run_later(RETRY, |supervisor, ctx| supervisor.give_up(id, failure, ctx));
                }
            }
        }));
    }
}

async fn fail_job(deps: &JobDeps, id: &JobId, failure: &str) -> anyhow::Result<()> {
    if let Some(run) = deps.runner.find(id).await? {
        deps.runner.cancel(&run).await?;
    }
    let (board, statistics) = (Arc::clone(&deps.board), Arc::clone(&deps.statistics));
    let (key, failure) = (id.to_string(), failure.to_owned());
    let write = deps.store.record(move |transaction| {
        let row = jobs::find_for_change(transaction, &key)?;
        if row.status.is_terminal() {
            return Ok(());
        }
        let shown = record::Shown { board: &board, statistics: &statistics };
        record::give_up(transaction, shown, &row, &failure)
    });
    match write.await {
        Ok(()) | Err(StoreError::NotFound) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl Actor for JobSupervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let left_over = std::mem::take(&mut self.left_over);
        if !left_over.is_empty() {
            info!(jobs = left_over.len(), "jobs of an earlier run are taken up");
        }
        for view in left_over {
            self.spawn(view, Origin::Adopted, ctx);
        }
    }
}

impl Supervised for JobSupervisor {
    fn restarting(&mut self, _: &mut Self::Context) {
        // The children live on by themselves and are still known; the places are counted by what
        // was asked and left, none of which is lost with a handler that failed halfway: each
        // handler changes them last.
        self.left_over = Vec::new();
    }
}

impl Handler<Launch> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, Launch(view): Launch, ctx: &mut Self::Context) {
        self.spawn(view, Origin::Accepted, ctx);
    }
}

impl Handler<Cancel> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, Cancel(id): Cancel, _: &mut Self::Context) {
        if let Some(child) = self.children.get(&id) {
            deliver(child, CancelWished);
        }
    }
}

impl Handler<AskForPlace> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, AskForPlace { id, principal }: AskForPlace, _: &mut Self::Context) {
        let granted = self.places.ask(id.clone(), &principal);
        if granted && let Some(child) = self.children.get(&id) {
            deliver(child, Granted);
        }
        self.show_depth();
    }
}

impl Handler<OccupyPlace> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, OccupyPlace(id): OccupyPlace, _: &mut Self::Context) {
        self.places.occupy(id);
        self.show_depth();
    }
}

impl Handler<LeavePlace> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, LeavePlace(id): LeavePlace, _: &mut Self::Context) {
        self.leave(&id);
    }
}

impl Handler<ChildEnded> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, ChildEnded { id, ended }: ChildEnded, ctx: &mut Self::Context) {
        self.children.remove(&id);
        match ended {
            Ended::Stopped => self.leave(&id),
            Ended::GaveUp(failure) => self.give_up(id, failure, ctx),
        }
    }
}

impl Handler<Ping> for JobSupervisor {
    type Result = ();

    fn handle(&mut self, Ping: Ping, _: &mut Self::Context) {}
}
