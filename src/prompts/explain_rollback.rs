//! `explain_rollback`: why a canary was rolled back, and what to do about it.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use crate::canaries::{CanaryError, CanaryView, StoredSample};
use crate::ids::{CanaryId, Entity};
use crate::prompts::messages::{DATA, Messages, fenced_json};
use crate::prompts::signature::{Parameter, Signature};
use crate::prompts::{Prompt, PromptError};
use crate::resources::{Asking, Completion, CompletionRequest, ResourceUri, complete_canaries};
use crate::store::canaries::{CanaryStatus, Phase};
use crate::store::decisions::DecisionRow;
use crate::tools::{Call, ToolError, document_of};

/// What a canary is that came to no good.
const ENDED_BADLY: [CanaryStatus; 2] = [CanaryStatus::RolledBack, CanaryStatus::Failed];

/// How many of the newest measurements are told.
const SAMPLES: u16 = 20;

const SIGNATURE: Signature = Signature {
    name: "explain_rollback",
    title: "Explain a rollback",
    description: "Explains why a canary was rolled back: what was decided on which evidence, how \
        sure that is, and what to do next.",
    parameters: &[Parameter {
        name: "canaryId",
        title: "Canary",
        description: "The canary that was rolled back, as start_canary or list_canaries named it.",
        required: true,
    }],
};

pub(super) struct ExplainRollback;

#[async_trait]
impl Prompt for ExplainRollback {
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
        let id = CanaryId::parse(given.required("canaryId"))
            .map_err(|error| PromptError::Invalid(format!("canaryId: {error}")))?;
        let view = match doors.canaries.find(&id).await {
            Err(CanaryError::Unknown(id)) => {
                let why =
                    format!("canaryId: there is no {id}; list_canaries lists those there are");
                return Err(PromptError::Invalid(why));
            }
            found => found.map_err(ToolError::from)?,
        };
        if !ENDED_BADLY.contains(&view.row.status) && view.row.phase != Phase::RollingBack {
            return Err(PromptError::Invalid(format!(
                "canaryId: {id} is {}, and only a canary that was rolled back can be explained; \
                 canary_status tells how it stands",
                view.row.status.as_str()
            )));
        }
        let decisions = doors.canaries.decisions(&id).await.map_err(ToolError::from)?;
        let samples = doors.canaries.samples(&id, SAMPLES).await.map_err(ToolError::from)?;
        let stands = doors.models.find(&view.model()).await.map_err(ToolError::from)?;

        let mut messages = Messages::default();
        messages.say(task(&view));
        if let Some(document) = document_of(doors, &Entity::canary(&id)).await? {
            let uri = ResourceUri::Canary(id.clone()).to_string();
            messages.attach(&uri, "text/markdown", &document.text);
        }
        let facts = json!({
            "decisions": decisions.iter().map(decided).collect::<Vec<_>>(),
            "newestMeasurements": samples.iter().map(measured).collect::<Vec<_>>(),
            "gatesOfTheModelNow": stands.map(|found| found.gates),
        });
        messages.say(format!(
            "The decisions with what would have had to be otherwise, the newest {} measurements, \
             and where the model stands now:\n\n{}",
            samples.len(),
            fenced_json(&facts)
        ));
        messages.say(steps(&id));
        Ok(messages.finish(&format!("Why {id} was rolled back")))
    }

    async fn complete(
        &self,
        Asking { doors, .. }: Asking<'_>,
        request: CompletionRequest<'_>,
    ) -> Result<Completion, PromptError> {
        SIGNATURE.parameter(request.argument)?;
        Ok(complete_canaries(doors, request.value, &ENDED_BADLY).await?)
    }
}

fn task(view: &CanaryView) -> String {
    let row = &view.row;
    let reason = row.reason.as_deref().unwrap_or("none");
    format!(
        "Explain to the operator of this daemon why the canary {} was rolled back.\n\n\
         The canary had the model {} on probation in the gate {}, where it came from {}. Its \
         status is {}, and the recorded reason is `{reason}`. Its document is attached, with the \
         evidence, the policy and the story.\n\n{DATA}",
        row.canary_id,
        row.model_id,
        row.to_gate,
        row.from_gate,
        row.status.as_str()
    )
}

fn decided(row: &DecisionRow) -> Value {
    let record: Value = serde_json::from_str(&row.record_json).unwrap_or_default();
    json!({
        "decisionId": row.decision_id,
        "at": row.at,
        "decision": record["decision"],
        "reason": record["reason"],
        "by": record["by"],
        "said": record["said"],
        "counterfactual": record["counterfactual"],
    })
}

fn measured(sample: &StoredSample) -> Value {
    json!({
        "poll": sample.poll,
        "elapsedMs": sample.elapsed_ms,
        "latency_p95_ms": sample.shown_latency_ms(),
        "error_rate": sample.shown_error_rate(),
        "dataQuality": sample.data_quality(),
    })
}

fn steps(id: &CanaryId) -> String {
    format!(
        "Now write the explanation, in this order:\n\n\
         1. What happened, in two or three sentences that name the model, the gate, the time and \
         the reason.\n\
         2. The evidence: each target, what was observed against it, and how sure that is. Say \
         where measurements are missing: there, 9999 ms and an error rate of 1 stand for \
         nothing that was measured.\n\
         3. The cause, as far as the facts show one. Mark as a guess what they do not show.\n\
         4. What to do next, and what would have to be otherwise for this model to be promoted.\n\n\
         Where the facts do not suffice, ask for more: `why_math` with the id {id} for every \
         number of the decision, `canary_status` with `series` for how the numbers went, `why` for \
         the recorded facts, `model_history` for what else was moved, `replay_decision` to see \
         that the decision comes out the same, and `backtest_policy` for what another policy would \
         have decided. Start no canary and promote nothing before the operator says so."
    )
}
