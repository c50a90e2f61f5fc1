//! Ending a run: asking first, then killing, until nothing of it is left.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use rustix::process::Signal;
use tokio::time::sleep;

use super::live_run::LiveRun;
use super::run_directory::{Attempt, EndingReason};
use super::runner::blocking;
use crate::adapters::RunnerError;
use crate::adapters::process::{ProcessIdentity, time_since_boot};

/// How long after the kill a process may still be about to go.
const KILL_TIME: Duration = Duration::from_secs(10);

/// How often it is looked whether something is left, at first and at last.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LAST_LOOK: Duration = Duration::from_millis(100);

/// Ends all processes of a run, and returns when there are none. A run that is over already stays
/// as it ended, but what it left running is ended.
///
/// The time since the first call counts, so that it may be called again if it was cut short.
pub(super) async fn end(
    live: Arc<LiveRun>,
    attempt: Attempt,
    process: ProcessIdentity,
    reason: EndingReason,
    grace: Duration,
) -> Result<(), RunnerError> {
    let ending = EndingRun { live, attempt, process, reason, grace, began: None };
    let mut ending = Some(ending);
    let mut pause = FIRST_LOOK;
    while let Some(mut current) = ending {
        let step = move || {
            let is_over = current.step().context("ending a run")?;
            Ok((!is_over).then_some(current))
        };
        ending = blocking(step).await?;
        if ending.is_some() {
            sleep(pause).await;
            pause = (pause * 2).min(LAST_LOOK);
        }
    }
    Ok(())
}

struct EndingRun {
    live: Arc<LiveRun>,
    attempt: Attempt,
    process: ProcessIdentity,
    reason: EndingReason,
    grace: Duration,
    /// When the run was first asked to end, as the time since the machine's boot; nothing before
    /// this call has asked.
    began: Option<Duration>,
}

impl EndingRun {
    /// Does what is due, and says whether nothing is left.
    fn step(&mut self) -> anyhow::Result<bool> {
        let is_alive = self.live.is_alive(&self.attempt, &self.process)?;
        if !is_alive && self.live.is_swept(&self.attempt) {
            return Ok(true);
        }
        let is_first = self.began.is_none();
        let began = match self.began {
            Some(began) => began,
            None if is_alive => {
                let ending = self.live.note_ending(&self.attempt, self.reason)?;
                Duration::from_millis(ending.began_milliseconds)
            }
            None => time_since_boot(),
        };
        self.began = Some(began);
        let waited = time_since_boot().saturating_sub(began);
        let due: &[Signal] = match () {
            () if waited >= self.grace => &[Signal::KILL],
            // A stopped process hears of it once it goes on.
            () if is_first => &[Signal::TERM, Signal::CONT],
            () => &[],
        };
        let is_anything_left = self.process.signal_session(due)?;
        if is_anything_left && waited > self.grace + KILL_TIME {
            return Err(anyhow!("a process of the run does not die"));
        }
        if !is_anything_left {
            self.live.note_swept(&self.attempt);
        }
        Ok(!is_anything_left)
    }
}
