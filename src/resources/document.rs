//! Reading the document about a job, a canary or a model as a resource.
//!
//! Its contents are one text in Markdown, and no second one in JSON beside it: a host puts all
//! contents of a resource before its model, and the document has the numbers already, as JSON under
//! a heading of their own. A program that wants nothing but numbers has the tools `status`,
//! `canary_status` and `list_models`, and the facts under `audit://`.

use serde_json::{Value, json};

use crate::ids::Entity;
use crate::resources::ResourceError;
use crate::resources::description::MARKDOWN;
use crate::tools::{Doors, document_of};

/// The largest contents that are given, in bytes before they are encoded.
pub(super) const LARGEST: u64 = 1024 * 1024;

/// The contents of the document about a thing.
pub(super) async fn read(
    doors: &Doors,
    uri: &str,
    entity: &Entity,
) -> Result<Vec<Value>, ResourceError> {
    let Some(document) = document_of(doors, entity).await? else {
        return Err(ResourceError::unknown(uri));
    };
    let size = document.text.len() as u64;
    if LARGEST < size {
        return Err(ResourceError::Invalid(format!(
            "the document about {id} has {size} bytes, and a resource has at most {LARGEST}; read \
             it in parts with the tool fetch: id {id}, and lines",
            id = entity.id
        )));
    }
    Ok(vec![json!({ "uri": uri, "mimeType": MARKDOWN, "text": document.text })])
}
