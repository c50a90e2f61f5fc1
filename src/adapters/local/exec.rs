//! The small program between the daemon and a run's command.
//!
//! It is the daemon's own binary, called as `exec-run <directory>`. It claims the attempt for its
//! own process and then becomes the command, so that the process that holds the claim is the one
//! that runs. All it does before it claims may be repeated; after that it never gives up silently.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::claim::Claim;
use super::definition::Limits;
use super::run_directory::{Attempt, NotStarted, RunSpec};
use crate::adapters::LogStream;
use crate::adapters::process::{ProcessIdentity, close_inherited_files};

/// How ready the kernel should be to end a run rather than the daemon when memory is short.
const OOM_SCORE: &str = "500";

/// After this many seconds of processor time beyond its limit a process is ended for good.
const CPU_SECONDS_TO_TIDY_UP: u64 = 5;

/// Why a run's command does not run. Nothing was run.
#[derive(Debug, thiserror::Error)]
pub enum ExecRunError {
    /// The process leads a group already, so somebody called it from a shell.
    #[error("exec-run is called by the daemon alone")]
    NotCalledByDaemon(#[source] io::Error),
    /// What the process inherited could not be closed.
    #[error("inherited files cannot be closed")]
    OpenFiles(#[source] io::Error),
    /// The directory holds no run that could be started.
    #[error("the run's specification cannot be read")]
    UnreadableSpec(#[source] io::Error),
    /// The directory is gone, or was never that of a run.
    #[error("there is no run to start")]
    NoSpec,
    /// The attempt was started already, or is void.
    #[error("the run is claimed already")]
    AlreadyClaimed,
    /// The claim could not be written down.
    #[error("the run cannot be claimed")]
    NotClaimed(#[source] io::Error),
    /// The run was claimed, and its command cannot be started. This is written down for the daemon.
    #[error("the run's command cannot be started")]
    NotStarted(#[source] io::Error),
}

/// Claims the run in the directory and becomes its command.
///
/// It must be called before the process has started any thread or opened any file.
pub fn exec_run(directory: &Path) -> Result<Infallible, ExecRunError> {
    close_inherited_files().map_err(ExecRunError::OpenFiles)?;
    // A session of its own, so that all the run's processes can be found, and so that no signal to
    // the daemon's group or terminal reaches them.
    rustix::process::setsid().map_err(|error| ExecRunError::NotCalledByDaemon(error.into()))?;
    let attempt = Attempt::at(directory.to_owned());
    let spec = attempt.spec().map_err(ExecRunError::UnreadableSpec)?.ok_or(ExecRunError::NoSpec)?;
    let claimed = ProcessIdentity::own().and_then(|own| Claim::Started(own).take(&attempt));
    if !claimed.map_err(ExecRunError::NotClaimed)? {
        return Err(ExecRunError::AlreadyClaimed);
    }
    let Err(failure) = become_the_command(&attempt, &spec);
    let noted = attempt.note_not_started(&NotStarted { why: failure.to_string() });
    noted.map_err(ExecRunError::NotStarted)?;
    Err(ExecRunError::NotStarted(failure.into_source()))
}

/// What went wrong between the claim and the command's first instruction.
#[derive(Debug, thiserror::Error)]
enum StartFailure {
    #[error("its output cannot be written ({0})")]
    Output(#[source] io::Error),
    #[error("its working directory {path} cannot be entered ({source})")]
    WorkingDirectory { path: PathBuf, source: io::Error },
    #[error("its limits cannot be set ({0})")]
    Limits(#[source] io::Error),
    #[error("the program {name} was not found")]
    ProgramNotFound { name: String, source: io::Error },
    #[error("the program {name} cannot be executed ({source})")]
    Program { name: String, source: io::Error },
}

impl StartFailure {
    fn into_source(self) -> io::Error {
        match self {
            Self::Output(source)
            | Self::Limits(source)
            | Self::WorkingDirectory { source, .. }
            | Self::ProgramNotFound { source, .. }
            | Self::Program { source, .. } => source,
        }
    }
}

fn become_the_command(attempt: &Attempt, spec: &RunSpec) -> Result<Infallible, StartFailure> {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    // Some containers forbid it, and a run is as good without.
    let _ = fs::write("/proc/self/oom_score_adj", OOM_SCORE);
    let stdout = attempt.open_log(LogStream::Stdout).map_err(StartFailure::Output)?;
    let stderr = attempt.open_log(LogStream::Stderr).map_err(StartFailure::Output)?;
    let enter = std::env::set_current_dir(&spec.working_directory);
    enter.map_err(|source| StartFailure::WorkingDirectory {
        path: spec.working_directory.clone(),
        source,
    })?;
    // A task's command names a program; an empty one finds none.
    let (program, arguments) = match spec.command.split_first() {
        Some((program, arguments)) => (program.as_str(), arguments),
        None => ("", [].as_slice()),
    };
    let passed = spec.environment.pass.iter();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(passed.filter_map(|name| Some((name, std::env::var_os(name)?))))
        .envs(&spec.environment.set)
        .stdout(stdout)
        .stderr(stderr);
    // The last step, because it may leave little memory for others.
    apply(&spec.limits).map_err(StartFailure::Limits)?;
    let source = command.exec();
    let name = program.to_owned();
    Err(match source.kind() {
        io::ErrorKind::NotFound => StartFailure::ProgramNotFound { name, source },
        _ => StartFailure::Program { name, source },
    })
}

fn apply(limits: &Limits) -> io::Result<()> {
    let mebibytes = |count: u64| count.saturating_mul(1 << 20);
    // A core dump would fill the run's directory with the run's secrets.
    limit(Resource::Core, 0, 0)?;
    let output = mebibytes(limits.output_mib);
    limit(Resource::Fsize, output, output)?;
    if let Some(count) = limits.open_files {
        limit(Resource::Nofile, count, count)?;
    }
    if let Some(seconds) = limits.cpu_seconds {
        limit(Resource::Cpu, seconds, seconds.saturating_add(CPU_SECONDS_TO_TIDY_UP))?;
    }
    if let Some(memory) = limits.memory_mib.map(mebibytes) {
        limit(Resource::As, memory, memory)?;
    }
    Ok(())
}

/// Sets a limit, or a lower one that the process is under already.
fn limit(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let inherited = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let new = Rlimit { current: Some(soft.min(inherited)), maximum: Some(hard.min(inherited)) };
    Ok(setrlimit(resource, new)?)
}
