//! What a run measured: finding the result that it left, and reading it.
//!
//! The result is the verdict. Eval tools exit with 0 after an error and with something else after a
//! success, so that their exit code decides nothing.

mod inspect;
mod lm_eval;
mod metrics;
mod plain;
mod promptfoo;

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub(super) use self::metrics::Metrics;
use super::regular_file;

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ResultFormat {
    /// `{"metrics": {name: {"value", "stderr", "n"}}}`.
    #[default]
    Plain,
    /// The JSON log of inspect-ai.
    InspectAi,
    /// The results file of lm-evaluation-harness.
    LmEval,
    /// The JSON output of promptfoo.
    Promptfoo,
}

impl ResultFormat {
    /// The largest file that is read. The tools write every sample into theirs; they are read as a
    /// stream, so that this bounds time and not memory.
    fn max_bytes(self) -> u64 {
        match self {
            Self::Plain => 4 << 20,
            Self::InspectAi | Self::LmEval | Self::Promptfoo => 512 << 20,
        }
    }

    fn read(self, from: impl Read) -> Result<Metrics, ResultProblem> {
        match self {
            Self::Plain => plain::read(from),
            Self::InspectAi => inspect::read(from),
            Self::LmEval => lm_eval::read(from),
            Self::Promptfoo => promptfoo::read(from),
        }
    }
}

/// Why a result gives no metrics.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ResultProblem {
    /// It is not what its format asks for.
    #[error("the result is not valid: {0}")]
    Invalid(String),
    /// It says that the eval went wrong.
    #[error("the eval went wrong: {0}")]
    EvalFailed(String),
}

impl ResultProblem {
    fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid(why.into())
    }
}

/// Reads the result in a directory, if there is one.
///
/// # Errors
/// The result could not be read just now; one that never can be is a [`ResultProblem`].
pub(super) fn read(
    directory: &Path,
    format: ResultFormat,
) -> io::Result<Option<Result<Metrics, ResultProblem>>> {
    let Some(path) = find(directory)? else { return Ok(None) };
    let file = match regular_file::open(&path) {
        Ok(file) => file,
        Err(unread) if unread.is_lasting() => {
            return Ok(Some(Err(ResultProblem::Invalid(unread.to_string()))));
        }
        Err(unread) => return Err(unread.into()),
    };
    read_file(&file, format).map(Some)
}

fn read_file(file: &File, format: ResultFormat) -> io::Result<Result<Metrics, ResultProblem>> {
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(Err(ResultProblem::invalid("it is empty")));
    }
    if length > format.max_bytes() {
        let mebibytes = format.max_bytes() >> 20;
        return Ok(Err(ResultProblem::invalid(format!("it is larger than {mebibytes} MiB"))));
    }
    let mut reader = Remembering { inner: file.take(length), error: None };
    let metrics = format.read(BufReader::new(&mut reader));
    match reader.error {
        Some(error) => Err(error),
        None => Ok(metrics.and_then(Metrics::checked)),
    }
}

/// Keeps a failure of the disk apart from a fault of the contents, which the parser does not.
struct Remembering<R> {
    inner: R,
    error: Option<io::Error>,
}

impl<R: Read> Read for Remembering<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                self.error = Some(error);
            }
            kind.into()
        })
    }
}

/// Reads the part of a document that a type describes, and skips the rest.
fn parse<T: DeserializeOwned>(from: impl Read) -> Result<T, ResultProblem> {
    serde_json::from_reader(from).map_err(|error| ResultProblem::Invalid(error.to_string()))
}

/// How deep below the result directory a result may be, and how much is looked at to find it.
const MAX_DEPTH: u32 = 3;
const MAX_ENTRIES: usize = 10_000;

/// The file that the command was told to write; else the newest JSON file beside it, because some
/// tools choose the name themselves.
fn find(directory: &Path) -> io::Result<Option<PathBuf>> {
    let told = directory.join("result.json");
    if fs::symlink_metadata(&told).is_ok() {
        return Ok(Some(told));
    }
    let mut newest: Option<(SystemTime, PathBuf)> = None;
    for file in files_below(directory)? {
        if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            let modified = fs::symlink_metadata(&file)?.modified()?;
            newest = newest.max(Some((modified, file)));
        }
    }
    Ok(newest.map(|(_modified, file)| file))
}

/// The regular files below a directory, in order of their names. Links are not followed.
pub(super) fn files_below(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut directories = vec![(directory.to_owned(), 0)];
    let mut seen = 0;
    while let Some((directory, depth)) = directories.pop() {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            // What the run removed or closed holds no result.
            Err(error) if is_out_of_reach(&error) => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            seen += 1;
            if seen > MAX_ENTRIES {
                break;
            }
            let kind = entry.file_type()?;
            if kind.is_file() {
                files.push(entry.path());
            } else if kind.is_dir() && depth < MAX_DEPTH {
                directories.push((entry.path(), depth + 1));
            }
        }
    }
    files.sort();
    Ok(files)
}

fn is_out_of_reach(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests;
