//! What has come of a run whose process is over.

use std::io;

use super::log_tail;
use super::result::{self, ResultProblem};
use super::run_directory::{Attempt, Ending, EndingReason, Exit, RunSpec};
use super::tidy::Paths;
use crate::adapters::process::ProcessIdentity;
use crate::adapters::{EvalResult, FailureReason, LogStream, RunFailure, RunStatus};

/// The most files that a result names.
const MAX_ARTIFACTS: usize = 100;

/// All that is left to judge a run by.
pub(super) struct Remains<'a> {
    pub(super) attempt: &'a Attempt,
    pub(super) spec: Option<&'a RunSpec>,
    /// Missing if the claim cannot be read any more.
    pub(super) process: Option<&'a ProcessIdentity>,
    pub(super) exit: Option<Exit>,
    pub(super) ending: Option<Ending>,
    pub(super) paths: &'a Paths,
}

impl Remains<'_> {
    /// Says how the run ended.
    ///
    /// # Errors
    /// The remains cannot be read just now.
    pub(super) fn judge(&self) -> io::Result<RunStatus> {
        if let Some(not_started) = self.attempt.not_started()? {
            let why = format!("the run could not be started: {}", not_started.why);
            return Ok(self.failed(FailureReason::NotStarted, &why));
        }
        let Some(spec) = self.spec else {
            let why = "what was to be run cannot be read any more";
            return Ok(self.failed(FailureReason::Lost, why));
        };
        if self.was_ended_for(EndingReason::Timeout) {
            let seconds = spec.timeout_milliseconds.div_ceil(1_000);
            let why = format!("the run took longer than {seconds} s and was ended");
            return Ok(self.failed(FailureReason::Timeout, &why));
        }
        Ok(match result::read(&self.attempt.result_directory(), spec.result_format)? {
            Some(Ok(metrics)) => RunStatus::Done(EvalResult {
                metrics: metrics.into_map(),
                artifacts: artifacts(self.attempt)?,
                exit_code: self.exit.and_then(|exit| exit.code),
            }),
            Some(Err(problem)) => {
                let reason = match problem {
                    ResultProblem::Invalid(_) => FailureReason::InvalidResult,
                    ResultProblem::EvalFailed(_) => FailureReason::EvalError,
                };
                self.failed(reason, &problem.to_string())
            }
            None => self.without_result()?,
        })
    }

    fn without_result(&self) -> io::Result<RunStatus> {
        if self.was_ended_for(EndingReason::Cancelled) {
            return Ok(self.failed(FailureReason::NoResult, "the run was cancelled"));
        }
        let Some(exit) = self.exit else {
            return Ok(self.failed(FailureReason::Lost, &lost(self.process)?));
        };
        let said = log_tail::last_line(&self.attempt.log_file(LogStream::Stderr))?;
        let said = said.map_or_else(String::new, |line| format!("; its last words: {line}"));
        let why = format!("the run {} and left no result{said}", how_it_ended(exit));
        Ok(self.failed(FailureReason::NoResult, &why))
    }

    fn was_ended_for(&self, reason: EndingReason) -> bool {
        self.ending.is_some_and(|ending| ending.reason == reason)
    }

    fn failed(&self, reason: FailureReason, why: &str) -> RunStatus {
        let message = self.paths.tidy(why);
        let exit_code = self.exit.and_then(|exit| exit.code);
        RunStatus::Failed(RunFailure { reason, message, exit_code })
    }
}

/// The files that the run left, named from its directory.
fn artifacts(attempt: &Attempt) -> io::Result<Vec<String>> {
    let mut files = result::files_below(&attempt.result_directory())?;
    files.extend(result::files_below(&attempt.own_working_directory())?);
    let names = files.iter().filter_map(|file| file.strip_prefix(attempt.path()).ok()?.to_str());
    let clean = names.filter(|name| !name.chars().any(char::is_control));
    Ok(clean.take(MAX_ARTIFACTS).map(str::to_owned).collect())
}

fn how_it_ended(exit: Exit) -> String {
    /// The signals that the kernel sends for a limit or a fault, and those that people send.
    const MEANINGS: [(i32, &str); 9] = [
        (2, "interrupted"),
        (4, "illegal instruction"),
        (6, "aborted"),
        (7, "bus error"),
        (9, "killed"),
        (11, "segmentation fault"),
        (15, "terminated"),
        (24, "its processor time was used up"),
        (25, "it wrote a file larger than its limit"),
    ];
    match exit {
        Exit { code: Some(code), .. } => format!("exited with code {code}"),
        Exit { signal: Some(signal), .. } => {
            let meaning = MEANINGS.iter().find(|(known, _)| *known == signal);
            let meaning = meaning.map_or_else(String::new, |(_, meaning)| format!(" ({meaning})"));
            format!("was ended by signal {signal}{meaning}")
        }
        Exit { code: None, signal: None } => "ended".to_owned(),
    }
}

fn lost(process: Option<&ProcessIdentity>) -> io::Result<String> {
    let was_restarted = process.map_or(Ok(false), ProcessIdentity::is_of_an_earlier_boot)?;
    Ok(if was_restarted {
        "the machine was restarted during the run, which left no result".to_owned()
    } else {
        "the run is gone and left no result, and nobody saw how it ended".to_owned()
    })
}
