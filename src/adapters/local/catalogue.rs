//! The tasks and configurations that there are, kept in memory.
//!
//! Planning is asked for at every submission, on the threads that serve HTTP. Therefore the answer
//! comes from a snapshot of the directories, and no system call is made for it. The snapshot is
//! taken anew when it is older than a second and somebody asks; an asker waits for that only if the
//! snapshot is older than two. Before anything is refused, a snapshot is taken that began after the
//! question, so that a file written just before is always found.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use super::snapshot::{Snapshot, Taken};
use crate::adapters::RunnerError;
use crate::ids::{ConfigId, TaskId};

pub(super) use super::snapshot::{FoundConfig, FoundTask};

/// A snapshot this old is taken anew, while it still answers.
const FRESH: Duration = Duration::from_secs(1);

/// A snapshot this old answers nothing.
const STALE: Duration = Duration::from_secs(2);

/// Snapshots are taken at most this often, whatever is asked for.
const SPACING: Duration = Duration::from_millis(100);

/// The definitions in the evals directories, the first directory that has one winning.
#[derive(Debug, Clone)]
pub(super) struct Catalogue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directories: Vec<PathBuf>,
    taken: RwLock<Option<Taken>>,
    /// Held by whoever takes a snapshot; whoever waits for it finds one taken.
    taking: Arc<Mutex<()>>,
}

impl Catalogue {
    /// Reads nothing yet.
    pub(super) fn of(directories: Vec<PathBuf>) -> Self {
        let taking = Arc::new(Mutex::new(()));
        Self(Arc::new(Inner { directories, taken: RwLock::new(None), taking }))
    }

    /// Looks a task and a configuration up, as they were two seconds ago or later.
    pub(super) async fn look_up(
        &self,
        task: &TaskId,
        config: &ConfigId,
    ) -> Result<(FoundTask, FoundConfig), RunnerError> {
        let asked = Instant::now();
        let snapshot = match self.0.taken() {
            Some(taken) if asked - taken.at <= FRESH => taken.snapshot,
            Some(taken) if asked - taken.at <= STALE => {
                self.take_anew_meanwhile();
                taken.snapshot
            }
            _ => self.taken_since(asked).await?,
        };
        match snapshot.find(task, config) {
            Ok(found) => Ok(found),
            Err(_outdated) => self.taken_since(asked).await?.find(task, config),
        }
    }

    /// Looks both up as they are now, give or take the shortest time between two snapshots.
    pub(super) async fn look_up_now(
        &self,
        task: &TaskId,
        config: &ConfigId,
    ) -> Result<(FoundTask, FoundConfig), RunnerError> {
        let asked = Instant::now();
        let recently = asked.checked_sub(SPACING).unwrap_or(asked);
        match self.taken_since(recently).await?.find(task, config) {
            Ok(found) => Ok(found),
            Err(_outdated) => self.taken_since(asked).await?.find(task, config),
        }
    }

    /// The first snapshot that was begun after `moment`.
    async fn taken_since(&self, moment: Instant) -> Result<Arc<Snapshot>, RunnerError> {
        let _taking = self.0.taking.lock().await;
        let previous = self.0.taken();
        if let Some(previous) = &previous {
            if previous.at > moment {
                return Ok(Arc::clone(&previous.snapshot));
            }
            sleep_until(previous.at + SPACING).await;
        }
        self.take(previous).await
    }

    /// Takes a snapshot in the background, unless somebody does.
    fn take_anew_meanwhile(&self) {
        if let Ok(taking) = Arc::clone(&self.0.taking).try_lock_owned() {
            let catalogue = self.clone();
            tokio::spawn(async move {
                let previous = catalogue.0.taken();
                if let Err(error) = catalogue.take(previous).await {
                    // The next question that finds the snapshot stale is told.
                    tracing::warn!(error = ?error, "the evals directories cannot be read");
                }
                drop(taking);
            });
        }
    }

    /// Takes a snapshot. Only whoever holds `taking` does.
    async fn take(&self, previous: Option<Taken>) -> Result<Arc<Snapshot>, RunnerError> {
        let inner = Arc::clone(&self.0);
        let at = Instant::now();
        let take = move || {
            let previous = previous.map(|taken| taken.snapshot).unwrap_or_default();
            Snapshot::take(&inner.directories, &previous)
        };
        let snapshot = spawn_blocking(take)
            .await
            .context("the evals directories were not read to the end")
            .and_then(|snapshot| snapshot.context("the evals directories cannot be read"))
            .map_err(RunnerError::Unavailable)?;
        let snapshot = Arc::new(snapshot);
        let taken = Taken { at, snapshot: Arc::clone(&snapshot) };
        *self.0.taken.write().unwrap_or_else(PoisonError::into_inner) = Some(taken);
        Ok(snapshot)
    }
}

impl Inner {
    fn taken(&self) -> Option<Taken> {
        self.taken.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests;
