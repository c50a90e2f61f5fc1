//! `prepare_promotion`: what speaks for and against a model's entering a gate.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use crate::adapters::registry::RegistryError;
use crate::ids::{Entity, GateId, ModelId};
use crate::models::{HistoryQuery, ModelError};
use crate::prompts::messages::{DATA, Messages, fenced_json};
use crate::prompts::signature::{Parameter, Signature};
use crate::prompts::{Prompt, PromptError};
use crate::resources::{
    Asking, Completion, CompletionRequest, ResourceUri, complete_gates, complete_models,
};
use crate::store::canaries::{CanaryFilter, CanaryRow};
use crate::store::gate_moves::GateMoveRow;
use crate::store::jobs::{JobFilter, JobRow, JobStatus};
use crate::tools::{Call, Doors, ToolError, document_of};

/// How many moves, canaries and evals are told, the newest of each.
const MOVES: u16 = 20;
const CANARIES: u16 = 10;
const EVALS: u16 = 15;

/// The longest result of an eval that is told in full, in bytes.
const RESULT: usize = 4096;

const SIGNATURE: Signature = Signature {
    name: "prepare_promotion",
    title: "Prepare a promotion",
    description: "Weighs whether a model should enter a gate: what it has shown so far, what \
        stands there now, what is missing, and the call that would do it.",
    parameters: &[
        Parameter {
            name: "modelId",
            title: "Model",
            description: "The model, with its version after the last colon where it has one: \
                ranker:12.",
            required: true,
        },
        Parameter {
            name: "toGate",
            title: "Gate",
            description: "The gate that it is to enter, such as production; what it could enter \
                next is weighed when absent.",
            required: false,
        },
    ],
};

pub(super) struct PreparePromotion;

#[async_trait]
impl Prompt for PreparePromotion {
    fn name(&self) -> &'static str {
        SIGNATURE.name
    }

    fn describe(&self) -> Value {
        SIGNATURE.to_value()
    }

    async fn get(
        &self,
        Call { doors, .. }: Call<'_>,
        arguments: &Map<String, Value>,
    ) -> Result<Value, PromptError> {
        let given = SIGNATURE.read(arguments)?;
        let model = ModelId::parse(given.required("modelId"))
            .map_err(|error| PromptError::Invalid(error.to_string()))?;
        let gate = given.get("toGate").map(GateId::parse).transpose();
        let gate = gate.map_err(|error| PromptError::Invalid(format!("toGate: {error}")))?;
        let standing = match &gate {
            Some(gate) => Some(standing(doors, &model, gate).await?),
            None => None,
        };
        let document = document_of(doors, &Entity::model(&model)).await?;
        let facts = facts(doors, &model).await?;

        let mut messages = Messages::default();
        messages.say(task(&model, gate.as_ref(), standing.as_deref(), document.is_some()));
        if let Some(document) = document {
            let uri = ResourceUri::Model(model.clone()).to_string();
            messages.attach(&uri, "text/markdown", &document.text);
        }
        messages.say(format!(
            "The newest moves of the model, its newest canaries, the newest evals that completed \
             (a job does not say which model it evaluated; its task and configuration may), and \
             the gates that are known:\n\n{}",
            fenced_json(&facts)
        ));
        messages.say(steps(&model, gate.as_ref()));
        Ok(messages.finish(&format!("Whether {model} should be promoted")))
    }

    async fn complete(
        &self,
        Asking { doors, .. }: Asking<'_>,
        request: CompletionRequest<'_>,
    ) -> Result<Completion, PromptError> {
        if SIGNATURE.parameter(request.argument)?.name == "modelId" {
            // What stands in the gate already needs no promotion.
            let gate = request.other("toGate").and_then(|gate| GateId::parse(gate).ok());
            return Ok(complete_models(doors, request.value, gate.as_ref()).await?);
        }
        let model = request.other("modelId").and_then(|model| ModelId::parse(model).ok());
        let stands = match model {
            Some(model) => doors.models.find(&model).await.map_err(ToolError::from)?,
            None => None,
        };
        let stands = stands.map(|found| found.gates.into_iter().collect()).unwrap_or_default();
        Ok(complete_gates(doors, request.value, &stands).await?)
    }
}

