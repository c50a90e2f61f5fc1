//! What does `tools/list` answer, to whom and in which revision?

use bytes::Bytes;
use serde_json::{Value, json};

use crate::mcp::version::Version;
use crate::tools::{InvalidCursor, Page, Registry, Role};

/// The first page, which is all that most clients ask for; made once.
pub(super) struct ToolsList {
    read: First,
    operate: First,
}

/// It with the schemas of answers and without.
struct First {
    with_answers: Bytes,
    without_answers: Bytes,
}

impl ToolsList {
    pub(super) fn of(registry: &Registry) -> Self {
        let first = |role, version| {
            let page = registry.page(role, None);
            shown(page.expect("without a cursor there is a first page"), version)
        };
        let both = |role| First {
            with_answers: first(role, Version::NEWEST),
            without_answers: first(role, Version::V20250326),
        };
        Self { read: both(Role::Read), operate: both(Role::Operate) }
    }

    /// A page of the list.
    ///
    /// # Errors
    /// No page that such a caller saw gave this cursor.
    pub(super) fn page(
        &self,
        registry: &Registry,
        (role, version): (Role, Version),
        cursor: Option<&str>,
    ) -> Result<Bytes, InvalidCursor> {
        if cursor.is_some() {
            return Ok(shown(registry.page(role, cursor)?, version));
        }
        let first = match role {
            Role::Read => &self.read,
            Role::Operate => &self.operate,
        };
        Ok(if version.has_answer_schemas() {
            first.with_answers.clone()
        } else {
            first.without_answers.clone()
        })
    }
}

fn shown(mut page: Page, version: Version) -> Bytes {
    if !version.has_answer_schemas() {
        for tool in page.items.iter_mut().filter_map(Value::as_object_mut) {
            tool.remove("outputSchema");
        }
    }
    let mut list = json!({ "tools": page.items });
    if let Some(cursor) = page.next_cursor {
        list["nextCursor"] = cursor.into();
    }
    list.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_shown_what_they_know_of() {
        let registry = Registry::default();
        let list = ToolsList::of(&registry);
        for version in Version::ALL {
            for role in [Role::Read, Role::Operate] {
                let page = list.page(&registry, (role, version), None).unwrap();
                let page: Value = serde_json::from_slice(&page).unwrap();
                let tools = page["tools"].as_array().unwrap();
                assert_eq!(tools.len(), registry.describe(role).len());
                assert_eq!(page.get("nextCursor"), None);
                let knows = Version::V20250618 <= version;
                assert!(tools.iter().all(|tool| tool.get("outputSchema").is_some() == knows));
            }
        }
        let wrong = list.page(&registry, (Role::Operate, Version::NEWEST), Some("2"));
        assert_eq!(wrong, Err(InvalidCursor));
    }
}
