//! Waking the readers of a thread from that thread.
//!
//! A task that is woken from another thread costs a lock and a cold cache line; a thousand of them
//! keep the thread that publishes, and the workers behind it, busy for as long as it takes to write to
//! a tenth of the readers. So whoever publishes rings once for each thread, and the thread wakes its
//! own.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::task::AtomicWaker;

use crate::events::registry::{ReaderId, Seat};

/// How many readers are woken before others have a turn.
const PORTION: usize = 128;

/// Rung for the readers of one thread.
pub(super) struct Bell {
    rung_for: Mutex<Vec<Arc<Group>>>,
    waker: AtomicWaker,
}

impl Bell {
    /// Hangs a bell for the thread that calls this, in a task that lives as long as its runtime.
    pub(super) fn hang() -> Arc<Self> {
        let bell = Arc::new(Self { rung_for: Mutex::default(), waker: AtomicWaker::new() });
        let (heard, mut due) = (Arc::clone(&bell), VecDeque::new());
        actix::spawn(poll_fn(move |task| heard.answer(&mut due, task)));
        bell
    }

    fn rung_for(&self) -> MutexGuard<'_, Vec<Arc<Group>>> {
        self.rung_for.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, due: &mut VecDeque<Waker>, task: &Context<'_>) -> Poll<()> {
        if !due.is_empty() {
            // Nobody waits for this core longer than a portion takes: not the writer of the database,
            // nor a client on this machine.
            std::thread::yield_now();
        }
        self.waker.register(task.waker());
        let groups = std::mem::take(&mut *self.rung_for());
        for group in &groups {
            group.take_wakers(due);
        }
        due.drain(..due.len().min(PORTION)).for_each(Waker::wake);
        if !due.is_empty() {
            // After those who were just woken, and whatever else waits on this thread.
            task.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

/// The readers of one topic on one thread.
pub(super) struct Group {
    bell: Arc<Bell>,
    seats: Mutex<BTreeMap<ReaderId, Arc<Seat>>>,
    is_rung: AtomicBool,
}

impl Group {
    pub(super) fn new(bell: &Arc<Bell>) -> Arc<Self> {
        Arc::new(Self {
            bell: Arc::clone(bell),
            seats: Mutex::default(),
            is_rung: AtomicBool::new(false),
        })
    }

    fn seats(&self) -> MutexGuard<'_, BTreeMap<ReaderId, Arc<Seat>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_of(&self, bell: &Arc<Bell>) -> bool {
        Arc::ptr_eq(&self.bell, bell)
    }

    pub(super) fn add(&self, id: ReaderId, seat: Arc<Seat>) {
        self.seats().insert(id, seat);
    }

    /// Takes a reader out, and says whether that was the last one.
    pub(super) fn remove(&self, id: ReaderId) -> bool {
        let mut seats = self.seats();
        seats.remove(&id);
        seats.is_empty()
    }

    /// Has the group's thread wake its readers; once, however often it is rung before it does.
    pub(super) fn ring(self: &Arc<Self>) {
        if !self.is_rung.swap(true, Ordering::AcqRel) {
            self.bell.rung_for().push(Arc::clone(self));
            self.bell.waker.wake();
        }
    }

    fn take_wakers(&self, due: &mut VecDeque<Waker>) {
        // Before the readers are looked at: what is published from here on rings anew.
        self.is_rung.swap(false, Ordering::AcqRel);
        due.extend(self.seats().values().filter_map(|seat| seat.waker.take()));
    }
}
