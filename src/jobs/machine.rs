//! What a job does next: the whole rule, without a clock, a store or a runner.
//!
//! ```text
//! Finding ─none─> Queued ─granted─> Starting ─started─> [RUNNING] ─> Running ─polled─> [COMPLETED|FAILED] ─> Over
//!    └────────────────some──────────────────────────────^              │
//!                       a wish to cancel, or the deadline:   Ending ─gone─> [CANCELLED|FAILED] ─> Over
//! ```
//!
//! A bracketed status is being written down; until that is done the job is `Noting`. If the write
//! finds that the row has moved on, the machine starts anew from the row.

use std::time::Duration;

use crate::adapters::{EvalResult, ExternalRef, FailureReason, RunFailure, RunProgress, RunStatus};
use crate::store::jobs::JobStatus;

/// The first wait between two looks at a run; it doubles up to [`POLL_LAST`].
const POLL_FIRST: Duration = Duration::from_millis(20);

/// The longest wait between two looks at a run.
const POLL_LAST: Duration = Duration::from_millis(500);

/// What the row says, as far as the machine is concerned.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Facts {
    pub(super) status: JobStatus,
    pub(super) run: Option<ExternalRef>,
    /// Somebody wants it ended.
    pub(super) cancelled: bool,
    /// It should have been over by now.
    pub(super) late: bool,
    pub(super) progress: RunProgress,
}

/// Where the job's actor stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    /// Asks the runner whether it has the job already.
    Finding,
    /// Waits for a place.
    Queued,
    /// The runner is being asked to start it.
    Starting,
    /// A change is being written down.
    Noting,
    /// It runs; `polls` looks were taken since it last did something.
    Running { run: ExternalRef, polls: u32 },
    /// Its run is being ended.
    Ending { run: ExternalRef, because: Because },
    /// It will not change any more.
    Over,
}

/// Why a run is being ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Because {
    Cancelled,
    Deadline,
}

/// What happens to a job.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Input {
    /// The runner was asked what it has.
    Found(Option<ExternalRef>),
    /// There is a place.
    Granted,
    /// The runner has it.
    Started(ExternalRef),
    /// The runner will not have it.
    Refused(RunFailure),
    /// The runner said how the run stands.
    Polled(RunStatus),
    /// Nothing of the run is left.
    Gone,
    /// Somebody wants it ended.
    CancelWished,
    /// It should have been over by now.
    DeadlinePassed,
}

/// What the actor is to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Effect {
    /// Ask the runner for a run of this job.
    Find,
    /// Queue for a place.
    AskForPlace,
    /// Take a place without asking: it runs already.
    OccupyPlace,
    /// Ask the runner to start it.
    Start,
    /// Look at the run after this wait.
    PollAfter(Duration, ExternalRef),
    /// Have the run ended.
    End(ExternalRef),
    /// Write this down.
    Note(Change),
    /// Give the place back and stop.
    Leave,
}

/// What is to be written down.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Change {
    Running(ExternalRef),
    Progress(RunProgress),
    Completed(EvalResult),
    Failed(RunFailure),
    Cancelled,
}

/// Takes a job up from its row. `fresh` says that it was accepted by this very daemon just now, so
/// that no runner can have it.
pub(super) fn resume(facts: &Facts, fresh: bool) -> (State, Vec<Effect>) {
    match (facts.status, &facts.run) {
        (JobStatus::Queued, _) if fresh => (State::Queued, vec![Effect::AskForPlace]),
        (JobStatus::Queued, _) | (JobStatus::Running, None) => (State::Finding, vec![Effect::Find]),
        (JobStatus::Running, Some(run)) => {
            let (state, effect) = watch(facts, run.clone());
            (state, vec![Effect::OccupyPlace, effect])
        }
        _over => (State::Over, vec![Effect::Leave]),
    }
}

/// Watches a run, or has it ended if it should not go on.
fn watch(facts: &Facts, run: ExternalRef) -> (State, Effect) {
    let because = match facts {
        Facts { cancelled: true, .. } => Because::Cancelled,
        Facts { late: true, .. } => Because::Deadline,
        _ => {
            let poll = Effect::PollAfter(POLL_FIRST, run.clone());
            return (State::Running { run, polls: 0 }, poll);
        }
    };
    (State::Ending { run: run.clone(), because }, Effect::End(run))
}

