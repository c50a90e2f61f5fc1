//! What the broadcast actor and the readers share, and the door to the event stream.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use actix::ArbiterHandle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::events::admission::{Limits, SubscribeError};
use crate::events::broadcast::{Broadcast, CatchUp, Outlet, Ping};
use crate::events::changes::Changes;
use crate::events::frame;
use crate::events::reader::Reader;
use crate::events::registry::{Framed, Place, Registry};
use crate::events::resume::Resume;
use crate::events::seat::{BEAT, ReaderId, Seat};
use crate::events::statistics::{Statistics, StatisticsNow};
use crate::events::topic::Topics;
use crate::store::events::{CommittedEvent, kept};
use crate::store::{Store, StoreError};
use crate::supervision::{Ended, Supervision};

/// How many parts a heartbeat is spread over, so that it is no burst. One part a second makes it
/// one beat every 15 seconds for each reader.
pub(super) const BEAT_PARTS: u64 = 15;

/// How many readers read the log at once; the store has few places for reads, and others need them.
const REPLAYS: usize = 2;

/// How many of the newest events are put into the rings at the start, so that clients that come
/// back after a restart are served from memory.
const WARM: i64 = 256;

/// What the event stream needs from the rest of the daemon.
pub struct HubDeps {
    /// Has the log, and publishes into `outlet`.
    pub store: Store,
    /// Where the store puts what it commits.
    pub outlet: Outlet,
    /// Keeps the broadcast actor alive.
    pub supervision: Supervision,
    /// The thread on which the broadcast actor works.
    pub arbiter: ArbiterHandle,
    /// How many streams there may be, and how much is kept in memory.
    pub limits: Limits,
    /// Called when the broadcast actor cannot be kept alive.
    pub on_end: Box<dyn FnOnce(Ended) + Send>,
}

/// Why the event stream does not work.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The log cannot be read.
    #[error("the event log cannot be read: {0}")]
    Log(#[from] StoreError),
    /// The broadcast actor is gone.
    #[error("the event stream is down")]
    Down,
}

/// The place of a stream that is not of events; it is free again when this is dropped.
pub struct Stand {
    hub: Arc<Hub>,
    place: Place,
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.hub.dismiss(&self.place);
    }
}

/// The rings, the readers and how far publishing has come.
pub struct Hub {
    /// The newest event that is in all of its rings. Readers take nothing beyond it, because what is
    /// beyond may be in one of their rings and not yet in another.
    head: AtomicI64,
    is_draining: AtomicBool,
    ended: CancellationToken,
    registry: Mutex<Registry>,
    outlet: Outlet,
    changes: Arc<Changes>,
    pub(super) replays: Arc<Semaphore>,
    pub(super) store: Store,
    pub(super) statistics: Statistics,
}

impl Hub {
    /// Starts publishing what is committed from now on.
    ///
    /// # Errors
    /// The log cannot be read, or the broadcast actor failed at once.
    pub async fn start(deps: HubDeps) -> Result<Arc<Self>, HubError> {
        let HubDeps { store, outlet, supervision, arbiter, limits, on_end } = deps;
        let kept = store.read(kept).await?;
        let head = (kept.oldest - 1).max(kept.newest - WARM);
        let hub = Arc::new(Self {
            head: AtomicI64::new(head),
            is_draining: AtomicBool::new(false),
            ended: CancellationToken::new(),
            registry: Mutex::new(Registry::new(head, limits)),
            outlet: outlet.clone(),
            changes: Arc::default(),
            replays: Arc::new(Semaphore::new(REPLAYS)),
            store,
            statistics: Statistics::default(),
        });
        let actor = Broadcast::new(Arc::clone(&hub));
        outlet.connect(supervision.start_on(&arbiter, "broadcast", actor, on_end));
        // Only now does the actor hear of every commit; what it missed is in the log.
        hub.outlet.ask(CatchUp).await?;
        Ok(hub)
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        // A panic halfway leaves at worst an event in some of its rings, and the next try mends it.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest event that was published.
    pub(super) fn head(&self) -> i64 {
        self.head.load(Ordering::Acquire)
    }

    /// Whether the server goes down.
    pub(super) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }

    /// Opens a stream.
    ///
    /// # Errors
    /// Too many streams are open, or the server goes down.
    pub fn subscribe(
        self: &Arc<Self>,
        topics: &Topics,
        resume: Resume,
        principal: &str,
    ) -> Result<Reader, SubscribeError> {
        let admitted = self.admit(topics, principal);
        let (head, place) = admitted.inspect_err(|_refused| self.statistics.refused())?;
        let (cursor, untold) = match resume {
            Resume::After(id) if id <= head => (id, None),
            Resume::After(_) | Resume::Live => (head, Some(head)),
        };
        Ok(Reader::new(Arc::clone(self), place, cursor, frame::open(topics, untold)))
    }

