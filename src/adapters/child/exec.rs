//! The small program between the daemon and a program it talks to.
//!
//! It is the daemon's own binary, called as `exec-server <daemon's pid> <program> <argument>…`. It
//! does to itself what has to be done between a fork and an exec, and then becomes the program.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{
    Resource, Rlimit, Signal, getppid, getrlimit, set_parent_process_death_signal, setrlimit,
};

use crate::adapters::process::close_inherited_files;

/// How ready the kernel should be to end a program rather than the daemon when memory is short.
const OOM_SCORE: &str = "500";

/// Why the program does not run.
#[derive(Debug, thiserror::Error)]
pub enum ExecServerError {
    /// Somebody else called it.
    #[error("exec-server is called by the daemon alone")]
    NotCalledByDaemon,
    /// The process could not be set apart from the daemon.
    #[error("the program cannot be set apart from the daemon")]
    NotApart(#[source] io::Error),
    /// There is no such program, or it may not be run.
    #[error("the program cannot be run: {0}")]
    NotRun(io::ErrorKind),
}

/// Becomes the program. It must be called before the process has started any thread or opened any
/// file.
///
/// # Errors
/// Whatever happens, for what succeeds does not come back.
pub fn exec_server(arguments: &[OsString]) -> Result<Infallible, ExecServerError> {
    let [daemon, program, arguments @ ..] = arguments else {
        return Err(ExecServerError::NotCalledByDaemon);
    };
    let not_apart = |error: rustix::io::Errno| ExecServerError::NotApart(error.into());
    close_inherited_files().map_err(ExecServerError::NotApart)?;
    rustix::process::setsid().map_err(|_leads_a_group| ExecServerError::NotCalledByDaemon)?;
    set_parent_process_death_signal(Some(Signal::TERM)).map_err(not_apart)?;
    // The daemon may have died before the kernel was told to watch it.
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get().to_string());
    if parent.is_none_or(|parent| daemon.to_str() != Some(parent.as_str())) {
        return Err(ExecServerError::NotCalledByDaemon);
    }
    // Some containers forbid it, and a server is as good without.
    let _ = fs::write("/proc/self/oom_score_adj", OOM_SCORE);
    // A core dump would write the program's secrets to wherever it works.
    let maximum = getrlimit(Resource::Core).maximum;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum }).map_err(not_apart)?;
    let failure = Command::new(program).args(arguments).exec();
    Err(ExecServerError::NotRun(failure.kind()))
}
