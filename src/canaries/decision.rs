//! Decisions, and the record of one: every number it was made of, so that it can be made again.

use nanoid::nanoid;
use serde_json::{Value, json};

use crate::canaries::machine::Command;
use crate::canaries::record::SYSTEM;
use crate::canaries::view::CanaryView;
use crate::canaries::{rule, story};
use crate::store::canaries::{CanaryStatus, Phase};
use crate::store::decisions::DecisionRow;
use crate::store::sha256_hex;

/// Named in every record, so that a reader knows its form.
const FORMAT: &str = "lukhas-mcp decision 1";

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The model stays in the gate.
    Promote,
    /// The gate is put back.
    RollBack,
    /// Somebody is to decide.
    Ask,
}

impl Verdict {
    /// The decision in one word.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Promote => "PROMOTED",
            Self::RollBack => "ROLLED_BACK",
            Self::Ask => "ASKED",
        }
    }
}

/// Who or what brought a decision about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A look at the metrics.
    Look,
    /// Somebody's command.
    Command(Command),
    /// The registry.
    Gate,
    /// The supervisor of its actor.
    Supervisor,
}

/// A decision before it is recorded.
#[derive(Debug, Clone)]
pub(super) struct Decided {
    pub(super) verdict: Verdict,
    pub(super) trigger: Trigger,
    /// Why, in one word.
    pub(super) reason: String,
    /// Who.
    pub(super) by: String,
    /// Why in somebody's own words.
    pub(super) said: Option<String>,
    /// What evals said, where the policy asks for them.
    pub(super) evals: Option<Value>,
}

/// The reason of an abort, as the contract has it.
pub const ABORTED: &str = "aborted";

/// The reason of a canary whose actor could not be kept alive.
pub(super) const SUPERVISOR_GAVE_UP: &str = "supervisor_gave_up";

/// The reason of a canary whose model never got into the gate.
pub(super) const NOT_ENTERED: &str = "gate_not_entered";

/// The reason of a promotion of which nobody knows for too long whether it holds.
pub(super) const NOT_CONFIRMED: &str = "gate_not_confirmed";

/// The reason of a canary whose gate somebody else moved.
pub(super) const GATE_MOVED: &str = "gate_moved";

/// The reason of time that nobody observed.
pub(super) const GAP: &str = "gap";

/// The reason of a clock that was set.
pub(super) const CLOCK_JUMP: &str = "clock_jump";

/// The reason of a promotion by the evidence.
pub(super) const CONFORMS: &str = "conforms";

/// The reason of a promotion that did not wait for the evidence.
const PROMOTED_BY_OPERATOR: &str = "promoted_by_operator";

/// The reason of a promotion that somebody had to approve.
const APPROVED: &str = "approved";

/// How a record names a look that brought the decision about.
const LOOK: &str = "look";

/// The reason of evals that do not prove what the policy asks for.
pub(super) const EVALS_UNPROVED: &str = "evals_unproved";

impl Decided {
    /// A decision by a look at the metrics.
    pub(super) fn by_look(verdict: Verdict, reason: impl Into<String>) -> Self {
        let by = SYSTEM.to_owned();
        let reason = reason.into();
        Self { verdict, trigger: Trigger::Look, reason, by, said: None, evals: None }
    }

    /// A rollback because of what the registry said.
    pub(super) fn by_gate(reason: &str, said: String) -> Self {
        let rolled_back = Self::by_look(Verdict::RollBack, reason);
        Self { trigger: Trigger::Gate, said: Some(said), ..rolled_back }
    }

    /// The decision that a command amounts to, if it is one.
    pub(super) fn by_command(
        command: Command,
        view: &CanaryView,
        by: &str,
        said: Option<&str>,
    ) -> Option<Self> {
        let (verdict, reason) = match (command, view.row.phase) {
            (Command::Abort, _) => (Verdict::RollBack, ABORTED),
            (Command::PromoteNow, _) => (Verdict::Promote, PROMOTED_BY_OPERATOR),
            (Command::Approve, Phase::AwaitingApproval) => (Verdict::Promote, APPROVED),
            _ => return None,
        };
        Some(Self {
            verdict,
            trigger: Trigger::Command(command),
            reason: reason.to_owned(),
            by: by.to_owned(),
            said: said.map(str::to_owned),
            evals: None,
        })
    }

    /// The decision when nobody can watch a canary any more.
    pub(super) fn supervisor_gave_up(failure: &str) -> Self {
        let rolled_back = Self::by_look(Verdict::RollBack, SUPERVISOR_GAVE_UP);
        Self { trigger: Trigger::Supervisor, said: Some(failure.to_owned()), ..rolled_back }
    }

    /// Whether nothing bad was seen, and only proof is lacking.
    pub(super) fn is_for_want_of_proof(&self) -> bool {
        self.reason.starts_with("inconclusive") || self.reason == EVALS_UNPROVED
    }

    /// What would have had to be otherwise, where it was the rule that decided.
    pub(super) fn counterfactual(&self, report: &rule::Report) -> Option<rule::Counterfactual> {
        let by_rule = is_by_the_rule(self.trigger_name(), &self.reason);
        (by_rule && self.reason != EVALS_UNPROVED).then(|| rule::counterfactual(report)).flatten()
    }

