//! `tools/list`: which tools there are, for whom and in which revision, page by page.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::mcp::answer::{Cache, Done};
use crate::mcp::fault::Fault;
use crate::mcp::methods::{Asked, read};
use crate::mcp::server::Server;
use crate::mcp::version::Version;
use crate::tools::{Page, Registry, Role};

/// How long a list of tools stays true, in milliseconds; it is another one after an update.
const TTL: u32 = 300_000;

/// What is answered without a cursor, by who asks; made once.
pub(super) struct ToolList {
    read: First,
    operate: First,
}

/// It with the schemas of answers, and without them for revisions that do not know any.
struct First {
    with_answers: Bytes,
    without_answers: Bytes,
}

#[derive(Deserialize)]
struct Params {
    #[serde(default)]
    cursor: Option<String>,
}

impl ToolList {
    pub(super) fn of(registry: &Registry) -> Self {
        let first = |role, version| {
            let page = registry.page(role, None);
            listed(page.expect("without a cursor there is a first page"), version)
        };
        let both = |role| First {
            with_answers: first(role, Version::NEWEST),
            without_answers: first(role, Version::V20250326),
        };
        Self { read: both(Role::Read), operate: both(Role::Operate) }
    }

    fn first(&self, role: Role, version: Version) -> &Bytes {
        let first = match role {
            Role::Read => &self.read,
            Role::Operate => &self.operate,
        };
        if version.has_answer_schemas() { &first.with_answers } else { &first.without_answers }
    }
}

impl Server {
    pub(super) fn list_tools(&self, asked: Asked<'_>) -> Result<Done, Fault> {
        let (role, version) = (asked.caller.role, asked.version);
        let page = match read::<Params>(asked.params)?.and_then(|params| params.cursor) {
            None => self.tool_list.first(role, version).clone(),
            Some(cursor) => {
                let page = self.registry.page(role, Some(&cursor));
                listed(page.map_err(|error| Fault::Params(error.to_string()))?, version)
            }
        };
        // What is shown depends on the key, so nobody may keep it for somebody else.
        Ok(Done::complete(page).cached(Cache { ttl: TTL, public: false }))
    }
}

fn listed(page: Page, version: Version) -> Bytes {
    let Page { mut items, next_cursor } = page;
    if !version.has_answer_schemas() {
        for tool in items.iter_mut().filter_map(Value::as_object_mut) {
            tool.remove("outputSchema");
        }
    }
    let mut list = json!({ "tools": items });
    if let Some(next) = next_cursor {
        list["nextCursor"] = json!(next);
    }
    list.to_string().into()
}

#[cfg(all(test, not(feature = "conformance")))]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_shown_what_they_know_of() {
        let registry = Registry::default();
        let list = ToolList::of(&registry);
        for version in Version::ALL {
            for role in [Role::Read, Role::Operate] {
                let page: Value = serde_json::from_slice(list.first(role, version)).unwrap();
                let tools = page["tools"].as_array().unwrap();
                assert_eq!(tools.len(), registry.describe(role).len());
                assert_eq!(page.get("nextCursor"), None);
                let knows = Version::V20250618 <= version;
                assert!(tools.iter().all(|tool| tool.get("outputSchema").is_some() == knows));
            }
        }
    }
}
