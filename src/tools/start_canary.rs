//! `start_canary`: watch a model in a gate until its evidence decides.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::canaries::NewCanary;
use crate::canaries::policy::{Policy, PolicyRequest, Targets};
use crate::canaries::rule::Feasibility;
use crate::ids::{Entity, GateId, ModelId};
use crate::tools::schema::policy as policy_schema;
use crate::tools::words::{canary_phase, canary_status};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

pub(super) struct StartCanary;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// The model to watch; a version follows the last colon, as in `ranker:12`.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    model_id: ModelId,
    /// The gate it comes from, which it is compared with where the policy asks for that.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    from_gate: GateId,
    /// The gate it enters and is watched in.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9_.:-]{1,64}$"))]
    to_gate: GateId,
    /// How long it is watched, in seconds; 300 when absent.
    #[schemars(range(min = 1, max = 604_800))]
    window_seconds: Option<u64>,
    /// What must hold; at least one of the two. May also stand in `policy`.
    targets: Option<Targets>,
    /// Watch and decide, but change nothing.
    dry_run: Option<bool>,
    /// The same three, and everything else about how it is judged.
    #[schemars(with = "Option<PolicyShape>")]
    policy: Option<Map<String, Value>>,
}

/// What may stand in `policy`.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it describes what is read member by member")]
struct PolicyShape {
    #[schemars(flatten)]
    policy: PolicyRequest,
    /// Watch and decide, but change nothing.
    dry_run: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    canary_id: String,
    model_id: String,
    from_gate: String,
    to_gate: String,
    #[schemars(schema_with = "canary_status")]
    status: &'static str,
    /// How it is judged, with every default.
    #[schemars(schema_with = "policy_schema")]
    policy: Policy,
    #[schemars(schema_with = "canary_phase")]
    phase: &'static str,
    source: String,
    /// How many requests a verdict needs, and whether the window can give them.
    feasibility: Feasibility,
    /// What the evidence will lack.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    caveats: Vec<String>,
}

#[async_trait]
impl Tool for StartCanary {
    const NAME: &'static str = "start_canary";
    const TITLE: &'static str = "Start a canary";
    const DESCRIPTION: &'static str = "Puts a model into a gate and watches its error rate and \
        latency there: on a breach it is rolled back at any time, and at the end of the window it \
        is promoted if the evidence proves that the targets were met. Answers with the canaryId at \
        once; ask `canary_status`, or follow the events of `canary/<canaryId>`.";
    const EFFECT: Effect = Effect::Changes;
    const REACHES_OUT: bool = true;
    const OPENS_APP: bool = true;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let (model, from_gate, to_gate) =
            (arguments.model_id.clone(), arguments.from_gate.clone(), arguments.to_gate.clone());
        let (request, dry_run) = read_policy(arguments)?;
        let policy = Policy::try_from(request).map_err(|error| invalid(&error.to_string()))?;
        let principal = caller.principal.clone();
        let new = NewCanary { model, from_gate, to_gate, policy, dry_run, principal };
        let started = doors.canaries.begin(new).await?;
        let row = &started.view.row;
        let work = Entity::canary(&started.view.canary_id());
        Ok(Reply::Began(
            work,
            Answer {
                canary_id: row.canary_id.clone(),
                model_id: row.model_id.clone(),
                from_gate: row.from_gate.clone(),
                to_gate: row.to_gate.clone(),
                status: row.status.as_str(),
                policy: (*started.view.policy).clone(),
                phase: row.phase.as_str(),
                source: row.source.clone(),
                feasibility: started.feasibility,
                caveats: started.caveats,
            },
        ))
    }
}

/// Joins the two forms in which a policy may come.
fn read_policy(arguments: Arguments) -> Result<(PolicyRequest, bool), ToolError> {
    let mut inner = arguments.policy.unwrap_or_default();
    let inner_dry_run = match inner.remove("dryRun") {
        None | Some(Value::Null) => None,
        Some(Value::Bool(dry_run)) => Some(dry_run),
        Some(_) => return Err(invalid("policy.dryRun must be true or false")),
    };
    let mut request = read_request(inner)?;
    request.window_seconds =
        one_of("windowSeconds", arguments.window_seconds, request.window_seconds)?;
    request.targets = one_of("targets", arguments.targets, request.targets)?;
    let dry_run = one_of("dryRun", arguments.dry_run, inner_dry_run)?;
    Ok((request, dry_run.unwrap_or(false)))
}

/// Reads the members of `policy`; an error names the member.
pub(super) fn read_request(members: Map<String, Value>) -> Result<PolicyRequest, ToolError> {
    serde_path_to_error::deserialize(Value::Object(members)).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!(".{path}") };
        invalid(&format!("policy{place}: {}", error.into_inner()))
    })
}

/// What was given outside or inside of `policy`, but not twice with different values.
fn one_of<T: PartialEq>(
    name: &str,
    outer: Option<T>,
    inner: Option<T>,
) -> Result<Option<T>, ToolError> {
    match (outer, inner) {
        (Some(outer), Some(inner)) if outer != inner => {
            Err(invalid(&format!("{name} and policy.{name} differ; give one of them")))
        }
        (outer, inner) => Ok(outer.or(inner)),
    }
}

fn invalid(what: &str) -> ToolError {
    ToolError::InvalidArguments(format!("start_canary: {what}"))
}
