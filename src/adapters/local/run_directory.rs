//! Where a run's files are, and how they are written so that a crash leaves them whole or absent.
//!
//! ```text
//! <runs>/<job id>/<attempt>/spec.json         what is to be run; written first
//!                          /claim             who runs it, or that nobody ever will
//!                          /config.json       what the command is given as {config}
//!                          /stdout.log, stderr.log
//!                          /result/           where the command leaves its result
//!                          /work/             the working directory, for tasks that ask for one
//!                          /ending.json       that the run was ended, and why
//!                          /exit.json         how it exited, if this daemon or an earlier one saw it
//!                          /swept             that nothing of the run is left running
//!                          /not-started.json  why the command could not be started
//! ```
//!
//! A run has several attempts only if all but the last were void before anything was run.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::definition::{Environment, Limits};
use super::regular_file::{self, Unread};
use super::result::ResultFormat;
use crate::adapters::LogStream;
use crate::ids::{ConfigId, JobId, TaskId};

/// The largest of the runner's own files; a specification holds at most what a task's file does,
/// with paths for placeholders.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Everything about a run that is settled before it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunSpec {
    pub(super) job_id: JobId,
    pub(super) task_id: TaskId,
    pub(super) config_id: ConfigId,
    /// The program and its arguments, with every placeholder filled.
    pub(super) command: Vec<String>,
    pub(super) working_directory: PathBuf,
    /// The values passed through are not written down: they may be secrets.
    pub(super) environment: Environment,
    pub(super) limits: Limits,
    pub(super) timeout_milliseconds: u64,
    pub(super) result_format: ResultFormat,
}

/// Why a run was ended before it was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EndingReason {
    Timeout,
    Cancelled,
}

/// That a run was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ending {
    pub(super) reason: EndingReason,
    /// When that began, as the time since the machine's boot.
    pub(super) began_milliseconds: u64,
}

/// How a process exited: by itself with a code, or by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exit {
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
}

/// Why the command could not be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NotStarted {
    pub(super) why: String,
}

/// All that is kept of one job's run.
#[derive(Debug, Clone)]
pub(super) struct RunDirectory {
    runs: PathBuf,
    path: PathBuf,
}

impl RunDirectory {
    /// Names the directory; nothing is read or made.
    pub(super) fn of(runs: &Path, job: &JobId) -> Self {
        Self { runs: runs.to_owned(), path: runs.join(job.as_str()) }
    }

