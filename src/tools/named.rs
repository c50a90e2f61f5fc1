//! Jobs, canaries and models that are called by a word: by their own id, or by the task or model
//! that they are about.

use crate::canaries::CanaryError;
use crate::ids::{CanaryId, EntityKind, JobId, ModelId, TaskId};
use crate::jobs::JobError;
use crate::store::canaries::{CanaryFilter, CanaryRow};
use crate::store::jobs::{JobFilter, JobRow};
use crate::store::models::ModelWithGates;
use crate::tools::{Doors, ToolError};

/// How many things of one kind are named by what they are about, the newest first.
const NEWEST: u16 = 3;

/// How many models are looked at for those of a name.
const VERSIONS: u16 = 20;

/// Something that goes by a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// What it is.
    pub(super) kind: EntityKind,
    /// Its id.
    pub(super) id: String,
    /// One line.
    pub(super) title: String,
    /// How it stands.
    pub(super) snippet: String,
}

impl Named {
    fn job(row: &JobRow) -> Self {
        Self {
            kind: EntityKind::Job,
            id: row.job_id.clone(),
            title: format!("{}: {} with {}", row.job_id, row.task_id, row.config_id),
            snippet: format!("{} since {}", row.status.as_str(), row.updated_at),
        }
    }

    fn canary(row: &CanaryRow) -> Self {
        let CanaryRow { canary_id, model_id, from_gate, to_gate, .. } = row;
        Self {
            kind: EntityKind::Canary,
            id: canary_id.clone(),
            title: format!("{canary_id}: {model_id} from {from_gate} to {to_gate}"),
            snippet: format!("{} since {}", row.status.as_str(), row.updated_at),
        }
    }

    fn model(found: &ModelWithGates) -> Self {
        let id = found.model.model_id.clone();
        let gates = found.gates.join(", ");
        let stands = if gates.is_empty() { "in no gate".to_owned() } else { format!("in {gates}") };
        let title = format!("{id}: {stands}");
        let snippet = match &found.model.promoted_at {
            Some(at) => format!("promoted last at {at}"),
            None => "never promoted".to_owned(),
        };
        Self { kind: EntityKind::Model, id, title, snippet }
    }
}

/// What goes by this name: the thing with this very id first.
pub(super) async fn named(doors: &Doors, name: &str) -> Result<Vec<Named>, ToolError> {
    let mut found = Vec::new();
    if let Ok(id) = JobId::parse(name) {
        match doors.jobs.find(&id).await {
            Ok(view) => found.push(Named::job(&view.row)),
            Err(JobError::Unknown(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if let Ok(id) = CanaryId::parse(name) {
        match doors.canaries.find(&id).await {
            Ok(view) => found.push(Named::canary(&view.row)),
            Err(CanaryError::Unknown(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if let Ok(model) = ModelId::parse(name) {
        found.extend(doors.models.find(&model).await?.as_ref().map(Named::model));
        let after = format!("{name}:");
        let versions = doors.models.list(None, Some(&after), VERSIONS).await?;
        let versions = versions.iter().filter(|found| found.model.model_id.starts_with(&after));
        found.extend(versions.take(NEWEST.into()).map(Named::model));
        let filter =
            CanaryFilter { statuses: Vec::new(), model_id: Some(name.to_owned()), before: None };
        found.extend(doors.canaries.list(filter, NEWEST).await?.iter().map(Named::canary));
    }
    if TaskId::parse(name).is_ok() {
        let filter =
            JobFilter { statuses: Vec::new(), task_id: Some(name.to_owned()), before: None };
        found.extend(doors.jobs.list(filter, NEWEST).await?.iter().map(Named::job));
    }
    Ok(found)
}
