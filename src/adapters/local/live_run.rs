//! What the daemon remembers of a run beyond its directory, and how it looks at the run.
//!
//! All of the memory may be lost: what matters is written down too. It is kept so that a full disk
//! stops no run from being ended.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::Mutex as AsyncMutex;

use super::claim::Standing;
use super::progress::ProgressReader;
use super::run_directory::{Attempt, Ending, EndingReason, Exit, RunDirectory, RunSpec};
use super::settings::Settings;
use super::verdict::Remains;
use crate::adapters::process::{ProcessIdentity, time_since_boot};
use crate::adapters::{FailureReason, LogStream, RunFailure, RunStatus};

/// A run as this daemon knows it.
#[derive(Debug, Default)]
pub(super) struct LiveRun {
    /// Held while the run is started, settled, cancelled or removed.
    pub(super) changing: Arc<AsyncMutex<()>>,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    /// The process, if this daemon started it: only its parent learns how it exited.
    child: Option<Child>,
    exit: Option<Exit>,
    ending: Option<Ending>,
    is_swept: bool,
    progress: ProgressReader,
}

/// Where a run stands, and what is to be done about it.
pub(super) enum Observation {
    /// There is no such run.
    Unknown,
    Status(RunStatus),
    /// The run lives, and has had its time or is being ended.
    Overdue(Attempt, ProcessIdentity),
}

impl LiveRun {
    /// Looks where the run stands.
    pub(super) fn observe(
        &self,
        directory: &RunDirectory,
        settings: &Settings,
    ) -> io::Result<Observation> {
        let mut standing = Standing::of(directory)?;
        if matches!(standing, Standing::Absent | Standing::Unclaimed(_)) {
            if self.changing.try_lock().is_err() {
                return Ok(Observation::Status(RunStatus::Pending));
            }
            standing = Standing::settle(directory)?;
        }
        match standing {
            Standing::Started(attempt, process) => {
                self.observe_started(attempt, Some(&process), settings)
            }
            Standing::Unreadable(attempt) => self.observe_started(attempt, None, settings),
            Standing::Absent => Ok(Observation::Unknown),
            Standing::Unclaimed(_) | Standing::Void(_) => Ok(Observation::Status(never_started())),
        }
    }

    fn observe_started(
        &self,
        attempt: Attempt,
        process: Option<&ProcessIdentity>,
        settings: &Settings,
    ) -> io::Result<Observation> {
        let spec = attempt.spec()?;
        let paths = settings.paths_to_hide(&attempt, spec.as_ref());
        if let (Some(process), Some(spec)) = (process, &spec)
            && self.is_alive(&attempt, process)?
        {
            if is_overdue(spec, process) || self.ending(&attempt)?.is_some() {
                return Ok(Observation::Overdue(attempt, process.clone()));
            }
            let log = attempt.log_file(LogStream::Stdout);
            let progress = self.memory().progress.read_on(&log, &paths)?;
            return Ok(Observation::Status(RunStatus::Running(progress)));
        }
        let remains = Remains {
            attempt: &attempt,
            spec: spec.as_ref(),
            process,
            exit: self.exit(&attempt)?,
            ending: self.ending(&attempt)?,
            paths: &paths,
        };
        let status = remains.judge()?;
        if let Some(process) = process {
            self.sweep(&attempt, process)?;
        }
        Ok(Observation::Status(status))
    }

    /// Remembers the process that may have claimed the run; it is waited for when it ends.
    pub(super) fn remember_child(&self, child: Child) {
        self.memory().child = Some(child);
    }

    /// Hands the process out that has not been seen to end.
    pub(super) fn take_child(&self) -> Option<Child> {
        self.memory().child.take()
    }

    /// Says whether the run's process lives; if it is seen to be over, notes how it exited.
    pub(super) fn is_alive(
        &self,
        attempt: &Attempt,
        process: &ProcessIdentity,
    ) -> io::Result<bool> {
        let mut memory = self.memory();
        let Some(child) = memory.child.as_mut() else { return process.is_alive() };
        let Some(status) = child.try_wait()? else { return Ok(true) };
        let exit = Exit { code: status.code(), signal: status.signal() };
        if let Err(error) = attempt.note_exit(exit) {
            tracing::warn!(%error, "how a run exited is remembered but not written down");
        }
        memory.exit = Some(exit);
        memory.child = None;
        Ok(false)
    }

    fn exit(&self, attempt: &Attempt) -> io::Result<Option<Exit>> {
        let remembered = self.memory().exit;
        if remembered.is_some() { Ok(remembered) } else { attempt.exit() }
    }

    fn ending(&self, attempt: &Attempt) -> io::Result<Option<Ending>> {
        let remembered = self.memory().ending;
        if remembered.is_some() { Ok(remembered) } else { attempt.ending() }
    }

    /// Notes that the run is ended from now on, unless it was noted before; answers with the note
    /// that stands.
    pub(super) fn note_ending(
        &self,
        attempt: &Attempt,
        reason: EndingReason,
    ) -> io::Result<Ending> {
        if let Some(ending) = self.ending(attempt)? {
            return Ok(ending);
        }
        let now = u64::try_from(time_since_boot().as_millis()).unwrap_or(u64::MAX);
        let ending = Ending { reason, began_milliseconds: now };
        if let Err(error) = attempt.note_ending(ending) {
            tracing::warn!(%error, "the end of a run is remembered but not written down");
        }
        Ok(*self.memory().ending.get_or_insert(ending))
    }

    /// Ends what a run that is over left running. This is done once: later the session's number may
    /// be another's.
    pub(super) fn sweep(&self, attempt: &Attempt, process: &ProcessIdentity) -> io::Result<()> {
        if !self.is_swept(attempt) {
            process.signal_session(&[Signal::KILL])?;
            self.note_swept(attempt);
        }
        Ok(())
    }

    pub(super) fn is_swept(&self, attempt: &Attempt) -> bool {
        self.memory().is_swept || attempt.is_swept()
    }

    pub(super) fn note_swept(&self, attempt: &Attempt) {
        if let Err(error) = attempt.note_swept() {
            tracing::warn!(%error, "the end of a run is remembered but not written down");
        }
        self.memory().is_swept = true;
    }

    /// What a panic left behind is whole: each member is replaced in one step.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_overdue(spec: &RunSpec, process: &ProcessIdentity) -> bool {
    process.age() >= Duration::from_millis(spec.timeout_milliseconds)
}

fn never_started() -> RunStatus {
    RunStatus::Failed(RunFailure {
        reason: FailureReason::NotStarted,
        message: "the run was never started".to_owned(),
        exit_code: None,
    })
}
