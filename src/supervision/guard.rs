//! The future that polls an actor and catches what it throws.

use std::any::Any;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use actix::dev::ContextFut;
use actix::prelude::*;
use tokio::time::{Instant, Sleep, sleep};
use tracing::{error, warn};

use crate::supervision::{Ended, Restarts, Supervision};

type OnEnd = Box<dyn FnOnce(Ended)>;

pub(super) fn spawn<A>(
    supervision: Supervision,
    kind: &'static str,
    context: Context<A>,
    actor: A,
    on_end: OnEnd,
) where
    A: Supervised<Context = Context<A>>,
{
    let restarts = Restarts::new(supervision.policy);
    supervision.count(kind, |counts| counts.alive += 1);
    actix::spawn(Guard {
        run: Some(Box::new(context.into_future(actor))),
        back_off: None,
        restarts,
        supervision,
        kind,
        on_end: Some(on_end),
    });
}

struct Guard<A: Supervised<Context = Context<A>>> {
    /// `None` once the actor is gone.
    run: Option<Box<ContextFut<A, Context<A>>>>,
    back_off: Option<Pin<Box<Sleep>>>,
    restarts: Restarts,
    supervision: Supervision,
    kind: &'static str,
    on_end: Option<OnEnd>,
}

impl<A: Supervised<Context = Context<A>>> Future for Guard<A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<()> {
        let this = self.get_mut();
        loop {
            if let Some(back_off) = &mut this.back_off {
                ready!(back_off.as_mut().poll(task));
                this.back_off = None;
            }
            let Some(run) = &mut this.run else { return Poll::Ready(()) };
            // A failed run is rebuilt by `restarting` or dropped; nothing looks at what it left.
            let failure = match catch_unwind(AssertUnwindSafe(|| Pin::new(run).poll(task))) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(())) => {
                    this.end(Ended::Stopped);
                    return Poll::Ready(());
                }
                Err(payload) => panic_text(payload.as_ref()),
            };
            let now = Instant::now();
            this.supervision.count(this.kind, |counts| counts.last_failure = Some(now));
            if !this.restart(&failure) {
                this.end(Ended::GaveUp(failure));
                return Poll::Ready(());
            }
        }
    }
}

impl<A: Supervised<Context = Context<A>>> Guard<A> {
    /// Prepares another run after the back-off, or says that there is none.
    fn restart(&mut self, failure: &str) -> bool {
        let granted = self.restarts.grant(Instant::now(), jitter());
        let (Some(delay), Some(run)) = (granted, &mut self.run) else { return false };
        // It answers false when nobody can reach the actor any more, and may panic like the rest.
        let restarted = catch_unwind(AssertUnwindSafe(|| run.restart()));
        if !matches!(restarted, Ok(true)) {
            return false;
        }
        warn!(actor = self.kind, failure, delay_ms = delay.as_millis(), "actor restarts");
        self.supervision.count(self.kind, |counts| counts.restarted += 1);
        self.back_off = Some(Box::pin(sleep(delay)));
        true
    }

    fn end(&mut self, ended: Ended) {
        self.supervision.count(self.kind, |counts| counts.alive = counts.alive.saturating_sub(1));
        let run = self.run.take();
        // The drop polls the actor once more, so it may panic as well.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(run))) {
            warn!(
                actor = self.kind,
                failure = panic_text(payload.as_ref()),
                "actor failed at its end"
            );
        }
        if let Ended::GaveUp(failure) = &ended {
            error!(actor = self.kind, failure, "actor given up");
            self.supervision.count(self.kind, |counts| counts.gave_up += 1);
        }
        if let Some(on_end) = self.on_end.take() {
            on_end(ended);
        }
    }
}

