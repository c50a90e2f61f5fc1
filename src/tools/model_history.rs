//! `model_history`: which model stood in which gate, and when.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::ids::{GateId, ModelId};
use crate::models::{HistoryQuery, StoodThere};
use crate::store::gate_moves::GateMoveRow;
use crate::tools::schema::object;
use crate::tools::words::{move_kind, move_state};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

const LIMIT: u16 = 50;
const LIMIT_MOST: u16 = 200;

pub(super) struct ModelHistory;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// Only moves that this model took part in.
    #[schemars(with = "Option<String>", regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    model_id: Option<ModelId>,
    /// Only moves of this gate.
    #[schemars(with = "Option<String>", regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    gate: Option<GateId>,
    /// A moment, ISO 8601: the answer then has what stood in the gate at that moment. Needs `gate`.
    at: Option<String>,
    /// How many moves to list, 1 to 200; 50 when absent.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u16>,
    /// The `nextCursor` of the page before; absent for the first page.
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    registry: &'static str,
    /// What stood in the gate at the moment that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    stood: Option<Vec<Stood>>,
    moves: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Stood {
    model_id: String,
    since: Option<String>,
    by: Shown,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    r#move: i64,
    model_id: String,
    gate: String,
    /// `enter`, `restore`, or `observe` for what was done elsewhere.
    #[schemars(schema_with = "move_kind")]
    kind: &'static str,
    /// `done`; `intended` while it is not known; `abandoned`; `conflict`.
    #[schemars(schema_with = "move_state")]
    state: &'static str,
    before: Option<String>,
    after: Option<String>,
    found: Option<String>,
    canary_id: Option<String>,
    actor: String,
    reason: Option<String>,
    trouble: Option<String>,
    reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "object")]
    evidence: Option<Box<RawValue>>,
    created_at: String,
    settled_at: Option<String>,
}

impl From<GateMoveRow> for Shown {
    fn from(row: GateMoveRow) -> Self {
        Self {
            r#move: row.id,
            model_id: row.model_id,
            gate: row.gate,
            kind: row.kind.as_str(),
            state: row.state.as_str(),
            before: row.before,
            after: row.after,
            found: row.found,
            canary_id: row.canary_id,
            actor: row.actor,
            reason: row.reason,
            trouble: row.trouble,
            reference: row.reference,
            evidence: row.evidence.and_then(|json| RawValue::from_string(json).ok()),
            created_at: row.created_at,
            settled_at: row.settled_at,
        }
    }
}

impl From<StoodThere> for Stood {
    fn from(stood: StoodThere) -> Self {
        let StoodThere { model_id, by } = stood;
        Self { model_id, since: by.settled_at.clone(), by: by.into() }
    }
}

#[async_trait]
impl Tool for ModelHistory {
    const NAME: &'static str = "model_history";
    const TITLE: &'static str = "History of models and gates";
    const DESCRIPTION: &'static str = "Lists the moves of a model, of a gate, or all, newest first, \
        with who asked and why. With `gate` and `at` it says which models stood there at that \
        moment. What others moved counts from when it was seen.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let limit = arguments.limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_MOST).contains(&limit) {
            return Err(invalid(&format!("limit must be between 1 and {LIMIT_MOST}")));
        }
        let stood = match (&arguments.at, &arguments.gate) {
            (None, _) => None,
            (Some(_), None) => return Err(invalid("at needs gate")),
            (Some(at), Some(gate)) => {
                let at = Timestamp::parse(at)
                    .map_err(|_| invalid("at must be a time such as 2026-11-21T08:15:00Z"))?;
                let mut stood = doors.models.stood_at(gate, at).await?;
                if let Some(model) = &arguments.model_id {
                    stood.retain(|stood| stood.by.model_name == model.name());
                }
                Some(stood.into_iter().map(Stood::from).collect())
            }
        };
        let query = HistoryQuery {
            model: arguments.model_id,
            gate: arguments.gate,
            before: arguments.cursor.as_deref().map(read_cursor).transpose()?,
        };
        // One more than asked for tells whether there is another page.
        let mut rows = doors.models.history(&query, limit + 1).await?;
        let more = usize::from(limit) < rows.len();
        rows.truncate(limit.into());
        let next_cursor = rows.last().filter(|_| more).map(|row| row.id.to_string());
        let moves = rows.into_iter().map(Shown::from).collect();
        Ok(Reply::Answer(Answer { registry: doors.models.registry(), stood, moves, next_cursor }))
    }
}

fn read_cursor(cursor: &str) -> Result<i64, ToolError> {
    cursor.parse().map_err(|_| invalid("cursor must be the nextCursor of the page before"))
}

fn invalid(what: &str) -> ToolError {
    ToolError::InvalidArguments(format!("model_history: {what}"))
}
