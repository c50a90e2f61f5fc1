//! The resources of the suite.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::content::IMAGE;
use crate::events::Watchable;
use crate::resources::{
    Asking, Completion, CompletionRequest, Listed, ResourceError, ResourceFamily,
};
use crate::tools::Call;

const TEXT: &str = "test://static-text";
const BINARY: &str = "test://static-binary";
const WATCHED: &str = "test://watched-resource";

struct Fixtures;

/// The resources of the suite.
pub(crate) fn resources() -> Vec<Box<dyn ResourceFamily>> {
    vec![Box::new(Fixtures)]
}

#[async_trait]
impl ResourceFamily for Fixtures {
    fn templates(&self) -> Vec<Value> {
        vec![json!({
            "uriTemplate": "test://template/{id}/data",
            "name": "template",
            "description": "A template of the conformance suite.",
            "mimeType": "application/json",
        })]
    }

    async fn list(
        &self,
        _: Asking<'_>,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Listed>, ResourceError> {
        let all = [(TEXT, "text/plain"), (BINARY, "image/png"), (WATCHED, "text/plain")];
        let from = after.map_or(0, |place| place.parse::<usize>().unwrap_or(all.len()));
        let listed = all.iter().enumerate().skip(from).take(most).map(|(n, (uri, kind))| Listed {
            place: (n + 1).to_string(),
            resource: json!({ "uri": uri, "name": uri, "mimeType": kind }),
        });
        Ok(listed.collect())
    }

    async fn read(&self, _: Call<'_>, uri: &str) -> Result<Option<Vec<Value>>, ResourceError> {
        let content = match uri {
            TEXT => json!({
                "uri": uri,
                "mimeType": "text/plain",
                "text": "This is the content of the static text resource.",
            }),
            BINARY => json!({ "uri": uri, "mimeType": "image/png", "blob": IMAGE }),
            WATCHED => json!({ "uri": uri, "mimeType": "text/plain", "text": "Nothing yet." }),
            other => {
                let id = other
                    .strip_prefix("test://template/")
                    .and_then(|rest| rest.strip_suffix("/data"));
                let Some(id) = id else { return Ok(None) };
                let data = format!("Data for ID: {id}");
                let text = json!({ "id": id, "templateTest": true, "data": data }).to_string();
                json!({ "uri": uri, "mimeType": "application/json", "text": text })
            }
        };
        Ok(Some(vec![content]))
    }

    fn watchable(&self, _: &str) -> Option<Watchable> {
        None
    }

    async fn complete(
        &self,
        _: Asking<'_>,
        _: &str,
        request: CompletionRequest<'_>,
    ) -> Result<Completion, ResourceError> {
        Ok(Completion::among(["123"], request.value))
    }
}
