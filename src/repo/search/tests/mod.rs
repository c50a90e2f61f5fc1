//! Tests of the search on real directories.

mod damage;
mod failures;
mod freshness;
mod in_step;
mod quality;
mod ranking;
mod same;
mod slow;

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::clock::SystemClock;
use crate::repo::root::OwnFiles;
use crate::supervision::RestartPolicy;

/// How long a test waits for what should come soon: the index is built by a thread that gives way to
/// all else that the machine does.
const PATIENCE: Duration = Duration::from_mins(4);

/// A repository in a directory of its own, and a place for its index.
struct Site {
    home: TempDir,
}

/// One test of an index at a time: points of failure are set for the whole process.
static TURN: Mutex<()> = Mutex::new(());

thread_local! {
    /// Held until the test's thread ends.
    static HELD: RefCell<Option<MutexGuard<'static, ()>>> = const { RefCell::new(None) };
}

fn take_turn() {
    HELD.with_borrow_mut(|held| {
        held.get_or_insert_with(|| TURN.lock().unwrap_or_else(PoisonError::into_inner));
    });
}

impl Site {
    fn new(files: &[(&str, &str)]) -> Self {
        take_turn();
        let site = Self { home: TempDir::new().unwrap() };
        std::fs::create_dir(site.repository()).unwrap();
        for (path, text) in files {
            site.write(path, text);
        }
        site
    }

    fn repository(&self) -> PathBuf {
        self.home.path().join("repository")
    }

    fn shelf(&self) -> PathBuf {
        self.home.path().join("index")
    }

    fn root(&self) -> Arc<Root> {
        let hidden = vec![self.repository().join("state.db")];
        let own = OwnFiles { hidden, ..OwnFiles::default() };
        Arc::new(Root::open(&self.repository(), &own).unwrap())
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.repository().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn start(&self) -> Index {
        Index::start(IndexSettings {
            root: self.root(),
            directory: self.shelf(),
            clock: Arc::new(SystemClock),
            followers: Arc::default(),
            supervision: Supervision::new(RestartPolicy::default()),
            on_end: Box::new(|_| {}),
        })
    }

    async fn ready(&self) -> Index {
        let index = self.start();
        until("the index is ready", || index.state().phase == Phase::Ready).await;
        index
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The paths of the hits, the best first.
fn paths(found: &Found) -> Vec<&str> {
    found.hits.iter().map(|hit| hit.path.as_str()).collect()
}

async fn search(index: &Index, query: &str) -> Found {
    index.search(Query::parse(query).unwrap(), 10).await.unwrap()
}

/// Searches until the hits are these; returns how long that took.
async fn find_within(index: &Index, query: &str, expected: &[&str]) -> Duration {
    let start = Instant::now();
    loop {
        let found = search(index, query).await;
        let mut paths = paths(&found);
        paths.sort_unstable();
        if paths == expected {
            return start.elapsed();
        }
        assert!(start.elapsed() < PATIENCE, "{query}: {paths:?}, expected {expected:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
