//! The rule of canaries, over everything that can happen to one.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::store::canaries::{CanaryRow, CanaryStatus};

fn row(phase: Phase, dry_run: bool) -> CanaryRow {
    CanaryRow {
        canary_id: "canary_x".to_owned(),
        number: 1,
        model_id: "ranker:2".to_owned(),
        from_gate: "staging".to_owned(),
        to_gate: "production".to_owned(),
        status: if dry_run { CanaryStatus::Pending } else { CanaryStatus::Running },
        created_at: "2026-11-21T00:00:00.000Z".to_owned(),
        updated_at: "2026-11-21T00:00:00.000Z".to_owned(),
        policy_json: "{}".to_owned(),
        phase,
        version: 1,
        dry_run,
        principal: "p".to_owned(),
        source: "scrape".to_owned(),
        elapsed_ms: 0,
        seen_at: None,
        polls: 0,
        counters_json: None,
        sample_hash: String::new(),
        reason: None,
        decision_id: None,
        decided_at: None,
        trouble: None,
    }
}

const COMMANDS: [Command; 5] =
    [Command::Abort, Command::Pause, Command::Resume, Command::Approve, Command::PromoteNow];

#[test]
fn an_abort_is_possible_until_the_end_and_wins() {
    for &phase in Phase::ALL {
        let expected = match phase {
            Phase::Over => Err(Refusal::Over),
            Phase::RollingBack => Err(Refusal::Already),
            _ => Ok(Phase::RollingBack),
        };
        assert_eq!(command(&row(phase, false), Command::Abort), expected, "{phase:?}");
    }
}

#[test]
fn what_is_being_rolled_back_or_over_is_never_promoted() {
    for phase in [Phase::RollingBack, Phase::Over] {
        for wanted in COMMANDS {
            let to = command(&row(phase, false), wanted);
            assert!(to.is_err(), "{phase:?} {wanted:?} {to:?}");
        }
    }
}

#[test]
fn a_dry_run_changes_no_gate() {
    let changes_a_gate = [Phase::Entering, Phase::Promoting, Phase::RollingBack];
    assert_eq!(first_phase(true, true), Phase::Observing);
    for &phase in Phase::ALL {
        for wanted in COMMANDS {
            if let Ok(to) = command(&row(phase, true), wanted) {
                assert!(!changes_a_gate.contains(&to), "{phase:?} {wanted:?} {to:?}");
            }
        }
    }
}

#[test]
fn every_phase_has_its_commands() {
    use Command::{Abort, Approve, Pause, PromoteNow, Resume};
    let allowed = |phase| {
        let able = |wanted: &Command| command(&row(phase, false), *wanted).is_ok();
        COMMANDS.into_iter().filter(able).collect::<Vec<_>>()
    };
    assert_eq!(allowed(Phase::AwaitingStart), [Abort, Approve]);
    assert_eq!(allowed(Phase::Entering), [Abort]);
    assert_eq!(allowed(Phase::Observing), [Abort, Pause, PromoteNow]);
    assert_eq!(allowed(Phase::Paused), [Abort, Resume, PromoteNow]);
    assert_eq!(allowed(Phase::AwaitingApproval), [Abort, Approve, PromoteNow]);
    assert_eq!(allowed(Phase::Promoting), [Abort]);
}

#[test]
fn an_extended_window_ends() {
    let extend = (WhenUnproved::Extend(Duration::from_mins(1)), false);
    let at = |seconds| {
        outcome(Phase::Observing, Finding::Unproved, Duration::from_secs(seconds), extend)
    };
    assert_eq!(at(0), Outcome::GoOn);
    assert_eq!(at(59), Outcome::GoOn);
    assert_eq!(at(60), Outcome::RollBack);
}

fn finding() -> impl Strategy<Value = Finding> {
    prop_oneof![
        Just(Finding::Open),
        Just(Finding::Breach),
        Just(Finding::Proved),
        Just(Finding::Unproved)
    ]
}

fn when_unproved() -> impl Strategy<Value = WhenUnproved> {
    prop_oneof![
        Just(WhenUnproved::RollBack),
        Just(WhenUnproved::Hold),
        (0_u64..100).prop_map(|seconds| WhenUnproved::Extend(Duration::from_secs(seconds)))
    ]
}

proptest! {
    #[test]
    fn only_proof_promotes_by_itself_and_a_breach_always_rolls_back(
        finding in finding(),
        when_unproved in when_unproved(),
        needs_approval: bool,
        beyond in 0_u64..200,
        waits: bool,
    ) {
        let phase = if waits { Phase::AwaitingApproval } else { Phase::Observing };
        let beyond = Duration::from_secs(beyond);
        let follows = outcome(phase, finding, beyond, (when_unproved, needs_approval));
        if follows == Outcome::Promote {
            prop_assert_eq!(finding, Finding::Proved);
            prop_assert!(!needs_approval && !waits);
        }
        prop_assert_eq!(finding == Finding::Breach && follows != Outcome::RollBack, false);
    }
}