    /// Takes a place for a stream of something else, which counts as all streams do.
    ///
    /// # Errors
    /// Too many streams are open, or the server goes down.
    pub fn stand(self: &Arc<Self>, principal: &str) -> Result<Stand, SubscribeError> {
        let mut registry = self.registry();
        if self.is_draining() {
            return Err(SubscribeError::Draining);
        }
        let place = registry.admit(principal, &[], self.head());
        drop(registry);
        let place = place.inspect_err(|_refused| self.statistics.refused())?;
        Ok(Stand { hub: Arc::clone(self), place })
    }

    fn admit(&self, topics: &Topics, principal: &str) -> Result<(i64, Place), SubscribeError> {
        let mut registry = self.registry();
        if self.is_draining() {
            return Err(SubscribeError::Draining);
        }
        // Nothing is published while the registry is held, so no event falls between the head and
        // the rings.
        let head = self.head();
        Ok((head, registry.admit(principal, topics.each(), head)?))
    }

    /// Where to wait for something to change.
    pub fn changes(&self) -> &Arc<Changes> {
        &self.changes
    }

    /// Takes a reader's place back.
    pub(super) fn dismiss(&self, place: &Place) {
        self.registry().dismiss(place);
    }

    /// Publishes events, the first of which must be the one after the head or one that was published
    /// already; those are passed over.
    pub(super) fn publish(&self, events: &[CommittedEvent]) {
        let head = self.head();
        let new: Vec<_> = events.iter().filter(|event| head < event.seq).collect();
        let framed: Vec<_> = new.iter().copied().map(framed).collect();
        let Some(last) = framed.last().map(|event| event.seq) else { return };
        let registry = self.registry();
        for event in &framed {
            registry.push(event);
        }
        self.statistics.published(framed.len() as u64);
        self.head.store(last, Ordering::Release);
        registry.ring_followers(&framed);
        drop(registry);
        self.changes.announce(&new);
    }

    /// Passes over what cannot be published, up to and including `seq`.
    pub(super) fn pass_over(&self, seq: i64) {
        let _registry = self.registry();
        self.head.fetch_max(seq, Ordering::AcqRel);
    }

    /// Has every reader look at what there is.
    pub(super) fn wake_all(&self) {
        self.wake(|_, _| true);
    }

    /// Has one part of the readers give a sign of life.
    pub(super) fn beat(&self, tick: u64) {
        self.wake(|id, seat| {
            let due = id % BEAT_PARTS == tick % BEAT_PARTS;
            if due {
                seat.notify(BEAT);
            }
            due
        });
    }

    /// Ends every stream with a `shutdown` frame, and refuses new ones.
    pub fn shut_down(&self) {
        {
            let _registry = self.registry();
            self.is_draining.store(true, Ordering::Release);
        }
        self.ended.cancel();
        self.wake_all();
    }

    /// Waits for [`Hub::shut_down`]; for whatever else must end with the streams.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        self.ended.clone().cancelled_owned()
    }

    /// Waits until the broadcast actor has a moment, which proves that it lives.
    ///
    /// # Errors
    /// It is gone.
    pub async fn ping(&self) -> Result<(), HubError> {
        self.outlet.ask(Ping).await
    }

    /// Whether the readers that left took all that was theirs.
    #[cfg(test)]
    pub(super) fn keeps_nothing_for_readers(&self) -> bool {
        self.registry().keeps_nothing_for_readers()
    }

    fn wake(&self, choose: impl FnMut(ReaderId, &Seat) -> bool) {
        let mut wakers = Vec::new();
        self.registry().wake_chosen(&mut wakers, choose);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// How many readers read the log now, and how many may at once.
    pub fn replaying(&self) -> (usize, usize) {
        (REPLAYS - self.replays.available_permits(), REPLAYS)
    }

    /// How many readers there may be.
    pub fn most_readers(&self) -> usize {
        self.registry().most_readers()
    }

    /// What the stream has carried so far.
    pub fn statistics(&self) -> StatisticsNow {
        let readers = self.registry().readers();
        self.statistics.now(readers)
    }
}

fn framed(event: &CommittedEvent) -> Framed<'_> {
    let kind = event.entity.kind.as_str();
    Framed {
        seq: event.seq,
        entity: &event.entity,
        specific: frame::event(event.seq, &event.event_type, &event.payload),
        general: frame::event(event.seq, kind, &event.payload),
    }
}
