//! One job's actor: it owns the job from its acceptance to its end.
//!
//! What it does is decided by [`crate::jobs::machine`]; here the effects are carried out, one
//! after the other, and their answers fed back. Whatever goes wrong beyond that ends in a restart
//! from the row, by the same path as after a restart of the daemon.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tracing::{debug, warn};

use crate::adapters::{
    ExternalRef, FailureReason, RunFailure, RunProgress, RunRequest, RunStatus, RunnerError,
};
use crate::clock::Timestamp;
use crate::ids::{ConfigId, JobId, TaskId};
use crate::jobs::JobDeps;
use crate::jobs::machine::{self, Change, Effect, Facts, Input, State};
use crate::jobs::record;
use crate::jobs::supervisor::{AskForPlace, JobSupervisor, LeavePlace, OccupyPlace};
use crate::jobs::view::JobView;
use crate::store::jobs::JobRow;
use crate::store::{StoreError, Transaction, jobs};
use crate::supervision::{crash, deliver};

/// The first wait before something that failed for want of a backend is tried again; it doubles.
const RETRY_FIRST: Duration = Duration::from_millis(200);

/// The longest such wait.
const RETRY_LAST: Duration = Duration::from_secs(10);

/// There is a place: the job may run.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Granted;

/// The row says that somebody wants the job ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct CancelWished;

pub(super) struct JobActor {
    view: Arc<JobView>,
    state: State,
    deps: Arc<JobDeps>,
    parent: Addr<JobSupervisor>,
    origin: Origin,
    failures: u8,
}

/// Where the actor's view of its job comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Accepted just now.
    Accepted,
    /// Read when the daemon started.
    Adopted,
    /// What it had is in doubt: it must be read.
    Unread,
}

impl JobActor {
    pub(super) fn new(
        view: Arc<JobView>,
        origin: Origin,
        deps: Arc<JobDeps>,
        parent: Addr<JobSupervisor>,
    ) -> Self {
        Self { view, state: State::Queued, deps, parent, origin, failures: 0 }
    }

    fn row(&self) -> &JobRow {
        &self.view.row
    }

    fn id(&self) -> JobId {
        JobId::parse(&self.row().job_id).expect("every row's id was parsed when it was made")
    }

    fn facts(&self) -> Facts {
        let row = self.row();
        Facts {
            status: row.status,
            run: row.run_ref.clone().map(ExternalRef),
            cancelled: row.cancel_requested_by.is_some(),
            late: self.time_left() == Some(Duration::ZERO),
            progress: RunProgress { fraction: row.progress, text: row.progress_text.clone() },
        }
    }

    fn begin(&mut self, ctx: &mut Context<Self>) {
        let fresh = self.origin == Origin::Accepted;
        let (state, effects) = machine::resume(&self.facts(), fresh);
        self.go_on(state, effects, ctx);
        if let Some(left) = self.time_left() {
            ctx.run_later(left, |actor, ctx| actor.feed(Input::DeadlinePassed, ctx));
        }
    }

    /// The time until the deadline, if there is one.
    fn time_left(&self) -> Option<Duration> {
        let deadline = Timestamp::parse(self.row().deadline_at.as_deref()?).ok()?;
        Some(deadline.since(self.deps.clock.now()).try_into().unwrap_or(Duration::ZERO))
    }

    fn feed(&mut self, input: Input, ctx: &mut Context<Self>) {
        let state = std::mem::replace(&mut self.state, State::Over);
        let (state, effects) = machine::step(state, &self.facts(), input);
        self.go_on(state, effects, ctx);
    }

    fn go_on(&mut self, state: State, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        self.state = state;
        for effect in effects {
            self.perform(effect, ctx);
        }
    }

    fn perform(&mut self, effect: Effect, ctx: &mut Context<Self>) {
        let runner = Arc::clone(&self.deps.runner);
        match effect {
            Effect::AskForPlace => {
                let principal = self.row().principal.as_str().into();
                deliver(&self.parent, AskForPlace { id: self.id(), principal });
            }
            Effect::OccupyPlace => {
                deliver(&self.parent, OccupyPlace(self.id()));
            }
            Effect::Leave => {
                deliver(&self.parent, LeavePlace(self.id()));
                ctx.stop();
            }
            Effect::Find => {
                let id = self.id();
                let find = async move { runner.find(&id).await };
                self.ask(find, Effect::Find, |found, _| Ok(Input::Found(found)), ctx);
            }
            Effect::Start => {
                let request = self.request();
                let run = async move { runner.run(&request).await };
                self.ask(run, Effect::Start, |run, _| Ok(Input::Started(run)), ctx);
            }
            Effect::PollAfter(wait, run) => {
                let again = Effect::PollAfter(wait, run.clone());
                let poll = async move {
                    tokio::time::sleep(wait).await;
                    runner.poll(&run).await
                };
                self.ask(poll, again, |status, _| Ok(Input::Polled(status)), ctx);
            }
            Effect::End(run) => {
                let again = Effect::End(run.clone());
                let end = async move { runner.cancel(&run).await };
                self.ask(end, again, |(), _| Ok(Input::Gone), ctx);
            }
            Effect::Note(change) => self.note(change, ctx),
        }
    }

