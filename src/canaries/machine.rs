//! What becomes of a canary: the whole rule, without a clock, a store or a registry.
//!
//! ```text
//! awaiting_start ─approve─> entering ─entered─> observing ⇄ paused
//!                                                  │ breach          window over, proved
//!                                                  v                        v
//!                                            rolling_back <─abort─ awaiting_approval ─approve─> promoting
//!                                                  │                                                │
//!                                            ROLLED_BACK | FAILED                               PROMOTED
//! ```
//!
//! An abort is possible in every phase before the end, and wins over whatever is in flight: it
//! changes the row, and what was decided on the row before is then not written.

use std::time::Duration;

use crate::store::canaries::{CanaryRow, Phase};

/// What the actor of a canary does in a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duty {
    /// Wait for somebody.
    Wait,
    /// Put the model into the gate.
    Enter,
    /// Look at the metrics, again and again.
    Look,
    /// Make sure of the gate, and promote.
    Confirm,
    /// Put the gate back.
    Restore,
    /// Nothing more.
    Leave,
}

/// What there is to do in a phase.
pub(super) fn duty(phase: Phase) -> Duty {
    match phase {
        Phase::AwaitingStart | Phase::Paused => Duty::Wait,
        Phase::Entering => Duty::Enter,
        Phase::Observing | Phase::AwaitingApproval => Duty::Look,
        Phase::Promoting => Duty::Confirm,
        Phase::RollingBack => Duty::Restore,
        Phase::Over => Duty::Leave,
    }
}

/// What an operator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// End it and put the gate back.
    Abort,
    /// Stop its clock.
    Pause,
    /// Let its clock run on.
    Resume,
    /// Say yes to what it waits for.
    Approve,
    /// Promote it whatever its evidence says.
    PromoteNow,
}

/// Why a command is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is over.
    Over,
    /// That is what it is at already.
    Already,
    /// It cannot be done in this phase; the words say what can.
    NotNow(&'static str),
}

/// The phase into which a command brings a canary.
pub(super) fn command(row: &CanaryRow, command: Command) -> Result<Phase, Refusal> {
    use Command::{Abort, Approve, Pause, PromoteNow, Resume};
    match (row.phase, command) {
        (Phase::Over, _) => Err(Refusal::Over),
        (Phase::RollingBack, Abort)
        | (Phase::Paused, Pause)
        | (Phase::Observing, Resume)
        | (Phase::Promoting, PromoteNow | Approve) => Err(Refusal::Already),
        // A dry run has nothing to put back.
        (_, Abort) if row.dry_run => Ok(Phase::Over),
        (_, Abort) => Ok(Phase::RollingBack),
        (Phase::RollingBack, _) => Err(Refusal::NotNow("it is being rolled back")),
        (_, Pause | PromoteNow | Approve | Resume) if row.dry_run => {
            Err(Refusal::NotNow("it is a dry run, which can only be aborted"))
        }
        (Phase::Observing, Pause) => Ok(Phase::Paused),
        (_, Pause) => Err(Refusal::NotNow("only a canary that is being observed can be paused")),
        (Phase::Paused, Resume) => Ok(Phase::Observing),
        (_, Resume) => Err(Refusal::NotNow("it is not paused")),
        (Phase::AwaitingStart, Approve) => Ok(Phase::Entering),
        (Phase::AwaitingApproval, Approve) => Ok(Phase::Promoting),
        (_, Approve) => Err(Refusal::NotNow("it does not wait for an approval")),
        (Phase::Observing | Phase::Paused | Phase::AwaitingApproval, PromoteNow) => {
            Ok(Phase::Promoting)
        }
        (_, PromoteNow) => Err(Refusal::NotNow("its model is not in the gate yet")),
    }
}

/// In which phase a canary begins.
pub(super) fn first_phase(needs_approval: bool, dry_run: bool) -> Phase {
    match (dry_run, needs_approval) {
        (true, _) => Phase::Observing,
        (false, true) => Phase::AwaitingStart,
        (false, false) => Phase::Entering,
    }
}

/// What the evidence says at a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing yet.
    Open,
    /// It is bad.
    Breach,
    /// The window is over, and the targets were met.
    Proved,
    /// The window is over, and nobody can say.
    Unproved,
}

/// What becomes of a window that is over and has proved nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenUnproved {
    /// Roll back.
    RollBack,
    /// Leave it to somebody.
    Hold,
    /// Look on for this long after the window's end, then roll back.
    Extend(Duration),
}

/// What follows from a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Look again.
    GoOn,
    /// Roll back.
    RollBack,
    /// Promote.
    Promote,
    /// Have somebody decide.
    Ask,
}

/// What follows from what was found `beyond` the window's end.
pub(super) fn outcome(
    phase: Phase,
    finding: Finding,
    beyond: Duration,
    (when_unproved, needs_approval): (WhenUnproved, bool),
) -> Outcome {
    match (phase, finding) {
        (_, Finding::Breach) => Outcome::RollBack,
        // The window was decided on already; only a breach still counts.
        (Phase::AwaitingApproval, _) | (_, Finding::Open) => Outcome::GoOn,
        (_, Finding::Proved) if needs_approval => Outcome::Ask,
        (_, Finding::Proved) => Outcome::Promote,
        (_, Finding::Unproved) => match when_unproved {
            WhenUnproved::Hold => Outcome::Ask,
            WhenUnproved::Extend(longest) if beyond < longest => Outcome::GoOn,
            WhenUnproved::Extend(_) | WhenUnproved::RollBack => Outcome::RollBack,
        },
    }
}

#[cfg(test)]
mod tests;
