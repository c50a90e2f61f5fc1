//! Which tools does a host open the app for, and where is it?

use serde_json::{Value, json};

/// The page that a host shows beside an answer, as a resource.
pub const APP_URI: &str = "ui://lukhas/cockpit.html";

/// What the description of a tool says for that under `_meta`: model and page may both call it.
pub(super) fn meta() -> Value {
    json!({ "ui": { "resourceUri": APP_URI, "visibility": ["model", "app"] } })
}
