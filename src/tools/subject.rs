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
    if let Ok(job) = JobId::parse(id) {
        match doors.jobs.find(&job).await {
            Ok(view) => return Ok(Some(Subject::Job(view))),
            // A model may be named like a job.
            Err(JobError::Unknown(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if let Ok(canary) = CanaryId::parse(id) {
        match doors.canaries.find(&canary).await {
            Ok(view) => return Ok(Some(Subject::Canary(view))),
            Err(CanaryError::Unknown(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let Ok(model) = ModelId::parse(id) else { return Ok(None) };
    Ok(doors.models.find(&model).await?.map(Subject::Model))
}
