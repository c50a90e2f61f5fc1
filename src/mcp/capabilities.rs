//! What a client says that it can do.

use serde_json::Value;

use crate::tools::Capability;

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
        Ok(Self(bits.fold(0, |all, one| all | one)))
    }

    /// Whether a client can do this.
    pub(super) fn has(self, capability: Capability) -> bool {
        self.0 & bit(capability) != 0
    }
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
}
