//! What the writer has done so far, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Of how many commits it is known how long each took: the newest.
const RECENT: usize = 1024;

/// Counters since the start; they may be read at any time.
#[derive(Debug)]
pub struct Statistics {
    commits: AtomicU64,
    operations: AtomicU64,
    failed: AtomicU64,
    commit_microseconds: AtomicU64,
    last_commit_microseconds: AtomicU64,
    /// How long the newest commits took, in microseconds; each commit takes the place of the oldest.
    recent: Box<[AtomicU64; RECENT]>,
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            commits: AtomicU64::default(),
            operations: AtomicU64::default(),
            failed: AtomicU64::default(),
            commit_microseconds: AtomicU64::default(),
            last_commit_microseconds: AtomicU64::default(),
            recent: Box::new(std::array::from_fn(|_| AtomicU64::default())),
        }
    }
}

/// How long the newest commits took, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CommitTimes {
    /// Half of them at most.
    pub p50: f64,
    /// 99 of a hundred at most.
    pub p99: f64,
    /// Each at most.
    pub max: f64,
}

impl CommitTimes {
    /// Of these times in microseconds.
    fn of(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a commit")]
        let milliseconds = |microseconds: u64| microseconds as f64 / 1000.0;
        // The smallest time that so many of a hundred do not exceed.
        let quantile = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(rank).copied().map_or(0.0, milliseconds)
        };
        Self { p50: quantile(50), p99: quantile(99), max: quantile(100) }
    }
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatisticsNow {
    /// Transactions that were committed.
    pub commits: u64,
    /// Operations in them.
    pub operations: u64,
    /// Operations whose transaction failed.
    pub failed: u64,
    /// Time spent in committed transactions, in microseconds.
    pub commit_microseconds: u64,
    /// How long the last one took, in microseconds.
    pub last_commit_microseconds: u64,
}

impl Statistics {
    pub(super) fn committed(&self, operations: usize, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let before = self.commits.fetch_add(1, Ordering::Relaxed);
        let place = usize::try_from(before % RECENT as u64).unwrap_or(0);
        self.recent[place].store(took, Ordering::Relaxed);
        self.operations.fetch_add(operations as u64, Ordering::Relaxed);
        self.commit_microseconds.fetch_add(took, Ordering::Relaxed);
        self.last_commit_microseconds.store(took, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, operations: usize) {
        self.failed.fetch_add(operations as u64, Ordering::Relaxed);
    }

    /// How long the newest commits took.
    pub fn commit_times(&self) -> CommitTimes {
        let commits = usize::try_from(self.commits.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        let known = self.recent.iter().take(commits);
        CommitTimes::of(known.map(|time| time.load(Ordering::Relaxed)).collect())
    }

    /// Reads the counters.
    pub fn now(&self) -> StatisticsNow {
        StatisticsNow {
            commits: self.commits.load(Ordering::Relaxed),
            operations: self.operations.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            commit_microseconds: self.commit_microseconds.load(Ordering::Relaxed),
            last_commit_microseconds: self.last_commit_microseconds.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_are_those_of_the_newest_commits() {
        let statistics = Statistics::default();
        assert_eq!(statistics.commit_times(), CommitTimes::default());
        statistics.committed(1, Duration::from_millis(7));
        assert_eq!(statistics.commit_times(), CommitTimes { p50: 7.0, p99: 7.0, max: 7.0 });
        for time in 1..=RECENT as u64 {
            statistics.committed(1, Duration::from_micros(time * 1_000));
        }
        let expected = CommitTimes { p50: 512.0, p99: 1_014.0, max: 1_024.0 };
        assert_eq!(statistics.commit_times(), expected);
    }
}
