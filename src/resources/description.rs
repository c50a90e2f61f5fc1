//! How a resource and a template are described to clients.

use serde::Serialize;
use serde_json::Value;

use crate::resources::uri::ResourceUri;

/// The type of documents.
pub(super) const MARKDOWN: &str = "text/markdown";

/// The type of facts.
pub(super) const JSON: &str = "application/json";

/// A resource, as `resources/list` has it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Description {
    pub(super) uri: String,
    pub(super) name: String,
    pub(super) title: String,
    #[serde(rename = "description")]
    pub(super) text: String,
    pub(super) mime_type: &'static str,
    /// In bytes, where that is known without making the contents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<u64>,
    pub(super) annotations: Annotations,
}

/// For whom a resource is, and how much it matters.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Annotations {
    audience: [&'static str; 2],
    /// From 0, which can be left out, to 1, which cannot.
    priority: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
}

impl Annotations {
    pub(super) fn new(priority: f64, last_modified: Option<String>) -> Self {
        Self { audience: ["user", "assistant"], priority, last_modified }
    }
}

impl Description {
    /// The document about a job, a canary or a model.
    pub(super) fn of_document(
        uri: &ResourceUri,
        name: &str,
        (title, text): (String, String),
        annotations: Annotations,
    ) -> Self {
        Self {
            uri: uri.to_string(),
            name: name.to_owned(),
            title,
            text,
            mime_type: MARKDOWN,
            size: None,
            annotations,
        }
    }

    /// As the wire has it.
    pub(super) fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("a description is made of text and numbers")
    }
}

/// A form of URIs, as `resources/templates/list` has it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Template {
    #[serde(rename = "uriTemplate")]
    pub(super) uri: &'static str,
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    /// Only where all of its resources have the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mime_type: Option<&'static str>,
}

impl Template {
    /// As the wire has it.
    pub(super) fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("a template is made of text")
    }
}
