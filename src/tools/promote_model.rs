//! `promote_model`: have a model enter a gate.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{GateId, ModelId};
use crate::models::{Cause, Entry, EvidenceReport, EvidenceRule, check_rules};
use crate::tools::reason::Reason;
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

pub(super) struct PromoteModel;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// The model, with its version after the last colon where it has one: `ranker:12`. It takes the
    /// place of another version of the same name.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    model_id: ModelId,
    /// The gate to enter, such as `production`.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    gate: GateId,
    /// Only say what would change, and change nothing.
    #[serde(default)]
    dry_run: bool,
    /// What evals must have shown; without all of it the promotion is refused.
    #[serde(default)]
    requires: Vec<EvidenceRule>,
    /// Why, for those who ask later; up to 500 characters.
    #[schemars(with = "Option<String>", length(min = 1, max = 500))]
    reason: Option<Reason>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    model_id: String,
    gate: String,
    dry_run: bool,
    /// Whether the gate was moved, or would be.
    changed: bool,
    /// The gates in which the model stands now, in the order in which it entered them.
    current_gates: Vec<String>,
    promoted: bool,
    promoted_at: Option<String>,
    registry: Registered,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<EvidenceReport>,
}

/// What the registry shows.
#[derive(Debug, Serialize, JsonSchema)]
struct Registered {
    name: String,
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}

#[async_trait]
impl Tool for PromoteModel {
    const NAME: &'static str = "promote_model";
    const TITLE: &'static str = "Promote a model";
    const DESCRIPTION: &'static str = "Puts a model into a gate of the registry, at once and for \
        everybody, and reads it back; start_canary does the same under watch. Doing it twice is \
        doing it once. With `requires`, evals must have shown that it is good enough.";
    const EFFECT: Effect = Effect::Ends;
    const REACHES_OUT: bool = true;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let Arguments { model_id: model, gate, dry_run, requires, reason } = arguments;
        check_rules(&requires)
            .map_err(|error| ToolError::InvalidArguments(format!("{}: {error}", Self::NAME)))?;
        let evidence = match requires.as_slice() {
            [] => None,
            rules => {
                // A dry run is refused as the promotion would be, and nothing is written down.
                let refused = (!dry_run).then_some((caller.principal.as_str(), &model, &gate));
                Some(doors.models.require(rules, refused).await?)
            }
        };
        let (changed, registry) = if dry_run {
            let preview = doors.models.preview(&model, &gate).await?;
            let before = preview.before.map(|before| before.to_string());
            let name = preview.registry.to_owned();
            (preview.changed, Registered { name, before, verified: None, reference: None })
        } else {
            let entry = Entry {
                model: model.clone(),
                gate: gate.clone(),
                actor: caller.principal.clone(),
                cause: Cause::Asked,
                reason: reason.map(Reason::into_text),
                evidence: evidence.clone(),
            };
            let moved = doors.models.promote(entry).await?;
            let verified = Some(moved.verified);
            let (name, before, reference) = (moved.registry, moved.before, moved.reference);
            (moved.changed, Registered { name, before, verified, reference })
        };
        let found = doors.models.find(&model).await?;
        let (current_gates, promoted, promoted_at) = match found {
            Some(found) => (found.gates, found.model.promoted, found.model.promoted_at),
            None => (Vec::new(), false, None),
        };
        Ok(Reply::Answer(Answer {
            model_id: model.to_string(),
            gate: gate.to_string(),
            dry_run,
            changed,
            current_gates,
            promoted,
            promoted_at,
            registry,
            evidence,
        }))
    }
}
