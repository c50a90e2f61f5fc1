//! Starting a run: from a request to a claimed attempt.
//!
//! The shim claims before it becomes the command, and its standard output is a pipe until then. The
//! end of that output therefore says that the matter is settled, one way or the other, and the claim
//! says which.

use std::io::{self, Read};
use std::path::Path;
use std::process::{ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, anyhow};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::catalogue::{FoundConfig, FoundTask};
use super::claim::{Claim, Standing};
use super::definition::WorkingDirectory;
use super::live_run::LiveRun;
use super::log_tail;
use super::run_directory::{Attempt, RunDirectory, RunSpec};
use super::settings::Settings;
use super::template::Values;
use crate::adapters::process::time_since_boot;
use crate::adapters::{LogStream, RunRequest};

/// How long a shim may take to claim its attempt. A machine that needs longer has other troubles.
const CLAIM_TIME: Duration = Duration::from_secs(30);

/// How many attempts are made at a time, if others void them.
const MAX_ATTEMPTS: u32 = 8;

/// What is to be started.
pub(super) struct Start<'a> {
    pub(super) settings: &'a Settings,
    pub(super) directory: &'a RunDirectory,
    /// Where the process is remembered.
    pub(super) live: &'a LiveRun,
    pub(super) request: &'a RunRequest,
    pub(super) task: &'a FoundTask,
    pub(super) config: &'a FoundConfig,
}

impl Start<'_> {
    /// Starts the run, unless it was started before. Blocks until the run is claimed.
    pub(super) fn perform(&self) -> anyhow::Result<()> {
        for _ in 0..MAX_ATTEMPTS {
            let latest = match Standing::settle(self.directory).context("reading the claims")? {
                Standing::Started(..) | Standing::Unreadable(_) => return Ok(()),
                Standing::Void(latest) => Some(latest),
                Standing::Absent => None,
                // Another daemon has begun an attempt since.
                Standing::Unclaimed(_) => continue,
            };
            let attempt = match self.directory.create_attempt(latest.as_ref()) {
                Ok(attempt) => attempt,
                // Another daemon over the same directory is at it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error).context("making the run's directory"),
            };
            if self.is_claimed_by_shim(&attempt)? {
                return Ok(());
            }
        }
        Err(anyhow!("others void every attempt at the run"))
    }

    /// Starts the shim and says whether it claimed the attempt. It did not if another daemon made
    /// the attempt void; anything else is an error.
    fn is_claimed_by_shim(&self, attempt: &Attempt) -> anyhow::Result<bool> {
        self.end_shim().context("ending an earlier shim")?;
        let output = self.spawn(attempt)?;
        wait_for_end(output, CLAIM_TIME).context("waiting for the shim")?;
        let claim = Claim::read(attempt).context("reading the claim")?;
        if claim.is_none() {
            // It died, or it is too slow; perhaps it claims just now.
            Standing::settle(self.directory).context("giving up a start")?;
        }
        if matches!(Claim::read(attempt).context("reading the claim")?, Some(Claim::Started(_))) {
            return Ok(true);
        }
        let ended = self.end_shim().context("ending a shim that claimed nothing")?;
        if claim == Some(Claim::Void) {
            return Ok(false);
        }
        let how = ended.map_or_else(String::new, |status| format!(" ({status})"));
        let said = log_tail::last_line(&attempt.log_file(LogStream::Stderr))?;
        let said = said.unwrap_or_else(|| "it said nothing".to_owned());
        Err(anyhow!("the shim claimed nothing{how}: {said}"))
    }

    /// Ends a shim whose attempt is void; it may be stuck, and must not become a zombie.
    fn end_shim(&self) -> io::Result<Option<ExitStatus>> {
        let Some(mut shim) = self.live.take_child() else { return Ok(None) };
        shim.kill()?;
        shim.wait().map(Some)
    }

    /// Writes the attempt's files and starts the shim; answers with its output.
    fn spawn(&self, attempt: &Attempt) -> anyhow::Result<Option<ChildStdout>> {
        attempt.write_config(&self.config.document).context("writing the config")?;
        let spec = self.spec(attempt)?;
        attempt.write_spec(&spec).context("writing the specification")?;
        let passed = spec.environment.pass.iter();
        let mut shim = Command::new(&self.settings.daemon)
            .arg("exec-run")
            .arg(attempt.path())
            .env_clear()
            .envs(passed.filter_map(|name| Some((name, std::env::var_os(name)?))))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(attempt.open_log(LogStream::Stderr).context("opening the log")?)
            .spawn()
            .context("starting the shim")?;
        let output = shim.stdout.take();
        self.live.remember_child(shim);
        Ok(output)
    }

    fn spec(&self, attempt: &Attempt) -> anyhow::Result<RunSpec> {
        let task = &self.task.task;
        let (config, result) = (attempt.config_file(), attempt.result_file());
        let result_directory = attempt.result_directory();
        let values = Values {
            daemon: text(&self.settings.daemon)?,
            task_directory: text(&self.task.directory)?,
            config: text(&config)?,
            result: text(&result)?,
            result_directory: text(&result_directory)?,
            job_id: self.request.job_id.as_str(),
            repository: text(&self.settings.repository)?,
        };
        let timeout =
            self.request.timeout.map_or(task.timeout, |shorter| shorter.min(task.timeout));
        Ok(RunSpec {
            job_id: self.request.job_id.clone(),
            task_id: self.request.task_id.clone(),
            config_id: self.request.config_id.clone(),
            command: task.command.iter().map(|argument| argument.fill(&values)).collect(),
            working_directory: match task.working_directory {
                WorkingDirectory::Repository => self.settings.repository.clone(),
                WorkingDirectory::Run => attempt.own_working_directory(),
                WorkingDirectory::Task => self.task.directory.clone(),
            },
            environment: task.environment.clone(),
            limits: task.limits.clone(),
            timeout_milliseconds: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
            result_format: task.result_format,
        })
    }
}

/// A path as a part of an argument, which the specification keeps as text.
fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that a run needs is not UTF-8")
}

/// Waits until the other side has closed a pipe, for at most `longest`.
fn wait_for_end(output: Option<ChildStdout>, longest: Duration) -> io::Result<()> {
    let Some(mut output) = output else { return Ok(()) };
    let deadline = time_since_boot() + longest;
    let mut ignored = [0; 64];
    loop {
        let left = deadline.saturating_sub(time_since_boot());
        let timeout = Timespec::try_from(left).unwrap_or_default();
        let mut watched = [PollFd::new(&output, PollFlags::IN)];
        match poll(&mut watched, Some(&timeout)) {
            Ok(0) => return Ok(()),
            Ok(_) if output.read(&mut ignored)? == 0 => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