/// What stands in the gate, as a sentence.
async fn standing(doors: &Doors, model: &ModelId, gate: &GateId) -> Result<String, PromptError> {
    match doors.models.preview(model, gate).await {
        Ok(preview) if !preview.changed => {
            Ok(format!("It stands in the gate {gate} already, as the registry shows just now."))
        }
        Ok(preview) => Ok(match preview.before {
            Some(before) => {
                format!("In the gate {gate} stands {before} now, whose place it would take.")
            }
            None => format!("In the gate {gate} stands no version of this model now."),
        }),
        Err(ModelError::Registry(RegistryError::Refused(why))) => {
            Err(PromptError::Invalid(format!("toGate: {why}")))
        }
        // What is recorded can be weighed without it.
        Err(error @ ModelError::Registry(RegistryError::Unavailable { .. })) => {
            Ok(format!("What stands in the gate {gate} is not known just now: {error}."))
        }
        Err(error) => Err(ToolError::from(error).into()),
    }
}

async fn facts(doors: &Doors, model: &ModelId) -> Result<Value, PromptError> {
    let query = HistoryQuery { model: Some(model.clone()), ..HistoryQuery::default() };
    let moves = doors.models.history(&query, MOVES).await.map_err(ToolError::from)?;
    let filter = CanaryFilter { model_id: Some(model.to_string()), ..CanaryFilter::default() };
    let canaries = doors.canaries.list(filter, CANARIES).await.map_err(ToolError::from)?;
    let filter = JobFilter { statuses: vec![JobStatus::Completed], ..JobFilter::default() };
    let evals = doors.jobs.list(filter, EVALS).await.map_err(ToolError::from)?;
    let gates = doors.models.gates().await.map_err(ToolError::from)?;
    Ok(json!({
        "moves": moves.iter().map(moved).collect::<Vec<_>>(),
        "canaries": canaries.iter().map(watched).collect::<Vec<_>>(),
        "evals": evals.iter().map(evaluated).collect::<Vec<_>>(),
        "gates": gates,
    }))
}

fn moved(row: &GateMoveRow) -> Value {
    json!({
        "at": row.settled_at.as_ref().unwrap_or(&row.created_at),
        "gate": row.gate,
        "kind": row.kind.as_str(),
        "state": row.state.as_str(),
        "before": row.before,
        "after": row.after,
        "canaryId": row.canary_id,
        "by": row.actor,
        "reason": row.reason,
        "trouble": row.trouble,
    })
}

fn watched(row: &CanaryRow) -> Value {
    json!({
        "canaryId": row.canary_id,
        "fromGate": row.from_gate,
        "toGate": row.to_gate,
        "status": row.status.as_str(),
        "phase": row.phase.as_str(),
        "reason": row.reason,
        "dryRun": row.dry_run,
        "startedAt": row.created_at,
        "changedAt": row.updated_at,
    })
}

fn evaluated(row: &JobRow) -> Value {
    let result = row.result_json.as_deref().filter(|json| json.len() <= RESULT);
    let result: Option<Value> = result.and_then(|json| serde_json::from_str(json).ok());
    let member = |name: &str| result.as_ref().map(|result| result[name].clone());
    json!({
        "jobId": row.job_id,
        "taskId": row.task_id,
        "configId": row.config_id,
        "completedAt": row.updated_at,
        "metrics": member("metrics"),
        "statistics": member("statistics"),
    })
}

fn task(model: &ModelId, gate: Option<&GateId>, standing: Option<&str>, is_known: bool) -> String {
    let what = match gate {
        Some(gate) => format!("whether the model {model} should enter the gate {gate}"),
        None => format!("which gate the model {model} should enter next, if any"),
    };
    let known = if is_known {
        "Its document is attached, with where it stands and its story."
    } else {
        "This daemon has never moved it or seen it in a gate."
    };
    let standing = standing.map(|standing| format!(" {standing}")).unwrap_or_default();
    format!("Weigh for the operator of this daemon {what}.\n\n{known}{standing}\n\n{DATA}")
}

fn steps(model: &ModelId, gate: Option<&GateId>) -> String {
    let gate = gate.map_or_else(|| "the gate".to_owned(), ToString::to_string);
    format!(
        "Now write the recommendation, in this order:\n\n\
         1. Yes, no or not yet, in one sentence with the strongest reason.\n\
         2. What speaks for it: evals with their numbers and ages, canaries that were promoted.\n\
         3. What speaks against it or is missing: rollbacks, evals that are old or were never run, \
         something that watches the gate at this moment.\n\
         4. The next call. Where the evidence is thin that is `run_eval`, or `start_canary` with \
         `modelId` {model}, which watches the model in {gate} and puts back what stood there if \
         its requests fail. Else it is `promote_model` with `modelId` {model}, `gate` {gate} and a \
         `reason`; with `dryRun` first, and with `requires` for the evals it rests on. Say how \
         `rollback_model` would take it back.\n\n\
         Where the facts do not suffice, ask for more: `list_models`, `model_history` with `gate` \
         for what stood there, `canary_status` and `why` with a canary's id, `status` with a \
         job's. Change nothing before the operator says so."
    )
}
