//! `ui://lukhas/cockpit.html`: the page that a host shows beside the answers of tools.
//!
//! # Invariants
//!
//! 1. It is one document: nothing is loaded, and no address is named that it could be loaded from.
//! 2. It holds no data and no key; all it shows comes from its host, by the calls that host allows.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::events::Watchable;
use crate::resources::completion::CompletionRequest;
use crate::resources::{Asking, Completion, Listed, ResourceError, ResourceFamily};
use crate::tools::{APP_URI, Call};

/// The type of a page for hosts.
const PAGE_TYPE: &str = "text/html;profile=mcp-app";

/// The page, as the build made it of the parts in `assets/app` and of those in `assets/cockpit` that
/// are the same.
const PAGE: &str = include_str!(concat!(env!("OUT_DIR"), "/app.html"));

pub(super) struct App;

/// What hosts are told of the page. It names no domains, so that it may reach none.
fn meta() -> Value {
    json!({ "ui": { "prefersBorder": true } })
}

#[async_trait]
impl ResourceFamily for App {
    /// None: there is one, and it is listed.
    fn templates(&self) -> Vec<Value> {
        Vec::new()
    }

    async fn list(
        &self,
        _: Asking<'_>,
        after: Option<&str>,
        _: usize,
    ) -> Result<Vec<Listed>, ResourceError> {
        let resource = json!({
            "uri": APP_URI,
            "name": "cockpit",
            "title": "Cockpit",
            "description": "The page that a host shows beside the answers of tools: the jobs and \
                canaries under way, the models in their gates, and why, with what can be done.",
            "mimeType": PAGE_TYPE,
            "size": PAGE.len(),
            "annotations": { "audience": ["user"], "priority": 0.1 },
            "_meta": meta(),
        });
        let page = Listed { place: APP_URI.to_owned(), resource };
        Ok(if after.is_none() { vec![page] } else { Vec::new() })
    }

    async fn read(&self, _: Call<'_>, uri: &str) -> Result<Option<Vec<Value>>, ResourceError> {
        let contents =
            || json!({ "uri": uri, "mimeType": PAGE_TYPE, "text": PAGE, "_meta": meta() });
        Ok((uri == APP_URI).then(|| vec![contents()]))
    }

    /// Nothing: the page stays what it is while the daemon runs.
    fn watchable(&self, _: &str) -> Option<Watchable> {
        None
    }

    fn is_settled(&self, uri: &str) -> bool {
        uri == APP_URI
    }

    async fn complete(
        &self,
        _: Asking<'_>,
        template: &str,
        _: CompletionRequest<'_>,
    ) -> Result<Completion, ResourceError> {
        Err(ResourceError::unknown(template))
    }
}

#[cfg(test)]
mod tests;
