//! `replay_decision`: make a decision again from what is stored.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::canaries::Replay;
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

const ID_LENGTH: usize = 128;

pub(super) struct ReplayDecision;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// The decision, as `canary_status` and `why_math` name it; or a canaryId, for the last
    /// decision about it.
    id: String,
}

#[async_trait]
impl Tool for ReplayDecision {
    const NAME: &'static str = "replay_decision";
    const TITLE: &'static str = "Make a decision again";
    const DESCRIPTION: &'static str = "Computes a canary's decision again from its stored \
        measurements and says whether every number comes out the same, to the last bit.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Answer = Replay;

    async fn call(
        Call { doors, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Replay>, ToolError> {
        if ID_LENGTH < arguments.id.len() {
            return Err(ToolError::InvalidArguments(format!(
                "replay_decision: id must have at most {ID_LENGTH} characters"
            )));
        }
        Ok(Reply::Answer(doors.canaries.replay(&arguments.id).await?))
    }
}
