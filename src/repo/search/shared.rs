//! What searches and the indexer have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::snapshot::Snapshot;
use super::state::{IndexState, Phase};
use crate::clock::Clock;
use crate::events::Changes;
use crate::repo::RepoPath;
use crate::repo::root::Root;

/// The index as searches see it, and what they know better.
pub(super) struct Shared {
    pub(super) root: Arc<Root>,
    pub(super) directory: PathBuf,
    pub(super) clock: Arc<dyn Clock>,
    /// Who waits for a file to change.
    pub(super) followers: Arc<Changes>,
    current: Mutex<Option<Arc<Snapshot>>>,
    /// Files that were changed and are not in the index yet, each with the number of its change.
    changed: Mutex<(u64, BTreeMap<RepoPath, u64>)>,
    state: Mutex<IndexState>,
    is_closed: AtomicBool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("directory", &self.directory).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(
        root: Arc<Root>,
        directory: PathBuf,
        clock: Arc<dyn Clock>,
        followers: Arc<Changes>,
    ) -> Self {
        Self {
            root,
            directory,
            clock,
            followers,
            current: Mutex::default(),
            changed: Mutex::default(),
            state: Mutex::default(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// The index, if it is ready.
    pub(super) fn current(&self) -> Option<Arc<Snapshot>> {
        lock(&self.current).clone()
    }

    /// Has searches see another state of the index.
    pub(super) fn publish(&self, snapshot: Arc<Snapshot>) {
        let (extent, memory) = (snapshot.extent(), snapshot.memory());
        let segments = snapshot.parts.len();
        let before = lock(&self.current).replace(snapshot);
        let now = self.clock.now();
        self.update(|state| {
            state.phase = Phase::Ready;
            (state.files, state.bytes_of_text) = (extent.files, extent.bytes);
            (state.memory, state.segments) = (memory, segments);
            state.updated = Some(now);
            state.progress = None;
        });
        // Outside of the lock: it may be the last one that has it.
        drop(before);
    }

    /// Has searches do without the index.
    pub(super) fn withdraw(&self) {
        let before = lock(&self.current).take();
        self.update(|state| state.phase = Phase::Building);
        drop(before);
    }

    /// Has searches do without the index for good.
    pub(super) fn give_up(&self) {
        self.withdraw();
        self.update(|state| state.phase = Phase::Failed);
        // From now on nothing is noted, and nobody is left to settle what was.
        lock(&self.changed).1.clear();
    }

    /// Has the next search see these files as they are.
    pub(super) fn note_changed(&self, paths: Vec<RepoPath>) {
        let (last, changed) = &mut *lock(&self.changed);
        if self.state().phase == Phase::Failed {
            return;
        }
        for path in paths {
            *last += 1;
            changed.insert(path, *last);
        }
    }

    /// The files that the index does not know as they are.
    pub(super) fn changed(&self) -> BTreeMap<RepoPath, u64> {
        lock(&self.changed).1.clone()
    }

    /// The index knows these files as they were when [`Shared::changed`] told them.
    pub(super) fn settle(&self, settled: &BTreeMap<RepoPath, u64>) {
        lock(&self.changed).1.retain(|path, number| settled.get(path) != Some(number));
    }

    /// The paths alone.
    pub(super) fn changed_paths(&self) -> BTreeSet<RepoPath> {
        lock(&self.changed).1.keys().cloned().collect()
    }

    pub(super) fn state(&self) -> IndexState {
        lock(&self.state).clone()
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut IndexState)) {
        change(&mut lock(&self.state));
    }

    /// Whether nobody searches any more.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }
}
