//! What a client says that it can do.

use serde_json::Value;

use crate::tools::Capability;

/// The type of pages that a host may show beside answers.
const PAGES: &str = "text/html;profile=mcp-app";

/// Set where a client names its extensions, and showing pages is none of them.
const NO_PAGES: u8 = 128;

/// What a client says that it can do: a bit for each capability.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Capabilities(u8);

impl Capabilities {
    /// Reads them.
    ///
    /// # Errors
    /// It is no object.
    pub(super) fn of(declared: &Value) -> Result<Self, ()> {
        let declared = declared.as_object().ok_or(())?;
        let has = |name: &str| declared.get(name).is_some_and(Value::is_object);
        let extension =
            |name: &str| declared.get("extensions").is_some_and(|all| all[name].is_object());
        // Empty means forms, as it did before there were others.
        let forms = |elicitation: &Value| {
            elicitation
                .as_object()
                .is_some_and(|modes| modes.contains_key("form") || !modes.contains_key("url"))
        };
        let said = [
            (Capability::Elicitation, declared.get("elicitation").is_some_and(forms)),
            (Capability::Sampling, has("sampling")),
            (Capability::Roots, has("roots")),
            (Capability::Tasks, extension(super::TASKS)),
        ];
        let bits = said.into_iter().filter(|(_, said)| *said).map(|(one, _)| bit(one));
        let pages = declared.get("extensions").is_none_or(shows_pages);
        Ok(Self(bits.fold(if pages { 0 } else { NO_PAGES }, |all, one| all | one)))
    }

    /// Whether a client may be told which page belongs to a tool.
    ///
    /// It need not have said that it shows pages: there are hosts that do and name no extensions at
    /// all, and who shows none does not look. Who names others and not this one did say it.
    pub(super) fn may_show_pages(self) -> bool {
        self.0 & NO_PAGES == 0
    }

    /// Whether a client can do this.
    pub(super) fn has(self, capability: Capability) -> bool {
        self.0 & bit(capability) != 0
    }
}

/// Whether showing pages of our type is among these extensions.
fn shows_pages(extensions: &Value) -> bool {
    let types = &extensions[super::APPS]["mimeTypes"];
    types.as_array().is_some_and(|types| types.iter().any(|one| one == PAGES))
}

fn bit(capability: Capability) -> u8 {
    match capability {
        Capability::Elicitation => 1,
        Capability::Sampling => 2,
        Capability::Roots => 4,
        Capability::Tasks => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_declared_is_believed() {
        let of = |value: Value| Capabilities::of(&value);
        assert_eq!(of(json!({})), Ok(Capabilities::default()));
        assert_eq!(of(json!([])), Err(()));
        for (declared, forms) in [
            (json!({}), true),
            (json!({ "form": {} }), true),
            (json!({ "form": {}, "url": {} }), true),
            (json!({ "url": {} }), false),
            (json!(true), false),
        ] {
            let read = of(json!({ "elicitation": declared })).unwrap();
            assert_eq!(read.has(Capability::Elicitation), forms, "{declared}");
        }
        let tasks = of(json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } })).unwrap();
        assert!(tasks.has(Capability::Tasks));
        assert!(!tasks.has(Capability::Sampling) && !tasks.has(Capability::Roots));
    }

    #[test]
    fn pages_are_for_who_shows_them_or_says_nothing_of_extensions() {
        let apps =
            |settings: Value| json!({ "extensions": { "io.modelcontextprotocol/ui": settings } });
        for (declared, may) in [
            (json!({}), true),
            (json!({ "sampling": {} }), true),
            (apps(json!({ "mimeTypes": ["text/plain", "text/html;profile=mcp-app"] })), true),
            (apps(json!({ "mimeTypes": ["text/html"] })), false),
            (apps(json!({ "mimeTypes": "text/html;profile=mcp-app" })), false),
            (apps(json!({})), false),
            (json!({ "extensions": {} }), false),
            (json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } }), false),
        ] {
            let read = Capabilities::of(&declared).unwrap();
            assert_eq!(read.may_show_pages(), may, "{declared}");
        }
        assert!(Capabilities::default().may_show_pages());
    }
}
