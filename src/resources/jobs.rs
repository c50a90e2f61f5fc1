//! `job://{id}`: the documents about jobs.

use async_trait::async_trait;
use serde_json::Value;

use crate::events::Watchable;
use crate::ids::{Entity, JobId};
use crate::resources::completion::{self, CompletionRequest};
use crate::resources::description::{Annotations, Description, MARKDOWN, Template};
use crate::resources::family::no_variable;
use crate::resources::uri::ResourceUri;
use crate::resources::{Asking, Completion, Listed, ResourceError, ResourceFamily, document};
use crate::store::jobs::{JobFilter, JobRow, JobStatus};
use crate::tools::Call;

const TEMPLATE: Template = Template {
    uri: "job://{id}",
    name: "job",
    title: "Job",
    description: "A job that runs an eval: how it stands, its result or why it failed, and its \
        story. The id is one that run_eval or list_jobs gave.",
    mime_type: Some(MARKDOWN),
};

pub(super) struct JobDocuments;

#[async_trait]
impl ResourceFamily for JobDocuments {
    fn templates(&self) -> Vec<Value> {
        vec![TEMPLATE.to_value()]
    }

    async fn list(
        &self,
        Asking { doors, .. }: Asking<'_>,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Listed>, ResourceError> {
        let before = after.map(str::parse).transpose();
        let before = before.map_err(|_no_number| ResourceError::InvalidCursor)?;
        let filter = JobFilter { before, ..JobFilter::default() };
        let rows = doors.jobs.list(filter, most.try_into().unwrap_or(u16::MAX)).await?;
        Ok(rows.iter().filter_map(listed).collect())
    }

    async fn read(
        &self,
        Call { doors, .. }: Call<'_>,
        uri: &str,
    ) -> Result<Option<Vec<Value>>, ResourceError> {
        let Some(ResourceUri::Job(id)) = ResourceUri::parse(uri) else { return Ok(None) };
        document::read(doors, uri, &Entity::job(&id)).await.map(Some)
    }

    fn watchable(&self, uri: &str) -> Option<Watchable> {
        ResourceUri::parse(uri).filter(|uri| matches!(uri, ResourceUri::Job(_)))?.watchable()
    }

    async fn complete(
        &self,
        Asking { doors, .. }: Asking<'_>,
        template: &str,
        request: CompletionRequest<'_>,
    ) -> Result<Completion, ResourceError> {
        if request.argument != "id" {
            return Err(no_variable(template, "id", request.argument));
        }
        completion::jobs(doors, request.value).await
    }
}

fn listed(row: &JobRow) -> Option<Listed> {
    let uri = ResourceUri::Job(JobId::parse(&row.job_id).ok()?);
    let status = row.status.as_str();
    let title = format!("{} with {}, {status}", row.task_id, row.config_id);
    let description = format!(
        "The eval of the task {} with the configuration {}; {status} since {}.",
        row.task_id, row.config_id, row.updated_at
    );
    let annotations = Annotations::new(priority(row.status), Some(row.updated_at.clone()));
    let said = (title, description);
    let resource = Description::of_document(&uri, &row.job_id, said, annotations);
    Some(Listed { place: row.number.to_string(), resource: resource.to_value() })
}

/// What goes on or went wrong is looked at first.
fn priority(status: JobStatus) -> f64 {
    match status {
        JobStatus::Queued | JobStatus::Running => 0.9,
        JobStatus::Failed => 0.7,
        JobStatus::Completed => 0.5,
        JobStatus::Cancelled => 0.3,
        JobStatus::DryRun => 0.1,
    }
}
