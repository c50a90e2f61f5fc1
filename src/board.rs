//! What is known of things without asking the database.
//!
//! The writer puts a thing here right after each commit, before the event of that commit is
//! published, so whoever hears of a change also reads it. All things that are not over are here,
//! and the last few that are; the others are in the database.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use tokio::sync::Notify;

/// A thing as it stood at one moment.
pub trait Posted: Send + Sync + 'static {
    /// Its id.
    fn id(&self) -> &str;
    /// Whether it will never change again.
    fn is_over(&self) -> bool;

    /// Which of two views is the newer, where they may come in any order; rises with every change.
    fn version(&self) -> i64 {
        0
    }
}

/// The things at hand.
#[derive(Debug)]
pub struct Board<V> {
    things: Mutex<Things<V>>,
    changed: Notify,
}

#[derive(Debug)]
struct Things<V> {
    open: HashMap<Box<str>, Arc<V>>,
    finished: LruCache<Box<str>, Arc<V>>,
    /// How often things were swept.
    sweeps: u64,
}

impl<V: Posted> Board<V> {
    /// A board that keeps the last `finished` things that are over at hand.
    pub fn new(finished: NonZeroUsize) -> Self {
        let finished = LruCache::new(finished);
        let things = Things { open: HashMap::new(), finished, sweeps: 0 };
        Self { things: Mutex::new(things), changed: Notify::new() }
    }

    /// Puts a view of a thing up, unless there is a newer one.
    pub fn put(&self, view: Arc<V>) {
        let id = Box::<str>::from(view.id());
        let mut things = self.lock();
        let known = things.open.get(&id).or_else(|| things.finished.peek(&id));
        if known.is_some_and(|known| view.version() < known.version()) {
            return;
        }
        if view.is_over() {
            things.open.remove(&id);
            things.finished.put(id, view);
        } else {
            things.open.insert(id, view);
        }
        drop(things);
        self.changed.notify_waiters();
    }

    /// The newest view of a thing, if it is at hand.
    pub fn get(&self, id: &str) -> Option<Arc<V>> {
        let mut things = self.lock();
        if let Some(view) = things.open.get(id) {
            return Some(Arc::clone(view));
        }
        things.finished.get(id).map(Arc::clone)
    }

    /// How often things were swept, to be asked before the database is.
    pub fn sweeps(&self) -> u64 {
        self.lock().sweeps
    }

    /// Puts up a view of a thing that is over, as the database had it after `sweeps` sweeps. One
    /// that came in between may have removed the thing, and then nobody would ever take the view
    /// down.
    pub fn put_found(&self, view: &Arc<V>, sweeps: u64) {
        let mut things = self.lock();
        if view.is_over() && things.sweeps == sweeps {
            things.finished.put(view.id().into(), Arc::clone(view));
        }
    }

    /// The things that are not over.
    pub fn all_open(&self) -> Vec<Arc<V>> {
        self.lock().open.values().map(Arc::clone).collect()
    }

    /// How many things are not over.
    pub fn open(&self) -> usize {
        self.lock().open.len()
    }

    /// Takes down things that were swept.
    pub fn forget(&self, ids: &[String]) {
        let mut things = self.lock();
        things.sweeps += 1;
        for id in ids {
            things.finished.pop(id.as_str());
        }
    }

    /// Waits until a thing is over, or is not at hand any more.
    pub async fn until_over(&self, id: &str) -> Option<Arc<V>> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that no change falls in between.
            changed.as_mut().enable();
            match self.get(id) {
                Some(view) if !view.is_over() => changed.await,
                other => return other,
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Things<V>> {
        self.things.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Done(&'static str);

    impl Posted for Done {
        fn id(&self) -> &str {
            self.0
        }

        fn is_over(&self) -> bool {
            true
        }
    }

    #[test]
    fn what_was_read_before_a_sweep_is_not_put_up_after_it() {
        let board = Board::new(NonZeroUsize::MIN);
        let before = board.sweeps();
        board.forget(&["x".to_owned()]);
        board.put_found(&Arc::new(Done("x")), before);
        assert!(board.get("x").is_none());
        board.put_found(&Arc::new(Done("x")), board.sweeps());
        assert!(board.get("x").is_some());
    }
}
