//! Which job, canary or model has this id?

use std::sync::Arc;

use crate::canaries::{CanaryError, CanaryView};
use crate::ids::{CanaryId, EntityKind, JobId, ModelId};
use crate::jobs::{JobError, JobView};
use crate::store::models::ModelWithGates;
use crate::tools::{Doors, ToolError};

/// A job, a canary or a model, as it stands.
#[derive(Debug)]
pub(super) enum Subject {
    Job(Arc<JobView>),
    Canary(Arc<CanaryView>),
    Model(ModelWithGates),
}

impl Subject {
    /// What it is.
    pub(super) fn kind(&self) -> EntityKind {
        match self {
            Self::Job(_) => EntityKind::Job,
            Self::Canary(_) => EntityKind::Canary,
            Self::Model(_) => EntityKind::Model,
        }
    }
}

/// The job, canary or model with this id; nothing if there is none.
pub(super) async fn subject(doors: &Doors, id: &str) -> Result<Option<Subject>, ToolError> {
    // A model may be named like a job, which then comes first.
    for kind in EntityKind::ALL {
        if let Some(found) = subject_of(doors, kind, id).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The thing of this kind with this id; nothing if there is none.
pub(super) async fn subject_of(
    doors: &Doors,
    kind: EntityKind,
    id: &str,
) -> Result<Option<Subject>, ToolError> {
    Ok(match kind {
        EntityKind::Job => {
            let Ok(job) = JobId::parse(id) else { return Ok(None) };
            match doors.jobs.find(&job).await {
                Ok(view) => Some(Subject::Job(view)),
                Err(JobError::Unknown(_)) => None,
                Err(error) => return Err(error.into()),
            }
        }
        EntityKind::Canary => {
            let Ok(canary) = CanaryId::parse(id) else { return Ok(None) };
            match doors.canaries.find(&canary).await {
                Ok(view) => Some(Subject::Canary(view)),
                Err(CanaryError::Unknown(_)) => None,
                Err(error) => return Err(error.into()),
            }
        }
        EntityKind::Model => {
            let Ok(model) = ModelId::parse(id) else { return Ok(None) };
            doors.models.find(&model).await?.map(Subject::Model)
        }
    })
}
