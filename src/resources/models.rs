//! `model://{id}`: the documents about models.

use async_trait::async_trait;
use serde_json::Value;

use crate::events::Watchable;
use crate::ids::{Entity, ModelId};
use crate::resources::completion::{self, CompletionRequest};
use crate::resources::description::{Annotations, Description, MARKDOWN, Template};
use crate::resources::family::no_variable;
use crate::resources::uri::ResourceUri;
use crate::resources::{Asking, Completion, Listed, ResourceError, ResourceFamily, document};
use crate::store::models::ModelWithGates;
use crate::tools::Call;

const TEMPLATE: Template = Template {
    uri: "model://{id}",
    name: "model",
    title: "Model",
    description: "A model: the gates it stands in, and the story of its promotions and rollbacks. \
        The id is one that list_models gave; its colon may be written %3A.",
    mime_type: Some(MARKDOWN),
};

pub(super) struct ModelDocuments;

#[async_trait]
impl ResourceFamily for ModelDocuments {
    fn templates(&self) -> Vec<Value> {
        vec![TEMPLATE.to_value()]
    }

    async fn list(
        &self,
        Asking { doors, .. }: Asking<'_>,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Listed>, ResourceError> {
        let most = most.try_into().unwrap_or(u16::MAX);
        let models = doors.models.list(None, after, most).await?;
        Ok(models.iter().filter_map(listed).collect())
    }

    async fn read(
        &self,
        Call { doors, .. }: Call<'_>,
        uri: &str,
    ) -> Result<Option<Vec<Value>>, ResourceError> {
        let Some(ResourceUri::Model(id)) = ResourceUri::parse(uri) else { return Ok(None) };
        document::read(doors, uri, &Entity::model(&id)).await.map(Some)
    }

    fn watchable(&self, uri: &str) -> Option<Watchable> {
        ResourceUri::parse(uri).filter(|uri| matches!(uri, ResourceUri::Model(_)))?.watchable()
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
        completion::models(doors, request.value, None).await
    }
}

fn listed(found: &ModelWithGates) -> Option<Listed> {
    let model = &found.model;
    let uri = ResourceUri::Model(ModelId::parse(&model.model_id).ok()?);
    let gates = found.gates.join(", ");
    let stands = if gates.is_empty() { "in no gate".to_owned() } else { format!("in {gates}") };
    let title = format!("{}, {stands}", model.model_id);
    let description = match &model.promoted_at {
        Some(at) => {
            format!("The model {}; it stands {stands}, promoted last at {at}.", model.model_id)
        }
        None => format!("The model {}; it stands {stands}.", model.model_id),
    };
    // What stands nowhere is there to be looked up.
    let priority = if found.gates.is_empty() { 0.3 } else { 0.6 };
    let annotations = Annotations::new(priority, model.promoted_at.clone());
    let said = (title, description);
    let resource = Description::of_document(&uri, &model.model_id, said, annotations);
    Some(Listed { place: model.model_id.clone(), resource: resource.to_value() })
}