/// A number between 0 and 1, from the randomness that the standard library seeds its hashers with.
pub fn jitter() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(random >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic that said nothing").to_owned()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;
    use crate::supervision::{RestartPolicy, deliver};

    /// Where the actor is to fail.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Place {
        Started,
        Handler,
        Future,
        Restarting,
    }

    struct Fragile {
        fails_left: u32,
        at: Place,
        handled: Rc<RefCell<Vec<u32>>>,
    }

    impl Fragile {
        fn maybe_fail(&mut self, here: Place) {
            if self.at == here && 0 < self.fails_left {
                self.fails_left -= 1;
                panic!("failed in {here:?}");
            }
        }
    }

    impl Actor for Fragile {
        type Context = Context<Self>;

        fn started(&mut self, ctx: &mut Self::Context) {
            self.maybe_fail(Place::Started);
            ctx.spawn(
                async {}.into_actor(self).map(|(), actor, _| actor.maybe_fail(Place::Future)),
            );
        }
    }

    impl Supervised for Fragile {
        fn restarting(&mut self, _: &mut Self::Context) {
            self.maybe_fail(Place::Restarting);
        }
    }

    #[derive(Message)]
    #[rtype(result = "()")]
    struct Handle(u32);

    impl Handler<Handle> for Fragile {
        type Result = ();

        fn handle(&mut self, Handle(n): Handle, _: &mut Self::Context) {
            self.maybe_fail(Place::Handler);
            assert!(self.at != Place::Restarting, "failed so that it has to restart");
            self.handled.borrow_mut().push(n);
        }
    }

    const POLICY: RestartPolicy = RestartPolicy {
        max_restarts: 3,
        window: Duration::from_mins(1),
        first_delay: Duration::from_secs(1),
        max_delay: Duration::from_secs(9),
    };

    /// Lets an actor fail and sends it three messages; returns those it handled, and its end.
    async fn run(fails_left: u32, at: Place) -> (Vec<u32>, Option<Ended>, u64) {
        tokio::time::pause();
        let supervision = Supervision::new(POLICY);
        let handled = Rc::<RefCell<Vec<u32>>>::default();
        let (told, mut end) = oneshot::channel();
        let actor = Fragile { fails_left, at, handled: Rc::clone(&handled) };
        let address = supervision.start("fragile", actor, move |ended| drop(told.send(ended)));
        for n in 0..3 {
            deliver(&address, Handle(n));
        }
        sleep(Duration::from_mins(5)).await;
        let restarted = supervision.counts().get("fragile").map_or(0, |counts| counts.restarted);
        let handled = handled.borrow().clone();
        (handled, end.try_recv().ok(), restarted)
    }

    #[actix::test]
    async fn a_panic_at_start_costs_a_restart_and_no_mail() {
        assert_eq!(run(2, Place::Started).await, (vec![0, 1, 2], None, 2));
    }

    #[actix::test]
    async fn who_lives_and_who_failed_is_known() {
        tokio::time::pause();
        let supervision = Supervision::new(POLICY);
        let begin = |kind, fails_left| {
            let actor = Fragile { fails_left, at: Place::Started, handled: Rc::default() };
            supervision.start(kind, actor, |_| {})
        };
        let kept = [begin("sound", 0), begin("sound", 0), begin("fragile", 1), begin("lost", 9)];
        sleep(Duration::from_mins(5)).await;
        let counts = supervision.counts();
        let known = |kind| {
            let counts = counts[kind];
            (counts.alive, counts.restarted, counts.gave_up, counts.last_failure.is_some())
        };
        assert_eq!(known("sound"), (2, 0, 0, false));
        assert_eq!(known("fragile"), (1, 1, 0, true));
        assert_eq!(known("lost"), (0, 3, 1, true));
        drop(kept);
    }

    #[actix::test]
    async fn a_panic_in_a_handler_loses_only_its_message() {
        assert_eq!(run(1, Place::Handler).await, (vec![1, 2], None, 1));
    }

    #[actix::test]
    async fn a_panic_in_a_future_costs_a_restart() {
        let (handled, end, restarted) = run(2, Place::Future).await;
        assert_eq!((handled, end, restarted), (vec![0, 1, 2], None, 2));
    }

    #[actix::test]
    async fn a_crash_loop_is_given_up_once_and_says_why() {
        let (handled, end, restarted) = run(u32::MAX, Place::Started).await;
        assert_eq!(handled, Vec::<u32>::new());
        assert_eq!(end, Some(Ended::GaveUp("failed in Started".to_owned())));
        assert_eq!(restarted, 3);
    }

    #[actix::test]
    async fn an_actor_that_cannot_even_restart_is_given_up() {
        let (_, end, _) = run(u32::MAX, Place::Restarting).await;
        assert!(matches!(end, Some(Ended::GaveUp(_))), "{end:?}");
    }

    #[actix::test]
    async fn an_actor_that_is_done_stays_gone() {
        struct Done;
        impl Actor for Done {
            type Context = Context<Self>;
            fn started(&mut self, ctx: &mut Self::Context) {
                ctx.stop();
            }
        }
        impl Supervised for Done {}
        let (told, end) = oneshot::channel();
        let supervision = Supervision::new(POLICY);
        let address = supervision.start("done", Done, move |ended| drop(told.send(ended)));
        assert_eq!(end.await, Ok(Ended::Stopped));
        assert!(!address.connected());
    }
}
