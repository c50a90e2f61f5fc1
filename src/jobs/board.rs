//! What is known of jobs without asking the database.
//!
//! The writer puts a job here right after each commit, before the event of that commit is
//! published, so whoever hears of a change also reads it. All jobs that are not over are here, and
//! the last few thousand that are; the others are in the database.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use lru::LruCache;
use tokio::sync::Notify;

use crate::ids::JobId;
use crate::store::jobs::JobRow;

/// How many jobs that are over are kept at hand.
const FINISHED: NonZeroUsize = NonZeroUsize::new(4096).expect("4096 is not 0");

/// A job as it stood at one moment.
#[derive(Debug)]
pub struct JobView {
    /// Its row.
    pub row: JobRow,
    encoded: OnceLock<Bytes>,
}

impl JobView {
    /// Makes a view of a committed row.
    pub fn new(row: JobRow) -> Arc<Self> {
        Arc::new(Self { row, encoded: OnceLock::new() })
    }

    /// The view as the wire has it: made by `encode` when first asked for, and then kept.
    pub fn encoded(&self, encode: impl FnOnce(&JobRow) -> Bytes) -> Bytes {
        self.encoded.get_or_init(|| encode(&self.row)).clone()
    }
}

/// The jobs at hand.
#[derive(Debug)]
pub(super) struct Board {
    jobs: Mutex<Jobs>,
    changed: Notify,
}

#[derive(Debug)]
struct Jobs {
    open: HashMap<Box<str>, Arc<JobView>>,
    finished: LruCache<Box<str>, Arc<JobView>>,
    /// How often jobs were swept.
    sweeps: u64,
}

impl Board {
    pub(super) fn new() -> Self {
        let jobs = Jobs { open: HashMap::new(), finished: LruCache::new(FINISHED), sweeps: 0 };
        Self { jobs: Mutex::new(jobs), changed: Notify::new() }
    }

    /// Puts the newest view of a job up.
    pub(super) fn put(&self, view: Arc<JobView>) {
        let id = Box::<str>::from(view.row.job_id.as_str());
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if view.row.status.is_terminal() {
            jobs.open.remove(&id);
            jobs.finished.put(id, view);
        } else {
            jobs.open.insert(id, view);
        }
        drop(jobs);
        self.changed.notify_waiters();
    }

    pub(super) fn get(&self, id: &JobId) -> Option<Arc<JobView>> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = jobs.open.get(id.as_str()) {
            return Some(Arc::clone(view));
        }
        jobs.finished.get(id.as_str()).map(Arc::clone)
    }

    /// How often jobs were swept, to be asked before the database is.
    pub(super) fn sweeps(&self) -> u64 {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).sweeps
    }

    /// Puts up a view of a job that is over, as the database had it after `sweeps` sweeps. One that
    /// came in between may have removed the job, and then nobody would ever take the view down.
    pub(super) fn put_found(&self, view: &Arc<JobView>, sweeps: u64) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if view.row.status.is_terminal() && jobs.sweeps == sweeps {
            jobs.finished.put(view.row.job_id.as_str().into(), Arc::clone(view));
        }
    }

    /// How many jobs are not over.
    pub(super) fn open(&self) -> usize {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).open.len()
    }

    /// Takes down jobs that were swept.
    pub(super) fn forget(&self, ids: &[String]) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.sweeps += 1;
        for id in ids {
            jobs.finished.pop(id.as_str());
        }
    }

    /// Waits until a job is over, or is not at hand any more.
    pub(super) async fn until_over(&self, id: &JobId) -> Option<Arc<JobView>> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that no change falls in between.
            changed.as_mut().enable();
            match self.get(id) {
                Some(view) if !view.row.status.is_terminal() => changed.await,
                other => return other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::IdPrefix;
    use crate::store::jobs::JobStatus;

    fn over(id: &JobId) -> Arc<JobView> {
        let ids = (id.to_string(), "t".to_owned(), "c".to_owned());
        let at = "2026-11-21T03:38:52.150Z";
        JobView::new(JobRow::accepted(JobStatus::Completed, ids, at, ("p", "r")))
    }

    #[test]
    fn what_was_read_before_a_sweep_is_not_put_up_after_it() {
        let (board, id) = (Board::new(), JobId::generate(&IdPrefix::draw()));
        let before = board.sweeps();
        board.forget(&[id.to_string()]);
        board.put_found(&over(&id), before);
        assert!(board.get(&id).is_none());
        board.put_found(&over(&id), board.sweeps());
        assert!(board.get(&id).is_some());
    }
}
