//! `audit://{id}`: what is recorded about a thing, as `why` tells it.

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use crate::events::Watchable;
use crate::resources::completion::{self, CompletionRequest};
use crate::resources::description::{JSON, Template};
use crate::resources::document::LARGEST;
use crate::resources::family::no_variable;
use crate::resources::uri::ResourceUri;
use crate::resources::{Asking, Completion, Listed, ResourceError, ResourceFamily};
use crate::store::audits::AuditRow;
use crate::tools::{Call, Fact, recorded};

const TEMPLATE: Template = Template {
    uri: "audit://{id}",
    name: "facts",
    title: "Recorded facts",
    description: "What is recorded about a job, a canary, a model, a file or a commit, by its id, \
        path or hash: who did what, when and why, oldest first, each with its hash in the audit \
        chain.",
    mime_type: Some(JSON),
};

/// How many facts are told, the newest.
const MOST: usize = 500;

pub(super) struct Facts;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Story<'a> {
    id: &'a str,
    entity_type: String,
    facts: Vec<Fact>,
    /// How many older facts there is no room for.
    omitted: usize,
}

#[async_trait]
impl ResourceFamily for Facts {
    fn templates(&self) -> Vec<Value> {
        vec![TEMPLATE.to_value()]
    }

    /// None: there are as many as there are ids.
    async fn list(
        &self,
        _: Asking<'_>,
        _: Option<&str>,
        _: usize,
    ) -> Result<Vec<Listed>, ResourceError> {
        Ok(Vec::new())
    }

    async fn read(
        &self,
        Call { doors, .. }: Call<'_>,
        uri: &str,
    ) -> Result<Option<Vec<Value>>, ResourceError> {
        let Some(ResourceUri::Facts(id)) = ResourceUri::parse(uri) else { return Ok(None) };
        let mut rows = recorded(doors, &id).await?;
        let omitted = too_many(&rows);
        let rows = rows.split_off(omitted);
        let Some(newest) = rows.last() else { return Err(ResourceError::unknown(uri)) };
        let entity_type = newest.entity_type.clone();
        let facts = rows.into_iter().map(Fact::try_from).collect::<Result<_, _>>()?;
        let story = Story { id: &id, entity_type, facts, omitted };
        let text = serde_json::to_string_pretty(&story).map_err(|error| ResourceError::Failed {
            what: format!("the facts about {id} could not be written as JSON"),
            source: error.into(),
        })?;
        Ok(Some(vec![json!({ "uri": uri, "mimeType": JSON, "text": text })]))
    }

    fn watchable(&self, uri: &str) -> Option<Watchable> {
        ResourceUri::parse(uri).filter(|uri| matches!(uri, ResourceUri::Facts(_)))?.watchable()
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
        let canaries = completion::canaries(doors, request.value, &[]).await?;
        let jobs = completion::jobs(doors, request.value).await?;
        Ok(canaries.and(jobs).and(completion::models(doors, request.value, None).await?))
    }
}

/// How many of the oldest facts there is no room for.
fn too_many(rows: &[AuditRow]) -> usize {
    let mut bytes = 0;
    let fitting = rows.iter().rev().take(MOST).take_while(|row| {
        // Names, times, hashes and the JSON around them.
        bytes += row.payload_json.len() + row.message.len() + 512;
        bytes as u64 <= LARGEST
    });
    // The newest is told however long it is.
    rows.len() - fitting.count().max(1).min(rows.len())
}
