//! `rollback_model`: take the last move of a model into a gate back.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{GateId, ModelId};
use crate::models::{GateMove, Rollback};
use crate::tools::reason::Reason;
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

pub(super) struct RollbackModel;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// The model that is to leave the gate; it must be the one that stands there.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    model_id: ModelId,
    /// The gate.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    gate: GateId,
    /// Why, for those who ask later; up to 500 characters.
    #[schemars(with = "String", length(min = 1, max = 500))]
    reason: Reason,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    #[serde(flatten)]
    moved: GateMove,
    /// What stands in the gate again; nothing where it is null.
    restored: Option<String>,
    /// The gates in which the model still stands.
    current_gates: Vec<String>,
}

#[async_trait]
impl Tool for RollbackModel {
    const NAME: &'static str = "rollback_model";
    const TITLE: &'static str = "Roll a model back";
    const DESCRIPTION: &'static str = "Takes the last move of a model into a gate back: what stood \
        there before stands there again. Refused if somebody else moved the gate since, so that \
        nothing of theirs is undone.";
    const EFFECT: Effect = Effect::Ends;
    const REACHES_OUT: bool = true;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let Arguments { model_id: model, gate, reason } = arguments;
        let (actor, reason) = (caller.principal.clone(), reason.into_text());
        let wish = Rollback { model: model.clone(), gate, actor, reason };
        let moved = doors.models.roll_back(wish).await?;
        let current_gates = doors.models.find(&model).await?.map(|found| found.gates);
        let restored = moved.after.clone();
        let current_gates = current_gates.unwrap_or_default();
        Ok(Reply::Answer(Answer { moved, restored, current_gates }))
    }
}