/// Takes one step.
pub(super) fn step(state: State, facts: &Facts, input: Input) -> (State, Vec<Effect>) {
    let note = |change| (State::Noting, vec![Effect::Note(change)]);
    match (state, input) {
        (State::Finding, Input::Found(Some(run))) if facts.cancelled => {
            let because = Because::Cancelled;
            (State::Ending { run: run.clone(), because }, vec![Effect::End(run)])
        }
        (State::Finding, Input::Found(Some(run))) => {
            (State::Noting, vec![Effect::OccupyPlace, Effect::Note(Change::Running(run))])
        }
        (State::Finding, Input::Found(None)) if facts.cancelled => note(Change::Cancelled),
        (State::Finding, Input::Found(None)) if facts.status == JobStatus::Running => {
            note(Change::Failed(lost()))
        }
        (State::Finding, Input::Found(None)) | (State::Queued, Input::Granted) if facts.late => {
            note(Change::Failed(late()))
        }
        (State::Finding, Input::Found(None)) => (State::Queued, vec![Effect::AskForPlace]),

        (State::Queued, Input::Granted) => (State::Starting, vec![Effect::Start]),

        (State::Starting, Input::Started(run)) => note(Change::Running(run)),
        (State::Starting, Input::Refused(failure)) => note(Change::Failed(failure)),

        (State::Running { run, .. }, Input::CancelWished) => {
            let because = Because::Cancelled;
            (State::Ending { run: run.clone(), because }, vec![Effect::End(run)])
        }
        (State::Running { run, .. }, Input::DeadlinePassed) => {
            let because = Because::Deadline;
            (State::Ending { run: run.clone(), because }, vec![Effect::End(run)])
        }
        (State::Running { run, polls }, Input::Polled(status)) => polled(run, polls, facts, status),

        (State::Queued, Input::CancelWished)
        | (State::Ending { because: Because::Cancelled, .. }, Input::Gone) => {
            note(Change::Cancelled)
        }
        (State::Queued, Input::DeadlinePassed)
        | (State::Ending { because: Because::Deadline, .. }, Input::Gone) => {
            note(Change::Failed(late()))
        }

        // Answers that come too late, and wishes that the row will tell of when it is read next.
        (state, _) => (state, Vec::new()),
    }
}

fn polled(run: ExternalRef, polls: u32, facts: &Facts, status: RunStatus) -> (State, Vec<Effect>) {
    match status {
        RunStatus::Running(progress) if progress != facts.progress => {
            (State::Noting, vec![Effect::Note(Change::Progress(progress))])
        }
        RunStatus::Pending | RunStatus::Running(_) => {
            let polls = polls.saturating_add(1);
            let wait = POLL_FIRST.saturating_mul(2u32.saturating_pow(polls)).min(POLL_LAST);
            let poll = Effect::PollAfter(wait, run.clone());
            (State::Running { run, polls }, vec![poll])
        }
        RunStatus::Done(result) => (State::Noting, vec![Effect::Note(Change::Completed(result))]),
        RunStatus::Failed(failure) => (State::Noting, vec![Effect::Note(Change::Failed(failure))]),
    }
}

/// Goes on after a change was written down, or after the row turned out to have moved on.
pub(super) fn noted(facts: &Facts) -> (State, Vec<Effect>) {
    match (facts.status, &facts.run) {
        (JobStatus::Running, Some(run)) => {
            let (state, effect) = watch(facts, run.clone());
            (state, vec![effect])
        }
        _other => resume(facts, false),
    }
}

fn late() -> RunFailure {
    RunFailure {
        reason: FailureReason::Timeout,
        message: "the job was not over by its deadline, and was ended".to_owned(),
        exit_code: None,
    }
}

fn lost() -> RunFailure {
    RunFailure {
        reason: FailureReason::Lost,
        message: "the run is gone and left no result".to_owned(),
        exit_code: None,
    }
}

#[cfg(test)]
mod tests;
