//! One change of a file at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use super::RepoPath;

type Lock = tokio::sync::Mutex<()>;

/// How long a change waits for those before it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whoever was before did not finish in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waited;

/// A lock for each path that somebody changes.
#[derive(Debug, Default)]
pub(super) struct PathLocks(Mutex<HashMap<RepoPath, Weak<Lock>>>);

/// Held while files are changed.
#[derive(Debug)]
pub(super) struct Held {
    _guards: Vec<OwnedMutexGuard<()>>,
}

impl PathLocks {
    /// Waits until nobody else changes any of these files.
    pub(super) async fn hold(&self, paths: &[&RepoPath]) -> Result<Held, Waited> {
        // In one order for everybody, so that two never wait for one another.
        let mut paths = paths.to_vec();
        paths.sort();
        paths.dedup();
        let mut guards = Vec::with_capacity(paths.len());
        for path in paths {
            let lock = self.lock_of(path);
            let guard = tokio::time::timeout(PATIENCE, lock.lock_owned()).await;
            guards.push(guard.map_err(|_elapsed| Waited)?);
        }
        Ok(Held { _guards: guards })
    }

    fn lock_of(&self, path: &RepoPath) -> Arc<Lock> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(path).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| 0 < lock.strong_count());
        let lock = Arc::<Lock>::default();
        locks.insert(path.clone(), Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_change_of_a_file_waits_for_the_first() {
        let locks = Arc::<PathLocks>::default();
        let (a, b) = (path("a"), path("b"));
        let first = locks.hold(&[&b, &a]).await.unwrap();
        assert_eq!(locks.hold(&[&a]).await.unwrap_err(), Waited);
        let elsewhere = path("c");
        drop(locks.hold(&[&elsewhere]).await.unwrap());
        drop(first);
        drop(locks.hold(&[&a, &b, &a]).await.unwrap());
        // What nobody holds is forgotten when the next lock is made.
        drop(locks.hold(&[&elsewhere]).await.unwrap());
        assert!(locks.0.lock().unwrap().len() <= 2);
    }
}
