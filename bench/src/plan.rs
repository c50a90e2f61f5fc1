//! How much is measured: enough for a look, for a verdict, or for the record.

use std::time::Duration;

use serde::Serialize;

/// Rounds, lengths and sizes of one session.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Alternating rounds of everything that is judged.
    pub rounds: usize,
    /// Length of one wrk run, in seconds.
    pub load_seconds: u64,
    /// Rounds at the connection counts that are for the record only.
    pub record_rounds: usize,
    /// Whether those rounds are also made with the request log on.
    pub record_with_log: bool,
    /// Sizes of the fleets of readers.
    pub readers: Vec<usize>,
    /// Length of one fan-out measurement.
    pub fan_out_window: Duration,
    /// Rounds with and without stalled readers.
    pub stall_rounds: usize,
    /// Starts of the daemon for each number of jobs.
    pub starts: usize,
    /// Queued jobs whose memory is measured.
    pub queued_jobs: u64,
    /// Wrong keys whose refusals are timed.
    pub wrong_keys: usize,
    /// How long running canaries are measured.
    pub canary_window: Duration,
    /// Audit rows among which a story is looked up.
    pub audit_rows: u64,
}

impl Plan {
    /// Within three minutes.
    pub fn quick() -> Self {
        Self {
            rounds: 5,
            load_seconds: 1,
            record_rounds: 1,
            record_with_log: false,
            readers: vec![100, 1_000],
            fan_out_window: Duration::from_millis(600),
            stall_rounds: 2,
            starts: 9,
            queued_jobs: 20_000,
            wrong_keys: 100_000,
            canary_window: Duration::from_secs(30),
            audit_rows: 200_000,
        }
    }

    /// What a verdict is based on.
    pub fn standard() -> Self {
        Self {
            load_seconds: 3,
            record_rounds: 3,
            record_with_log: true,
            fan_out_window: Duration::from_secs(2),
            stall_rounds: 5,
            queued_jobs: 50_000,
            canary_window: Duration::from_mins(1),
            ..Self::quick()
        }
    }

    /// Also ten thousand readers; within fifteen minutes.
    pub fn full() -> Self {
        Self { readers: vec![100, 1_000, 10_000], ..Self::standard() }
    }
}
