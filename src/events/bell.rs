//! Waking the readers of a thread from that thread.
//!
//! A task that is woken from another thread costs a lock and a cold cache line; a thousand of them
//! keep the thread that publishes, and the workers behind it, busy for as long as it takes to write to
//! a tenth of the readers. So whoever publishes rings once for each thread, and the thread wakes its
//! own.
//!
//! # Invariants
//!
//! 1. Whoever is in a group when it is rung for is woken, also if the thread's task is gone.
//! 2. Nobody is woken while a lock is held.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::task::AtomicWaker;

use crate::events::seat::{ReaderId, Seat};

/// How many readers are woken before others have a turn.
const PORTION: usize = 128;

/// Rung for the readers of one thread.
pub(super) struct Bell {
    rung_for: Mutex<Vec<Arc<Group>>>,
    waker: AtomicWaker,
    is_heard: AtomicBool,
}

impl Bell {
    /// Hangs a bell for the thread that calls this, in a task that lives as long as its runtime.
    pub(super) fn hang() -> Arc<Self> {
        let bell = Arc::new(Self::new());
        actix::spawn(Ringer { bell: Arc::clone(&bell), due: VecDeque::new() });
        bell
    }

    fn new() -> Self {
        Self {
            rung_for: Mutex::default(),
            waker: AtomicWaker::new(),
            is_heard: AtomicBool::new(true),
        }
    }

    /// Whether its task is still there.
    pub(super) fn is_heard(&self) -> bool {
        self.is_heard.load(Ordering::SeqCst)
    }

    fn rung_for(&self) -> MutexGuard<'_, Vec<Arc<Group>>> {
        self.rung_for.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes those who are to be woken.
    fn take_due(&self) -> VecDeque<Waker> {
        let groups = std::mem::take(&mut *self.rung_for());
        groups.iter().flat_map(|group| group.take_wakers()).collect()
    }
}

/// The task that answers a bell.
struct Ringer {
    bell: Arc<Bell>,
    due: VecDeque<Waker>,
}

impl Future for Ringer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        let is_first = self.due.is_empty();
        if is_first {
            self.bell.waker.register(task.waker());
            self.due = self.bell.take_due();
        } else {
            // Whoever else waits for this core need not wait for the last of the readers: the writer of
            // the database, or a client on this machine.
            std::thread::yield_now();
        }
        let portion = self.due.len().min(PORTION);
        self.due.drain(..portion).for_each(Waker::wake);
        if !(is_first && self.due.is_empty()) {
            // After those who were just woken. Also when nobody is left: what was rung for since the
            // first portion was taken is looked at then.
            task.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Ringer {
    fn drop(&mut self) {
        self.bell.is_heard.store(false, Ordering::SeqCst);
        let rung = self.bell.take_due();
        self.due.drain(..).chain(rung).for_each(Waker::wake);
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

    /// Has the group's thread wake its readers; once, however often it is rung for before it does.
    pub(super) fn ring(self: &Arc<Self>) {
        if self.is_rung.swap(true, Ordering::AcqRel) {
            return;
        }
        self.bell.rung_for().push(Arc::clone(self));
        self.bell.waker.wake();
        // Looked at after the push: a task that goes away takes what it finds after it said so.
        if !self.bell.is_heard() {
            self.bell.take_due().into_iter().for_each(Waker::wake);
        }
    }

    fn take_wakers(&self) -> Vec<Waker> {
        // Before the readers are looked at: what is published from here on rings anew.
        self.is_rung.swap(false, Ordering::AcqRel);
        self.seats().values().filter_map(|seat| seat.waker.take()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn fill(group: &Group, readers: u64) -> Arc<Woken> {
        let woken = Arc::<Woken>::default();
        for id in 0..readers {
            let seat = Seat::new("anonymous".into());
            seat.waker.register(&Arc::clone(&woken).into());
            group.add(id, Arc::new(seat));
        }
        woken
    }

    #[test]
    fn readers_are_woken_once_in_portions_and_no_ring_goes_unheard() {
        let bell = Arc::new(Bell::new());
        let mut ringer = Ringer { bell: Arc::clone(&bell), due: VecDeque::new() };
        let task = Arc::<Woken>::default();
        let waker = Arc::clone(&task).into();
        // As a runtime does: polled at first, and then as often as it was woken.
        let mut turn = || {
            task.0.store(0, Ordering::SeqCst);
            let _pending = Pin::new(&mut ringer).poll(&mut Context::from_waker(&waker));
        };
        let is_called = || 0 < task.0.load(Ordering::SeqCst);
        turn();
        let group = Group::new(&bell);
        let woken = fill(&group, 300);
        group.ring();
        group.ring();
        let mut others = Vec::new();
        for reached in [128, 256, 300] {
            assert!(is_called());
            turn();
            assert_eq!(woken.0.load(Ordering::SeqCst), reached);
            let other = Group::new(&bell);
            others.push(fill(&other, 1));
            other.ring();
        }
        while is_called() {
            turn();
        }
        assert!(others.iter().all(|other| other.0.load(Ordering::SeqCst) == 1));
        assert_eq!(woken.0.load(Ordering::SeqCst), 300);
    }

    #[test]
    fn who_is_rung_for_is_woken_although_the_thread_is_gone() {
        let (bell, before) = actix::System::new().block_on(async {
            let bell = Bell::hang();
            let group = Group::new(&bell);
            let woken = fill(&group, 200);
            // The task has no turn any more.
            group.ring();
            (bell, woken)
        });
        assert_eq!(before.0.load(Ordering::SeqCst), 200);
        assert!(!bell.is_heard());
        let group = Group::new(&bell);
        let after = fill(&group, 3);
        group.ring();
        assert_eq!(after.0.load(Ordering::SeqCst), 3);
    }
}