    /// The phase that follows.
    pub(super) fn phase(&self, dry_run: bool) -> Phase {
        match self.verdict {
            _ if dry_run => Phase::Over,
            Verdict::Promote => Phase::Promoting,
            Verdict::RollBack => Phase::RollingBack,
            Verdict::Ask => Phase::AwaitingApproval,
        }
    }

    /// The status that follows, if it changes before the registry has done its part.
    pub(super) fn status(&self, dry_run: bool) -> Option<CanaryStatus> {
        match (dry_run, self.trigger) {
            (true, Trigger::Command(Command::Abort)) => Some(CanaryStatus::RolledBack),
            (true, _) => None,
            (false, _) => Some(CanaryStatus::Running),
        }
    }

    /// The decision in one word.
    pub(super) fn name(&self, dry_run: bool) -> &'static str {
        match (self.verdict, dry_run) {
            (Verdict::RollBack, false) if self.reason == NOT_ENTERED => "FAILED",
            (verdict, false) => verdict.as_str(),
            (Verdict::Promote, true) => "WOULD_BE_PROMOTED",
            (Verdict::RollBack, true) => "WOULD_BE_ROLLED_BACK",
            (Verdict::Ask, true) => "WOULD_BE_ASKED",
        }
    }

    fn trigger_name(&self) -> &'static str {
        match self.trigger {
            Trigger::Look => LOOK,
            Trigger::Command(Command::Abort) => "abort_canary",
            Trigger::Command(Command::Approve) => "approve_canary",
            Trigger::Command(_) => "promote_canary_now",
            Trigger::Gate => "registry",
            Trigger::Supervisor => "supervisor",
        }
    }
}

/// What the rule says, in one word.
pub(super) fn code(verdict: &rule::Verdict) -> &'static str {
    match verdict {
        rule::Verdict::Continue => "open",
        rule::Verdict::RollBack { reason } => reason.code(),
        rule::Verdict::Promote => CONFORMS,
        rule::Verdict::Inconclusive { reasons } => {
            reasons.first().map_or("inconclusive", |doubt| doubt.code.code())
        }
    }
}

/// Whether it was the rule that decided, so that the rule must say the same again.
pub(super) fn is_by_the_rule(trigger: &str, reason: &str) -> bool {
    trigger == LOOK && ![GAP, CLOCK_JUMP].contains(&reason)
}

/// A reason as the end of "because".
pub(super) fn in_words(reason: &str) -> &str {
    match reason {
        CONFORMS => "the evidence proves that its targets were met",
        "error_rate_breach" => "too many requests failed",
        "latency_breach" => "too many requests were slow",
        "no_data" => "there was nothing to see three times in a row",
        "inconclusive_no_data" => "the window is over and nothing was ever seen",
        "inconclusive_too_few_requests" => "the window is over and too few requests came in",
        "inconclusive_above_target" => {
            "the window is over and what was seen is worse than the target, though not for sure"
        }
        "inconclusive_not_proven" => "the window is over and what was seen could be good by chance",
        "inconclusive_coverage" => "the window is over and too many looks gave nothing",
        "inconclusive_stale" => "the window is over and what was seen last is too old",
        "inconclusive_shared_with_baseline" => {
            "the window is over, and the gate it comes from is as bad"
        }
        ABORTED => "it was aborted",
        PROMOTED_BY_OPERATOR => "somebody would not wait for the evidence",
        APPROVED => "somebody approved it",
        SUPERVISOR_GAVE_UP => "the part of the daemon that watches it failed again and again",
        NOT_ENTERED => "its model could not be put into the gate",
        NOT_CONFIRMED => "the registry could not be asked whether the model stands in the gate",
        GATE_MOVED => "somebody else moved the gate",
        GAP => "nobody observed it for too long",
        CLOCK_JUMP => "the clock was set, so that nobody knows how long it was observed",
        EVALS_UNPROVED => "the evals that are asked for do not show it",
        other => other,
    }
}

/// Makes the record of a decision. `view` is the canary as the decision found it.
pub(super) fn record(view: &CanaryView, decided: &Decided, at: &str) -> DecisionRow {
    let row = &view.row;
    let decision_id = format!("decision_{}", nanoid!(21));
    let report = view.report();
    let record = json!({
        "format": FORMAT,
        "decisionId": decision_id,
        "canaryId": row.canary_id,
        "modelId": row.model_id,
        "fromGate": row.from_gate,
        "toGate": row.to_gate,
        "dryRun": row.dry_run,
        "decision": decided.name(row.dry_run),
        "reason": decided.reason,
        "said": decided.said,
        "at": at,
        "by": decided.by,
        "trigger": decided.trigger_name(),
        "question": story::question(view),
        "policy": &*view.policy,
        "policyHash": sha256_hex(row.policy_json.as_bytes()),
        "source": row.source,
        "elapsedMs": row.elapsed_ms,
        "polls": row.polls,
        "sampleHash": row.sample_hash,
        "evidence": report,
        "counterfactual": report.as_ref().and_then(|report| decided.counterfactual(report)),
        "evals": decided.evals,
        "previousDecision": row.decision_id,
    });
    DecisionRow::new(decision_id, row.canary_id.clone(), at.to_owned(), record.to_string())
}
