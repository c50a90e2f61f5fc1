//! `canary://{id}`: the documents about canaries.

use async_trait::async_trait;
use serde_json::Value;

use crate::events::Watchable;
use crate::ids::{CanaryId, Entity};
use crate::resources::completion::{self, CompletionRequest};
use crate::resources::description::{Annotations, Description, MARKDOWN, Template};
use crate::resources::family::no_variable;
use crate::resources::uri::ResourceUri;
use crate::resources::{Asking, Completion, Listed, ResourceError, ResourceFamily, document};
use crate::store::canaries::{CanaryFilter, CanaryRow, CanaryStatus};
use crate::tools::Call;

const TEMPLATE: Template = Template {
    uri: "canary://{id}",
    name: "canary",
    title: "Canary",
    description: "A canary, which is a model on probation in a gate: how it stands, what the \
        evidence amounts to, its policy, and its story. The id is one that start_canary or \
        list_canaries gave.",
    mime_type: Some(MARKDOWN),
};

pub(super) struct CanaryDocuments;

#[async_trait]
impl ResourceFamily for CanaryDocuments {
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
        let filter = CanaryFilter { before, ..CanaryFilter::default() };
        let rows = doors.canaries.list(filter, most.try_into().unwrap_or(u16::MAX)).await?;
        Ok(rows.iter().filter_map(listed).collect())
    }

    async fn read(
        &self,
        Call { doors, .. }: Call<'_>,
        uri: &str,
    ) -> Result<Option<Vec<Value>>, ResourceError> {
        let Some(ResourceUri::Canary(id)) = ResourceUri::parse(uri) else { return Ok(None) };
        document::read(doors, uri, &Entity::canary(&id)).await.map(Some)
    }

    fn watchable(&self, uri: &str) -> Option<Watchable> {
        ResourceUri::parse(uri).filter(|uri| matches!(uri, ResourceUri::Canary(_)))?.watchable()
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
        completion::canaries(doors, request.value, &[]).await
    }
}

fn listed(row: &CanaryRow) -> Option<Listed> {
    let uri = ResourceUri::Canary(CanaryId::parse(&row.canary_id).ok()?);
    let CanaryRow { model_id, from_gate, to_gate, updated_at, .. } = row;
    let status = row.status.as_str();
    let title = format!("{model_id} from {from_gate} to {to_gate}, {status}");
    let because = row.reason.as_ref().map(|reason| format!(", because: {reason}"));
    let description = format!(
        "The model {model_id} on probation in the gate {to_gate}; {status} since {updated_at}{}.",
        because.unwrap_or_default()
    );
    let annotations = Annotations::new(priority(row), Some(updated_at.clone()));
    let said = (title, description);
    let resource = Description::of_document(&uri, &row.canary_id, said, annotations);
    Some(Listed { place: row.number.to_string(), resource: resource.to_value() })
}

/// What goes on or went wrong is looked at first.
fn priority(row: &CanaryRow) -> f64 {
    match row.status {
        _ if row.dry_run => 0.2,
        CanaryStatus::Running | CanaryStatus::Paused | CanaryStatus::Pending => 1.0,
        CanaryStatus::RolledBack | CanaryStatus::Failed => 0.8,
        CanaryStatus::Promoted => 0.5,
    }
}
