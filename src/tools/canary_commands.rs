//! The tools by which somebody changes a running canary: abort, pause, resume, approve, promote.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::canaries::{CanaryView, Command};
use crate::ids::CanaryId;
use crate::tools::reason::Reason;
use crate::tools::words::{canary_phase, canary_status};
use crate::tools::{Call, Caller, Doors, Effect, Reply, Tool, ToolError};

/// A canary, and perhaps why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// The canary.
    #[schemars(with = "String")]
    canary_id: CanaryId,
    /// Why, for those who ask later; up to 500 characters.
    #[schemars(with = "Option<String>", length(min = 1, max = 500))]
    reason: Option<Reason>,
}

/// A canary, and why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReasonedArguments {
    /// The canary.
    #[schemars(with = "String")]
    canary_id: CanaryId,
    /// Why its evidence is not waited for; 1 to 500 characters, kept in the audit.
    #[schemars(with = "String", length(min = 1, max = 500))]
    reason: Reason,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    canary_id: String,
    #[schemars(schema_with = "canary_status")]
    status: &'static str,
    #[schemars(schema_with = "canary_phase")]
    phase: &'static str,
    reason: Option<String>,
    updated_at: String,
    /// Whether the registry still has its part to do.
    pending: bool,
}

impl Answer {
    fn of(view: &CanaryView) -> Self {
        use crate::store::canaries::Phase;
        let row = &view.row;
        Self {
            canary_id: row.canary_id.clone(),
            status: row.status.as_str(),
            phase: row.phase.as_str(),
            reason: row.reason.clone(),
            updated_at: row.updated_at.clone(),
            pending: matches!(row.phase, Phase::RollingBack | Phase::Promoting | Phase::Entering),
        }
    }
}

async fn carry_out(
    (doors, caller): (&Doors, &Caller),
    command: Command,
    id: &CanaryId,
    reason: Option<Reason>,
) -> Result<Reply<Answer>, ToolError> {
    let reason = reason.map(Reason::into_text);
    let view = doors.canaries.command(id, command, &caller.principal, reason).await?;
    Ok(Reply::Answer(Answer::of(&view)))
}

macro_rules! command_tool {
    ($tool:ident, $name:literal, $title:literal, $effect:expr, $out:literal, $command:expr, $text:literal) => {
        pub(super) struct $tool;

        #[async_trait]
        impl Tool for $tool {
            const NAME: &'static str = $name;
            const TITLE: &'static str = $title;
            const DESCRIPTION: &'static str = $text;
            const EFFECT: Effect = $effect;
            const REACHES_OUT: bool = $out;
            type Arguments = Arguments;
            type Answer = Answer;

            async fn call(
                Call { doors, caller, .. }: Call<'_>,
                Arguments { canary_id, reason }: Arguments,
            ) -> Result<Reply<Answer>, ToolError> {
                carry_out((doors, caller), $command, &canary_id, reason).await
            }
        }
    };
}

command_tool!(
    AbortCanary,
    "abort_canary",
    "Abort a canary",
    Effect::Ends,
    true,
    Command::Abort,
    "Ends a canary at once, whatever is in flight, and puts its gate back; answers when the registry \
     shows that, or as pending if that takes long."
);
command_tool!(
    PauseCanary,
    "pause_canary",
    "Pause a canary",
    Effect::Sets,
    false,
    Command::Pause,
    "Stops the clock of a canary's window; its model stays in the gate, and nobody looks at it."
);
command_tool!(
    ResumeCanary,
    "resume_canary",
    "Resume a canary",
    Effect::Sets,
    false,
    Command::Resume,
    "Lets the clock of a paused canary's window run on; what happened meanwhile is not counted."
);
command_tool!(
    ApproveCanary,
    "approve_canary",
    "Approve a canary",
    Effect::Ends,
    true,
    Command::Approve,
    "Says yes to what a canary waits for: its start, or its promotion."
);

pub(super) struct PromoteCanaryNow;

#[async_trait]
impl Tool for PromoteCanaryNow {
    const NAME: &'static str = "promote_canary_now";
    const TITLE: &'static str = "Promote a canary now";
    const DESCRIPTION: &'static str = "Promotes a canary without waiting for its evidence; the \
        reason is kept in the audit beside what the evidence said until then.";
    const EFFECT: Effect = Effect::Ends;
    const REACHES_OUT: bool = true;
    type Arguments = ReasonedArguments;
    type Answer = Answer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: ReasonedArguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let ReasonedArguments { canary_id, reason } = arguments;
        carry_out((doors, caller), Command::PromoteNow, &canary_id, Some(reason)).await
    }
}
