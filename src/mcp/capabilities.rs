//! What a client says that it can do.

use serde_json::Value;

use crate::tools::Capability;

/// What a client says that it can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// It asks its user by forms.
    pub(super) elicitation: bool,
    pub(super) sampling: bool,
    pub(super) roots: bool,
    /// It follows tasks.
    pub(super) tasks: bool,
}

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
        Ok(Self {
            elicitation: declared.get("elicitation").is_some_and(forms),
            sampling: has("sampling"),
            roots: has("roots"),
            tasks: extension(super::TASKS),
        })
    }

    /// Whether a client can do this.
    pub(super) fn has(self, capability: Capability) -> bool {
        match capability {
            Capability::Elicitation => self.elicitation,
            Capability::Sampling => self.sampling,
            Capability::Roots => self.roots,
            Capability::Tasks => self.tasks,
        }
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
            assert_eq!(read.elicitation, forms, "{declared}");
        }
        let tasks = of(json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } })).unwrap();
        assert!(tasks.tasks && !tasks.sampling && !tasks.roots);
    }
}
