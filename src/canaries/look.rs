//! One look at a canary's metrics, and what follows from it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::canaries::CanaryDeps;
use crate::canaries::decision::{self, Decided, Verdict as Decision};
use crate::canaries::machine::{self, Finding, Outcome, WhenUnproved};
use crate::canaries::policy::{OnInconclusive, Policy, Step};
use crate::canaries::record::{Looked, Measured};
use crate::canaries::rule::{Evidence, Verdict};
use crate::canaries::sample::StoredSample;
use crate::canaries::standing::standings;
use crate::canaries::steps::NotYet;
use crate::canaries::view::CanaryView;
use crate::canaries::watch::{self, Counted};
use crate::canaries::window::{Interruption, Window};
use crate::clock::Timestamp;
use crate::store::canaries::Phase;

/// How many looks are taken before the registry is asked again who stands in the gate.
const POLLS_BETWEEN_GATE_CHECKS: i64 = 12;

/// The window's clock, read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// The time of day.
    pub(super) now: Timestamp,
    /// How long this process ran since it was read last; absent if that was an earlier process, or
    /// the window begins.
    pub(super) ran: Option<Duration>,
}

/// Reads where the counters stand, so that what was counted before is not the canary's.
pub(super) async fn base(deps: &CanaryDeps, view: &CanaryView) -> String {
    watch::base(deps, view).await
}

/// Looks, judges, and says what is to be written down.
pub(super) async fn take(
    deps: &CanaryDeps,
    view: &CanaryView,
    reading: Reading,
) -> Result<Looked, NotYet> {
    let wall = view.seen_at().map_or(time::Duration::ZERO, |seen| reading.now.since(seen));
    let passed = reading.ran.unwrap_or_else(|| wall.try_into().unwrap_or(Duration::ZERO));
    let elapsed = view.elapsed() + passed;
    let elapsed_ms = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
    if let Some(interruption) = view.window().interruption(wall, reading.ran) {
        let reason = match interruption {
            Interruption::Gap => decision::GAP,
            Interruption::ClockJump => decision::CLOCK_JUMP,
        };
        let decided = Some(Decided::by_look(Decision::RollBack, reason));
        return Ok(Looked { elapsed_ms, measured: None, decided });
    }
    let began = Instant::now();
    let Counted { canary, baseline, counters_json } = watch::count(deps, view).await;
    let sample = StoredSample {
        poll: view.row.polls + 1,
        elapsed_ms: u64::try_from(elapsed_ms).unwrap_or(0),
        canary,
        baseline,
    };
    deps.statistics.looked(&sample, began.elapsed());
    let mut evidence = view.evidence.clone().unwrap_or_else(|| Evidence::new(&view.policy));
    evidence.observe(&sample.as_poll());
    let verdict = judge(view.window(), &evidence, elapsed);
    let mut decided = decide(deps, view, &verdict, elapsed).await?;
    if decided.is_none() && sample.poll % POLLS_BETWEEN_GATE_CHECKS == 0 {
        decided = moved_by_others(deps, view).await;
    }
    let raw = json!(sample).to_string();
    let standings = standings(&evidence.report(view.window().moment(elapsed)));
    let sample = Arc::new(sample);
    let measured = Measured { sample, raw, counters_json, evidence, standings };
    Ok(Looked { elapsed_ms, measured: Some(measured), decided })
}

/// What the evidence says at a moment of the window.
pub(super) fn judge(window: Window, evidence: &Evidence, elapsed: Duration) -> Verdict {
    evidence.verdict(window.moment(elapsed))
}

/// The rollback of a canary whose gate somebody else moved: what is seen there is not its own. A
/// registry that cannot be asked just now is asked again later, and before a promotion.
async fn moved_by_others(deps: &CanaryDeps, view: &CanaryView) -> Option<Decided> {
    if !view.is_in_gate() {
        return None;
    }
    let holder = deps.models.holder(&view.model(), &view.to_gate()).await.ok()?;
    if holder.as_ref() == Some(&view.model()) {
        return None;
    }
    let holder = holder.map_or_else(|| "nothing".to_owned(), |model| model.to_string());
    let said = format!("{holder} stands in {} now", view.row.to_gate);
    Some(Decided::by_gate(decision::GATE_MOVED, said))
}

/// What follows from that for the canary.
async fn decide(
    deps: &CanaryDeps,
    view: &CanaryView,
    verdict: &Verdict,
    elapsed: Duration,
) -> Result<Option<Decided>, NotYet> {
    let mut reason = decision::code(verdict);
    let mut finding = finding(verdict);
    let mut evals = None;
    let required = view.policy.requires();
    if finding == Finding::Proved && !required.is_empty() && view.row.phase == Phase::Observing {
        let report = deps.models.check_evidence(required, deps.clock.now()).await?;
        if !report.holds {
            (finding, reason) = (Finding::Unproved, decision::EVALS_UNPROVED);
        }
        evals = Some(json!(report));
    }
    let settings = (when_unproved(&view.policy), view.policy.needs_approval(Step::Promote));
    let beyond = elapsed.saturating_sub(view.policy.window());
    let verdict = match machine::outcome(view.row.phase, finding, beyond, settings) {
        Outcome::GoOn => return Ok(None),
        Outcome::RollBack => Decision::RollBack,
        Outcome::Promote => Decision::Promote,
        Outcome::Ask => Decision::Ask,
    };
    Ok(Some(Decided { evals, ..Decided::by_look(verdict, reason) }))
}

pub(super) fn finding(verdict: &Verdict) -> Finding {
    match verdict {
        Verdict::Continue => Finding::Open,
        Verdict::RollBack { .. } => Finding::Breach,
        Verdict::Promote => Finding::Proved,
        Verdict::Inconclusive { .. } => Finding::Unproved,
    }
}

pub(super) fn when_unproved(policy: &Policy) -> WhenUnproved {
    match policy.on_inconclusive() {
        OnInconclusive::Rollback => WhenUnproved::RollBack,
        OnInconclusive::Hold => WhenUnproved::Hold,
        OnInconclusive::Extend => WhenUnproved::Extend(policy.max_extend()),
    }
}
