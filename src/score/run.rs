//! Scoring files: what `lukhas-mcp score` does once its flags are read.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::config::Config;
use super::error::{Input, ScoreError};
use super::report::Report;
use super::scoring::{Progress, score};

/// The files of one run.
#[derive(Debug, Clone)]
pub struct Arguments {
    /// The right answers, JSONL.
    pub references: PathBuf,
    /// What the model said, JSONL.
    pub predictions: PathBuf,
    /// The eval config, JSON.
    pub config: PathBuf,
    /// Where the result goes. It appears there whole or not at all.
    pub result: PathBuf,
}

/// Scores files, and tells standard output how far it is.
///
/// # Errors
/// As [`score`], and when the result cannot be written. There is no result file then, or the one
/// that was there before.
pub fn run(arguments: &Arguments) -> Result<(), ScoreError> {
    run_telling(arguments, &mut io::stdout().lock())
}

pub(super) fn run_telling(arguments: &Arguments, out: &mut dyn Write) -> Result<(), ScoreError> {
    let unreadable = |file| move |source| ScoreError::Unreadable { file, source };
    let config = std::fs::read(&arguments.config).map_err(unreadable(Input::Config))?;
    let config = Config::from_json(&config)?;
    let open = |path: &Path, file| File::open(path).map(BufReader::new).map_err(unreadable(file));
    let references = open(&arguments.references, Input::References)?;
    let predictions = open(&arguments.predictions, Input::Predictions)?;

    let pace = Duration::from_millis(config.pace_ms);
    let mut teller = Teller { out: Some(out), last_percent: None };
    let report = score(references, predictions, &config, |progress| {
        teller.tell(progress);
        if !pace.is_zero() && progress.done > 0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "a command-line process with one thread"
            )]
            std::thread::sleep(pace);
        }
    })?;
    write_whole(&arguments.result, &report).map_err(ScoreError::ResultNotWritten)
}

/// Writes progress in the form that the runner reads, a line per percent at most.
struct Teller<'w> {
    /// `None` once nobody reads any more.
    out: Option<&'w mut dyn Write>,
    last_percent: Option<u64>,
}

impl Teller<'_> {
    fn tell(&mut self, progress: Progress) {
        let Progress { done, total, correct } = progress;
        let percent = u64::from(done) * 100 / u64::from(total.max(1));
        if self.last_percent == Some(percent) {
            return;
        }
        self.last_percent = Some(percent);
        let fraction = f64::from(done) / f64::from(total.max(1));
        let line =
            format!("LUKHAS_PROGRESS {fraction:.3} scored {done} of {total}, {correct} correct\n");
        let Some(out) = &mut self.out else { return };
        // A reader that went away is no reason to lose the result, which is the verdict.
        if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
            self.out = None;
        }
    }
}

/// Puts the report in its place by a rename, so that a reader sees all of it or none.
fn write_whole(path: &Path, report: &Report) -> io::Result<()> {
    let mut json = serde_json::to_vec(report)?;
    json.push(b'\n');
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut temporary_name = name.to_owned();
    temporary_name.push(format!(".{}.tmp", std::process::id()));
    let temporary = directory.join(temporary_name);

    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(&json).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&temporary, path));
    if let Err(err) = written {
        // It may never have been there; the first error is the one that tells something.
        drop(std::fs::remove_file(&temporary));
        return Err(err);
    }
    File::open(directory)?.sync_all()
}
