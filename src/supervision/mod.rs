//! Keeping actors alive, and giving up on those that cannot be kept.
//!
//! `actix::Supervisor` restarts an actor that stopped, always and at once, and never one that
//! panicked. A daemon needs the opposite: an actor whose work is over stays gone, and one that
//! blew up comes back, later and not for ever. [`Supervision::start`] polls the actor's own
//! future inside `catch_unwind` and restarts it in place, so that its address and the mail that
//! waits there survive.
//!
//! # Invariants
//!
//! 1. A panic in `started`, in a handler or in a future the actor spawned costs a restart; only
//!    the message that was being handled is lost.
//! 2. A restarted actor rebuilds itself in [`actix::Supervised::restarting`]; nothing of the
//!    failed run may be relied on.
//! 3. More restarts in a window than the policy allows end the actor, and whoever started it is
//!    told exactly once.
//! 4. An actor is never dropped while its thread unwinds: that would abort the process.

mod guard;
mod restarts;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use actix::dev::ToEnvelope;
use actix::prelude::*;
use tokio::time::Instant;

pub use self::guard::jitter;
pub use self::restarts::{RestartPolicy, Restarts};

/// How an actor's life ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It stopped itself, because its work was over.
    Stopped,
    /// It failed more often than its policy allows; this is what it said last.
    GaveUp(String),
}

/// What became of the actors of a kind since the daemon started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RestartCounts {
    /// Actors that there are, those among them that wait for a restart.
    pub alive: u64,
    /// When one failed last.
    pub last_failure: Option<Instant>,
    /// Restarts.
    pub restarted: u64,
    /// Actors that were given up.
    pub gave_up: u64,
}

/// Starts supervised actors and counts what becomes of them; cheap to clone.
#[derive(Debug, Clone)]
pub struct Supervision {
    policy: RestartPolicy,
    counts: Arc<Mutex<BTreeMap<&'static str, RestartCounts>>>,
}

impl Supervision {
    /// Supervision in which every actor may fail as often as `policy` allows.
    pub fn new(policy: RestartPolicy) -> Self {
        Self { policy, counts: Arc::default() }
    }

    /// Starts an actor on the current arbiter.
    ///
    /// `kind` names it in logs and metrics; `on_end` is called once, when it is gone for good.
    pub fn start<A>(
        &self,
        kind: &'static str,
        actor: A,
        on_end: impl FnOnce(Ended) + 'static,
    ) -> Addr<A>
    where
        A: Supervised<Context = Context<A>>,
    {
        let context = Context::new();
        let address = context.address();
        guard::spawn(self.clone(), kind, context, actor, Box::new(on_end));
        address
    }

    /// Starts an actor on another arbiter.
    pub fn start_on<A>(
        &self,
        arbiter: &ArbiterHandle,
        kind: &'static str,
        actor: A,
        on_end: impl FnOnce(Ended) + Send + 'static,
    ) -> Addr<A>
    where
        A: Supervised<Context = Context<A>> + Send,
    {
        let (sender, receiver) = actix::dev::channel::channel(MAILBOX);
        let supervision = self.clone();
        arbiter.spawn_fn(move || {
            let context = Context::with_receiver(receiver);
            guard::spawn(supervision, kind, context, actor, Box::new(on_end));
        });
        Addr::new(sender)
    }

    /// What became of the actors so far, by kind: of every kind that there is or was.
    pub fn counts(&self) -> BTreeMap<&'static str, RestartCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, kind: &'static str, change: impl FnOnce(&mut RestartCounts)) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        change(counts.entry(kind).or_default());
    }
}

/// Waiting messages an actor on an arbiter of its own may have per sender. Floods are kept out by
/// admission in front of the actor, not by this.
const MAILBOX: usize = 4096;

/// Puts a message into an actor's mailbox whatever waits there already.
///
/// For news that must not be refused and whose number something else bounds. Returns whether the
/// actor was still there.
pub fn deliver<A, M>(to: &Addr<A>, message: M) -> bool
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    if !to.connected() {
        return false;
    }
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
    to.do_send(message);
    true
}

/// Ends the current actor's run as a panic would, without a panic's noise: for a failure that only
/// a restart can mend.
pub fn crash(reason: String) -> ! {
    std::panic::resume_unwind(Box::new(reason))
}
