//! `list_models`: the models that are known, and the gates they stand in.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::GateId;
use crate::store::models::ModelWithGates;
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

const LIMIT: u16 = 50;
const LIMIT_MOST: u16 = 200;

pub(super) struct ListModels;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// Only models in this gate.
    #[schemars(with = "Option<String>", regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    gate: Option<GateId>,
    /// How many models to list, 1 to 200; 50 when absent.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u16>,
    /// The `nextCursor` of the page before; absent for the first page.
    #[schemars(length(max = 256))]
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    registry: &'static str,
    models: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    model_id: String,
    /// The gates, in the order in which it entered them, as they were seen last.
    current_gates: Vec<String>,
    promoted: bool,
    promoted_at: Option<String>,
}

impl From<ModelWithGates> for Shown {
    fn from(found: ModelWithGates) -> Self {
        Self {
            model_id: found.model.model_id,
            current_gates: found.gates,
            promoted: found.model.promoted,
            promoted_at: found.model.promoted_at,
        }
    }
}

#[async_trait]
impl Tool for ListModels {
    const NAME: &'static str = "list_models";
    const TITLE: &'static str = "List models";
    const DESCRIPTION: &'static str = "Lists the models that this daemon moved or saw, by id, with \
        the gates they stand in; filter by gate, and go on with nextCursor.";
    const EFFECT: Effect = Effect::Reads;
    const OPENS_APP: bool = true;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let limit = arguments.limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_MOST).contains(&limit) {
            return Err(ToolError::InvalidArguments(format!(
                "list_models: limit must be between 1 and {LIMIT_MOST}"
            )));
        }
        let (gate, after) = (arguments.gate.as_ref(), arguments.cursor.as_deref());
        // One more than asked for tells whether there is another page.
        let mut found = doors.models.list(gate, after, limit + 1).await?;
        let more = usize::from(limit) < found.len();
        found.truncate(limit.into());
        let last = found.last().filter(|_| more);
        let next_cursor = last.map(|last| last.model.model_id.clone());
        let models = found.into_iter().map(Shown::from).collect();
        Ok(Reply::Answer(Answer { registry: doors.models.registry(), models, next_cursor }))
    }
}