    fn request(&self) -> RunRequest {
        let row = self.row();
        let valid = "every row's ids were parsed when it was made";
        RunRequest {
            job_id: self.id(),
            task_id: TaskId::parse(&row.task_id).expect(valid),
            config_id: ConfigId::parse(&row.config_id).expect(valid),
            timeout: row
                .timeout_seconds
                .and_then(|s| u64::try_from(s).ok())
                .map(Duration::from_secs),
        }
    }

    /// Asks the runner, and asks again later if it could not be reached.
    fn ask<T: 'static>(
        &mut self,
        question: impl Future<Output = Result<T, RunnerError>> + 'static,
        again: Effect,
        understand: impl FnOnce(T, &Self) -> Result<Input, RunnerError> + 'static,
        ctx: &mut Context<Self>,
    ) {
        ctx.spawn(question.into_actor(self).map(move |answer, actor, ctx| {
            let input = match answer.and_then(|answer| understand(answer, actor)) {
                Ok(input) => input,
                Err(RunnerError::Unavailable(error)) => {
                    debug!(
                        job.id = actor.row().job_id,
                        error = format!("{error:#}"),
                        "runner unavailable"
                    );
                    let wait = actor.back_off();
                    ctx.run_later(wait, |actor, ctx| actor.perform(again, ctx));
                    return;
                }
                Err(refusal) => refused(&actor.state, &refusal),
            };
            actor.failures = 0;
            actor.feed(input, ctx);
        }));
    }

    fn back_off(&mut self) -> Duration {
        let wait = RETRY_FIRST.saturating_mul(2u32.saturating_pow(self.failures.into()));
        self.failures = self.failures.saturating_add(1);
        wait.min(RETRY_LAST)
    }

    /// Writes a change down; what the row then says decides how it goes on.
    fn note(&mut self, change: Change, ctx: &mut Context<Self>) {
        let deps = Arc::clone(&self.deps);
        let view = Arc::clone(&self.view);
        let id = self.row().job_id.clone();
        let write = async move {
            let (board, statistics) = (Arc::clone(&deps.board), Arc::clone(&deps.statistics));
            let written = change.clone();
            let record = move |tx: &mut Transaction<'_>| {
                let shown = record::Shown { board: &board, statistics: &statistics };
                record::change(tx, shown, &view.row, &written)
            };
            let outcome = match deps.store.record(record).await {
                // Somebody's wish came in between: the row as it is now decides.
                Err(StoreError::Stale) => {
                    deps.store.read(move |conn| jobs::find(conn, &id)).await.map(JobView::new)
                }
                other => other,
            };
            (outcome, change)
        };
        ctx.spawn(write.into_actor(self).map(|(outcome, change), actor, ctx| match outcome {
            Ok(view) => {
                actor.failures = 0;
                actor.view = view;
                let (state, effects) = machine::noted(&actor.facts());
                actor.go_on(state, effects, ctx);
            }
            Err(error) if error.is_transient() => {
                warn!(job.id = actor.row().job_id, %error, "a change waits for the database");
                let wait = actor.back_off();
                ctx.run_later(wait, |actor, ctx| actor.note(change, ctx));
            }
            Err(error) => crash(format!("a change could not be written: {error}")),
        }));
    }

    fn read_row(&mut self, ctx: &mut Context<Self>) {
        let store = self.deps.store.clone();
        let id = self.row().job_id.clone();
        let read = async move { store.read(move |conn| jobs::find(conn, &id)).await };
        // No mail is opened before the row is known.
        ctx.wait(read.into_actor(self).map(|found, actor, ctx| match found {
            Ok(row) => {
                actor.view = JobView::new(row);
                actor.begin(ctx);
            }
            Err(StoreError::NotFound) => actor.go_on(State::Over, vec![Effect::Leave], ctx),
            Err(error) => crash(format!("the row could not be read: {error}")),
        }));
    }
}

/// What a definite refusal of the runner means in a state.
fn refused(state: &State, refusal: &RunnerError) -> Input {
    match state {
        State::Starting => Input::Refused(RunFailure {
            reason: FailureReason::NotStarted,
            message: refusal.to_string(),
            exit_code: None,
        }),
        // There is nothing left that could be ended.
        State::Ending { .. } => Input::Gone,
        State::Finding => Input::Found(None),
        _watching => Input::Polled(RunStatus::Failed(RunFailure {
            reason: FailureReason::Lost,
            message: refusal.to_string(),
            exit_code: None,
        })),
    }
}

impl Actor for JobActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        fail::fail_point!("job-started");
        match self.origin {
            Origin::Accepted | Origin::Adopted => self.begin(ctx),
            Origin::Unread => self.read_row(ctx),
        }
    }
}

impl Supervised for JobActor {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.origin = Origin::Unread;
        self.state = State::Queued;
        self.failures = 0;
    }
}

impl Handler<Granted> for JobActor {
    type Result = ();

    fn handle(&mut self, Granted: Granted, ctx: &mut Self::Context) {
        fail::fail_point!("job-granted");
        self.feed(Input::Granted, ctx);
    }
}

impl Handler<CancelWished> for JobActor {
    type Result = ();

    fn handle(&mut self, CancelWished: CancelWished, ctx: &mut Self::Context) {
        // The board has what was committed, the wish included.
        if let Some(view) = self.deps.board.get(self.id().as_str()) {
            self.view = view;
        }
        self.feed(Input::CancelWished, ctx);
    }
}
