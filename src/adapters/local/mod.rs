//! The eval orchestrator that is built in: it runs what a task declares, on this machine.
//!
//! A task is a TOML file that names a command; a configuration is a TOML file that the command is
//! given as JSON. A run is a session of processes with a directory of its own, and that directory
//! says all there is to know about it: a daemon that is started anew finds its runs there, whether
//! they still go on or ended in the meantime.
//!
//! # Invariants
//!
//! 1. A run starts once. Its process claims it before it becomes the command, and an attempt that
//!    nobody claimed is made void before another is made (`claim`).
//! 2. A run does not depend on the daemon. It has its own session and files; nothing ends it but
//!    its timeout, a cancel, or itself.
//! 3. The result is the verdict; how the process exited is a hint (`verdict`).
//! 4. No process is signalled by its number alone (`process`).
//! 5. A command is a list of arguments, and its environment holds what its task names. Nothing is
//!    read by a shell (`definition`, `exec`).

mod catalogue;
mod claim;
mod definition;
mod ending;
mod exec;
mod live_run;
mod log_tail;
mod progress;
mod regular_file;
mod result;
mod run_directory;
mod runner;
mod settings;
mod snapshot;
mod start;
mod template;
mod tidy;
mod verdict;

pub use self::exec::{ExecRunError, exec_run};
pub use self::runner::LocalRunner;
pub use self::settings::LocalRunnerSettings;
