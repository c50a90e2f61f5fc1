//! One canary's actor: it owns the canary from its acceptance to its end.
//!
//! What there is to do follows from the row's phase alone ([`machine::duty`]), and each piece of
//! work ends in a new row or in none. So a pause, an abort, a failed handler and a restart of the
//! daemon are all the same to it: it takes the newest row and begins with that.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::time::Instant;
use tracing::{debug, error, warn};

use crate::canaries::CanaryDeps;
use crate::canaries::look::Reading;
use crate::canaries::machine::{self, Duty};
use crate::canaries::steps::{self, NotYet};
use crate::canaries::view::CanaryView;
use crate::clock::Timestamp;
use crate::store::StoreError;
use crate::supervision::crash;

/// The first wait before something that could not be done is tried again; it doubles.
const RETRY_FIRST: Duration = Duration::from_millis(200);

/// The longest such wait.
const RETRY_LAST: Duration = Duration::from_secs(10);

/// The longest wait before a gate is asked to be put back again.
const RESTORE_LAST: Duration = Duration::from_mins(5);

/// How often something fails before it is told.
const TOLD_AFTER: u8 = 3;

/// Somebody changed the row.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Changed;

/// Where the actor's view of its canary comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Accepted just now.
    Accepted,
    /// What it had is in doubt: row and measurements must be read.
    Unread,
}

pub(super) struct CanaryActor {
    view: Arc<CanaryView>,
    deps: Arc<CanaryDeps>,
    origin: Origin,
    /// When this process last read the window's clock; what passed before that is known from the
    /// row alone.
    read_at: Option<(Timestamp, Instant)>,
    /// The same for a look that is under way; it counts only when what came of it is written down.
    reading_at: Option<(Timestamp, Instant)>,
    /// What is being done or waited for; given up when the row changes under it.
    work: Option<SpawnHandle>,
    failures: u8,
}

impl CanaryActor {
    pub(super) fn new(view: Arc<CanaryView>, origin: Origin, deps: Arc<CanaryDeps>) -> Self {
        Self { view, deps, origin, read_at: None, reading_at: None, work: None, failures: 0 }
    }

    /// Begins with the row as it now is.
    fn begin(&mut self, ctx: &mut Context<Self>) {
        if let Some(work) = self.work.take() {
            ctx.cancel_future(work);
        }
        let (deps, view) = (Arc::clone(&self.deps), Arc::clone(&self.view));
        match machine::duty(self.view.row.phase) {
            Duty::Leave => ctx.stop(),
            // Whoever it waits for changes the row.
            Duty::Wait => (self.read_at, self.reading_at) = (None, None),
            Duty::Look => self.wait_for_look(ctx),
            Duty::Enter => self.work_on(async move { steps::enter(&deps, &view).await }, ctx),
            Duty::Confirm => self.work_on(async move { steps::confirm(&deps, &view).await }, ctx),
            Duty::Restore => self.work_on(async move { steps::restore(&deps, &view).await }, ctx),
        }
    }

    fn wait_for_look(&mut self, ctx: &mut Context<Self>) {
        let wait = steps::until_next_look(&self.view, self.read_at, self.deps.clock.now());
        self.work = Some(ctx.run_later(wait, Self::look));
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        fail::fail_point!("canary-look");
        let now = (self.deps.clock.now(), Instant::now());
        let reading = Reading { now: now.0, ran: self.read_at.map(|(_, then)| now.1 - then) };
        self.reading_at = Some(now);
        let (deps, view) = (Arc::clone(&self.deps), Arc::clone(&self.view));
        self.work_on(async move { steps::look(&deps, &view, reading).await }, ctx);
    }

    /// Does a piece of work; the row it ends in says how it goes on.
    fn work_on(
        &mut self,
        work: impl Future<Output = Result<Arc<CanaryView>, NotYet>> + 'static,
        ctx: &mut Context<Self>,
    ) {
        self.work = Some(ctx.spawn(work.into_actor(self).map(|done, actor, ctx| {
            actor.work = None;
            match done {
                Ok(view) => {
                    actor.failures = 0;
                    actor.read_at = actor.reading_at.take().or(actor.read_at);
                    actor.view = view;
                    actor.begin(ctx);
                }
                // Somebody changed the row first: what was decided on the older one is void.
                Err(NotYet::Store(StoreError::Stale)) => actor.read(ctx),
                Err(why) if why.is_transient() => actor.try_again(&why, ctx),
                Err(why) => crash(format!("a canary could not go on: {why}")),
            }
        })));
    }

    /// Does the same again later, and tells what is in the way once it has been for a while.
    fn try_again(&mut self, why: &NotYet, ctx: &mut Context<Self>) {
        let wait = self.back_off(why);
        let id = &self.view.row.canary_id;
        debug!(canary.id = id, "a canary waits: {why}");
        self.work = Some(ctx.run_later(wait, Self::begin));
        let trouble = why.to_string();
        if self.failures < TOLD_AFTER || self.view.row.trouble.as_ref() == Some(&trouble) {
            return;
        }
        warn!(canary.id = id, "a canary waits: {why}");
        let (deps, view) = (Arc::clone(&self.deps), Arc::clone(&self.view));
        let note = async move { steps::note_trouble(&deps, &view, trouble).await };
        ctx.spawn(note.into_actor(self).map(|noted, actor, _| {
            // If it cannot be noted either, the next attempt tells it.
            if let Ok(view) = noted {
                actor.view = view;
            }
        }));
    }

    fn back_off(&mut self, why: &NotYet) -> Duration {
        let wait = RETRY_FIRST.saturating_mul(2u32.saturating_pow(self.failures.into()));
        self.failures = self.failures.saturating_add(1);
        // A registry that refuses to put a gate back leaves a fact each time it is asked.
        let longest = if matches!(why, NotYet::Restore(_)) { RESTORE_LAST } else { RETRY_LAST };
        wait.min(longest)
    }

    /// Reads the row and all measurements, and begins with them.
    fn read(&mut self, ctx: &mut Context<Self>) {
        let (deps, view) = (Arc::clone(&self.deps), Arc::clone(&self.view));
        let read = async move { steps::read(&deps, &view.row.canary_id).await };
        // No mail is opened before the row is known.
        ctx.wait(read.into_actor(self).map(|found, actor, ctx| match found {
            Ok(view) => {
                actor.deps.board.put(Arc::clone(&view));
                actor.view = view;
                actor.begin(ctx);
            }
            Err(NotYet::Store(StoreError::NotFound)) => {
                error!(canary.id = actor.view.row.canary_id, "a canary's row is gone");
                ctx.stop();
            }
            Err(why) if why.is_transient() => {
                let wait = actor.back_off(&why);
                actor.work = Some(ctx.run_later(wait, Self::read));
            }
            Err(why) => crash(format!("the row could not be read: {why}")),
        }));
    }
}

impl Actor for CanaryActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        fail::fail_point!("canary-started");
        match self.origin {
            Origin::Accepted => self.begin(ctx),
            Origin::Unread => self.read(ctx),
        }
    }
}

impl Supervised for CanaryActor {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.origin = Origin::Unread;
        self.read_at = None;
        self.reading_at = None;
        self.work = None;
        self.failures = 0;
    }
}

impl Handler<Changed> for CanaryActor {
    type Result = ();

    fn handle(&mut self, Changed: Changed, ctx: &mut Self::Context) {
        // The board has what was committed.
        if let Some(view) = self.deps.board.get(&self.view.row.canary_id) {
            self.view = view;
        }
        self.begin(ctx);
    }
}
