//! `backtest_policy`: try a policy on the past before it decides anything.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::canaries::Backtest;
use crate::canaries::policy::{Policy, PolicyRequest};
use crate::clock::Timestamp;
use crate::ids::{CanaryId, GateId, ModelId};
use crate::tools::schema::policy as policy_schema;
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

pub(super) struct BacktestPolicy;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// The policy to try, as in `start_canary`.
    policy: PolicyRequest,
    /// A canary whose measurements it is tried on; or else `modelId`, `gate` and `from`.
    #[schemars(with = "Option<String>")]
    canary_id: Option<CanaryId>,
    /// The model whose past it is tried on.
    #[schemars(with = "Option<String>")]
    model_id: Option<ModelId>,
    /// The gate in which the model was.
    #[schemars(with = "Option<String>")]
    gate: Option<GateId>,
    /// When the canary is taken to have started, in ISO 8601; needs a Prometheus server.
    from: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    /// The policy, with every default.
    #[schemars(schema_with = "policy_schema")]
    policy: Policy,
    #[serde(flatten)]
    backtest: Backtest,
}

#[async_trait]
impl Tool for BacktestPolicy {
    const NAME: &'static str = "backtest_policy";
    const TITLE: &'static str = "Try a policy on the past";
    const DESCRIPTION: &'static str = "Says what a canary policy would have decided, and when, on \
        the measurements of an earlier canary or on what Prometheus has of a gate. Changes nothing.";
    const EFFECT: Effect = Effect::Reads;
    const REACHES_OUT: bool = true;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let policy = Policy::try_from(arguments.policy);
        let policy = policy.map_err(|error| invalid(&error.to_string()))?;
        let tried = policy.clone();
        let past = (arguments.model_id, arguments.gate, arguments.from);
        let backtest = match (arguments.canary_id, past) {
            (Some(id), (None, None, None)) => doors.canaries.backtest_canary(&id, tried).await?,
            (None, (Some(model), Some(gate), Some(from))) => {
                let from = Timestamp::parse(&from)
                    .map_err(|_| invalid("from must be a time such as 2026-11-21T08:00:00Z"))?;
                doors.canaries.backtest_gate((model, gate), from, tried).await?
            }
            _ => return Err(invalid("give either canaryId, or modelId, gate and from")),
        };
        Ok(Reply::Answer(Answer { policy, backtest }))
    }
}

fn invalid(what: &str) -> ToolError {
    ToolError::InvalidArguments(format!("backtest_policy: {what}"))
}
