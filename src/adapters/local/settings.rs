//! What the runner is told about its surroundings.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::run_directory::{Attempt, RunSpec};
use super::tidy::Paths;

/// Where the runner finds things and puts them.
#[derive(Debug, Clone)]
pub struct LocalRunnerSettings {
    /// The directories with `tasks` and `configs` in them, searched in this order. One that does
    /// not exist is empty.
    pub evals: Vec<PathBuf>,
    /// Where the runs' directories are made; made itself when first needed.
    pub runs: PathBuf,
    /// The daemon's binary: what starts runs, and `{daemon}` in commands.
    pub daemon: PathBuf,
    /// The repository that the daemon serves.
    pub repository: PathBuf,
    /// The home directory, whose path no message shows.
    pub home: Option<PathBuf>,
    /// How long a run that is to end has for tidying up before it is killed.
    pub grace: Duration,
}

/// The same, with absolute paths: runs start in other directories.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) evals: Vec<PathBuf>,
    pub(super) runs: PathBuf,
    pub(super) daemon: PathBuf,
    pub(super) repository: PathBuf,
    pub(super) home: Option<PathBuf>,
    pub(super) grace: Duration,
}

impl Settings {
    /// The machine's paths that a run's words may contain, with what they stand for.
    pub(super) fn paths_to_hide(&self, attempt: &Attempt, spec: Option<&RunSpec>) -> Paths {
        let known = [
            (attempt.path(), "{run}"),
            (self.runs.as_path(), "{runs}"),
            (self.daemon.as_path(), "{daemon}"),
            (self.repository.as_path(), "{repository}"),
        ];
        let evals = self.evals.iter().map(|evals| (evals.as_path(), "{evals}"));
        let home = self.home.iter().map(|home| (home.as_path(), "~"));
        let entered = spec.iter().map(|spec| (spec.working_directory.as_path(), "{directory}"));
        Paths::hide(known.into_iter().chain(evals).chain(home).chain(entered))
    }
}

impl TryFrom<LocalRunnerSettings> for Settings {
    type Error = io::Error;

    fn try_from(settings: LocalRunnerSettings) -> io::Result<Self> {
        let evals = settings.evals.iter().map(std::path::absolute).collect::<io::Result<_>>()?;
        Ok(Self {
            evals,
            runs: std::path::absolute(settings.runs)?,
            daemon: std::path::absolute(settings.daemon)?,
            repository: std::path::absolute(settings.repository)?,
            home: settings.home,
            grace: settings.grace,
        })
    }
}
