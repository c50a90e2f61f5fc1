//! The actor that publishes what was committed.
//!
//! It hears of events from the store, in the order of their commits, and never relies on it: at its
//! start, after a failure, and when an event does not follow the last one, it publishes what the log
//! has after the head. So nothing in the log goes unpublished, and nothing is published twice.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix::prelude::*;
use tracing::warn;

use crate::events::hub::{Hub, HubError};
use crate::store::events::{self, CommittedEvent, EventFilter};
use crate::store::{Publish as PublishHook, StoreError};
use crate::supervision::deliver;

/// The time between two parts of a heartbeat.
const TICK: Duration = Duration::from_secs(1);

/// Events taken from the log at once.
const PAGE: i64 = 256;

/// The wait before the log is read again that could not be read; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Carries committed events from the store to the broadcast actor, which is started later because it
/// reads the store. What is committed before it is connected is published from the log.
#[derive(Clone, Default)]
pub struct Outlet(Arc<OnceLock<Addr<Broadcast>>>);

impl Outlet {
    /// The end that the store gets.
    pub fn publish(&self) -> PublishHook {
        let Self(broadcast) = self.clone();
        Arc::new(move |events| {
            if let Some(broadcast) = broadcast.get() {
                // Once the actor is gone for good the daemon ends; the log has the events.
                deliver(broadcast, Publish(events));
            }
        })
    }

    /// Connects the other end; the first that is connected stays.
    pub(super) fn connect(&self, broadcast: Addr<Broadcast>) {
        self.0.get_or_init(|| broadcast);
    }

    /// Asks the other end for something, and waits until it is done.
    pub(super) async fn ask<M>(&self, message: M) -> Result<(), HubError>
    where
        M: Message<Result = ()> + Send + 'static,
        Broadcast: Handler<M>,
    {
        let broadcast = self.0.get().ok_or(HubError::Down)?;
        broadcast.send(message).await.map_err(|_gone| HubError::Down)
    }
}

/// Publishes committed events, and gives the readers their heartbeat.
pub struct Broadcast {
    hub: Arc<Hub>,
    ticks: u64,
}

impl Broadcast {
    pub(super) fn new(hub: Arc<Hub>) -> Self {
        Self { hub, ticks: 0 }
    }

    /// Publishes what the log has after the head, while everything else waits.
    fn catch_up(&self) -> ResponseActFuture<Self, ()> {
        Box::pin(catch_up(Arc::clone(&self.hub)).into_actor(self))
    }
}

/// Events that were committed, oldest first.
#[derive(Message)]
#[rtype(result = "()")]
struct Publish(Vec<CommittedEvent>);

/// Publishes what the log has after the head; answered when that is done.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct CatchUp;

/// Answered as soon as the actor gets to it.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Ping;

impl Actor for Broadcast {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(TICK, |actor, _| {
            actor.ticks += 1;
            actor.hub.beat(actor.ticks);
        });
        ctx.wait(self.catch_up());
    }
}

impl Supervised for Broadcast {}

impl Handler<Publish> for Broadcast {
    type Result = ();

    fn handle(&mut self, Publish(events): Publish, ctx: &mut Self::Context) {
        fail::fail_point!("broadcast-publish");
        let head = self.hub.head();
        if events.first().is_some_and(|event| head + 1 < event.seq) {
            // What is missing is in the log, and so are these.
            ctx.wait(self.catch_up());
        } else {
            self.hub.publish(&events);
        }
    }
}

impl Handler<CatchUp> for Broadcast {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, CatchUp: CatchUp, _: &mut Self::Context) -> Self::Result {
        AtomicResponse::new(self.catch_up())
    }
}

impl Handler<Ping> for Broadcast {
    type Result = ();

    fn handle(&mut self, Ping: Ping, _: &mut Self::Context) {}
}

/// Tries until the log can be read: without it nothing could be published, and what is to be
/// published is not lost meanwhile.
async fn catch_up(hub: Arc<Hub>) {
    let mut wait = FIRST_WAIT;
    while let Err(error) = publish_log(&hub).await {
        warn!(error = format!("{error:?}"), "the event log cannot be read; trying again");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
    // A failure may have come between publishing and waking.
    hub.wake_all();
}

async fn publish_log(hub: &Hub) -> Result<(), StoreError> {
    fail::fail_point!("events-catch-up", |_| Err(StoreError::Panicked));
    let newest = hub.store.read(events::kept).await?.newest;
    loop {
        let head = hub.head();
        if newest <= head {
            return Ok(());
        }
        let page = hub
            .store
            .read(move |conn| events::replay(conn, &[EventFilter::All], head, newest, PAGE));
        hub.publish(&page.await?);
        // As many rows were looked at, even if some or all are of a kind that is not known.
        hub.pass_over(newest.min(head + PAGE));
    }
}