    /// The attempts at the run, the latest first.
    pub(super) fn attempts(&self) -> io::Result<Vec<Attempt>> {
        let mut numbers = match fs::read_dir(&self.path) {
            Ok(entries) => entries
                .map(|entry| Ok(entry?.file_name().to_str().and_then(|name| name.parse().ok())))
                .filter_map(Result::transpose)
                .collect::<io::Result<Vec<u32>>>()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        numbers.sort_unstable_by(|one, other| other.cmp(one));
        Ok(numbers.into_iter().map(|number| self.attempt(number)).collect())
    }

    fn attempt(&self, number: u32) -> Attempt {
        Attempt::at(self.path.join(number.to_string()))
    }

    /// Makes the directory of the attempt that follows `latest`, or fails with `AlreadyExists` if
    /// somebody else made it in the meantime. Once this returns it outlives a power loss.
    pub(super) fn create_attempt(&self, latest: Option<&Attempt>) -> io::Result<Attempt> {
        let number = latest.map_or(1, |latest| latest.number().saturating_add(1));
        let attempt = self.attempt(number);
        let mut private = DirBuilder::new();
        private.mode(0o700);
        private.recursive(true).create(&self.path)?;
        sync_directory(&self.runs)?;
        private.recursive(false).create(&attempt.path)?;
        private.create(attempt.result_directory())?;
        private.create(attempt.own_working_directory())?;
        sync_directory(&self.path)?;
        Ok(attempt)
    }

    /// Removes everything, and follows no link in doing so. To remove what is not there is no
    /// error.
    pub(super) fn remove(&self) -> io::Result<()> {
        let mut doomed = self.path.clone().into_os_string();
        doomed.push(".forgotten");
        // Renamed first, so that a removal that is cut short leaves no half of a run behind that
        // looks like a whole one.
        remove_if_there(Path::new(&doomed))?;
        match fs::rename(&self.path, &doomed) {
            Ok(()) => remove_if_there(Path::new(&doomed)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// One attempt at a run, of which at most one ever runs anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    path: PathBuf,
}

impl Attempt {
    /// The attempt whose directory this is.
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory is named by the attempt's number.
    fn number(&self) -> u32 {
        let name = self.path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse().ok()).unwrap_or_default()
    }

    pub(super) fn config_file(&self) -> PathBuf {
        self.path.join("config.json")
    }

    pub(super) fn result_directory(&self) -> PathBuf {
        self.path.join("result")
    }

    pub(super) fn result_file(&self) -> PathBuf {
        self.result_directory().join("result.json")
    }

    pub(super) fn own_working_directory(&self) -> PathBuf {
        self.path.join("work")
    }

    pub(super) fn log_file(&self, stream: LogStream) -> PathBuf {
        self.path.join(match stream {
            LogStream::Stdout => "stdout.log",
            LogStream::Stderr => "stderr.log",
        })
    }

    /// Opens an output for appending.
    pub(super) fn open_log(&self, stream: LogStream) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).mode(0o600).open(self.log_file(stream))
    }

    pub(super) fn write_config(&self, document: &str) -> io::Result<()> {
        self.write_once("config.json", document.as_bytes()).map(drop)
    }

    pub(super) fn write_spec(&self, spec: &RunSpec) -> io::Result<()> {
        self.write_json_once("spec.json", spec).map(drop)
    }

    pub(super) fn spec(&self) -> io::Result<Option<RunSpec>> {
        self.read_note("spec.json")
    }

    /// Notes that the run is being ended; the first note stands.
    pub(super) fn note_ending(&self, ending: Ending) -> io::Result<()> {
        self.write_json_once("ending.json", &ending).map(drop)
    }

    pub(super) fn ending(&self) -> io::Result<Option<Ending>> {
        self.read_note("ending.json")
    }

    pub(super) fn note_exit(&self, exit: Exit) -> io::Result<()> {
        self.write_json_once("exit.json", &exit).map(drop)
    }

    pub(super) fn exit(&self) -> io::Result<Option<Exit>> {
        self.read_note("exit.json")
    }

    pub(super) fn note_not_started(&self, not_started: &NotStarted) -> io::Result<()> {
        self.write_json_once("not-started.json", not_started).map(drop)
    }

    pub(super) fn not_started(&self) -> io::Result<Option<NotStarted>> {
        self.read_note("not-started.json")
    }

    /// Notes that nothing of the run is left running.
    pub(super) fn note_swept(&self) -> io::Result<()> {
        self.write_json_once("swept", &true).map(drop)
    }

    pub(super) fn is_swept(&self) -> bool {
        self.path.join("swept").is_file()
    }

    /// Reads a file that the run can do without. One that cannot be understood any more is as good
    /// as absent, because no second look would help.
    fn read_note<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match self.read_json(name) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
            read => read,
        }
    }

    /// Writes a file that appears whole, once and for good; says whether it was this call that
    /// wrote it. Of several that try at the same time, one succeeds.
    pub(super) fn write_json_once<T: Serialize>(&self, name: &str, value: &T) -> io::Result<bool> {
        self.write_once(name, &serde_json::to_vec(value)?)
    }

    pub(super) fn read_json<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match regular_file::read(&self.path.join(name), MAX_FILE_BYTES) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)),
            Err(Unread::Absent) => Ok(None),
            Err(unread) => Err(unread.into()),
        }
    }

    fn write_once(&self, name: &str, bytes: &[u8]) -> io::Result<bool> {
        let draft = self.path.join(format!("{name}.{}", nanoid::nanoid!()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // A link, unlike a rename, never replaces what is there.
        let linked = fs::hard_link(&draft, self.path.join(name));
        fs::remove_file(&draft)?;
        match linked {
            Ok(()) => sync_directory(&self.path).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_directory(runs: &Path) -> RunDirectory {
        RunDirectory::of(runs, &JobId::parse("job_1").unwrap())
    }

    #[test]
    fn attempts_are_numbered_and_listed_latest_first() {
        let runs = tempfile::tempdir().unwrap();
        let directory = run_directory(&runs.path().join("made/on/demand"));
        assert_eq!(directory.attempts().unwrap(), []);
        let mut latest = None;
        for _ in 0..11 {
            latest = Some(directory.create_attempt(latest.as_ref()).unwrap());
        }
        let numbers: Vec<u32> = directory.attempts().unwrap().iter().map(Attempt::number).collect();
        assert_eq!(numbers, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
        let again = directory.create_attempt(None).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_file_is_written_once() {
        let runs = tempfile::tempdir().unwrap();
        let attempt = run_directory(runs.path()).create_attempt(None).unwrap();
        let ending = |reason, milliseconds| Ending { reason, began_milliseconds: milliseconds };
        let first = ending(EndingReason::Timeout, 1);
        attempt.note_ending(first).unwrap();
        attempt.note_ending(ending(EndingReason::Cancelled, 2)).unwrap();
        assert_eq!(attempt.ending().unwrap(), Some(first));
        let names: Vec<_> =
            fs::read_dir(attempt.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 3, "no draft is left: {names:?}");
    }

    #[test]
    fn removal_follows_no_link_and_may_be_repeated() {
        let runs = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("kept"), "").unwrap();
        let directory = run_directory(runs.path());
        let attempt = directory.create_attempt(None).unwrap();
        let link = attempt.path().join("link");
        std::os::unix::fs::symlink(elsewhere.path(), link).unwrap();
        directory.remove().unwrap();
        directory.remove().unwrap();
        assert!(directory.attempts().unwrap().is_empty());
        std::os::unix::fs::symlink(elsewhere.path(), &directory.path).unwrap();
        directory.remove().unwrap();
        assert!(elsewhere.path().join("kept").is_file());
        assert_eq!(fs::read_dir(runs.path()).unwrap().count(), 0);
    }
}
