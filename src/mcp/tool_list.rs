//! `tools/list`: which tools there are, for whom and in which revision, page by page.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::mcp::answer::{Cache, Done};
use crate::mcp::fault::Fault;
use crate::mcp::methods::{Asked, read};
use crate::mcp::server::Server;
use crate::tools::{Page, Registry, Role};

/// How long a list of tools stays true, in milliseconds; it is another one after an update.
const TTL: u32 = 300_000;

/// What is answered without a cursor, by who asks; made once.
pub(super) struct ToolList {
    read: First,
    operate: First,
}

/// It with the schemas of answers and with pages, with the schemas alone, and without either for
/// revisions that do not know any.
struct First {
    with_pages: Bytes,
    with_answers: Bytes,
    plain: Bytes,
}

/// What a client is told of a tool beside what everybody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Answers,
    AnswersAndPages,
}

impl Told {
    fn to(asked: &Asked<'_>) -> Self {
        match (asked.version.has_answer_schemas(), asked.may_show_pages()) {
            (false, _) => Self::Nothing,
            (true, false) => Self::Answers,
            (true, true) => Self::AnswersAndPages,
        }
    }
}

#[derive(Deserialize)]
struct Params {
    #[serde(default)]
    cursor: Option<String>,
}

impl ToolList {
    pub(super) fn of(registry: &Registry) -> Self {
        let first = |role, told| {
            let page = registry.page(role, None);
            listed(page.expect("without a cursor there is a first page"), told)
        };
        let all = |role| First {
            with_pages: first(role, Told::AnswersAndPages),
            with_answers: first(role, Told::Answers),
            plain: first(role, Told::Nothing),
        };
        Self { read: all(Role::Read), operate: all(Role::Operate) }
    }

    fn first(&self, role: Role, told: Told) -> &Bytes {
        let first = match role {
            Role::Read => &self.read,
            Role::Operate => &self.operate,
        };
        match told {
            Told::Nothing => &first.plain,
            Told::Answers => &first.with_answers,
            Told::AnswersAndPages => &first.with_pages,
        }
    }
}

impl Server {
    pub(super) fn list_tools(&self, asked: Asked<'_>) -> Result<Done, Fault> {
        let (role, told) = (asked.caller.role, Told::to(&asked));
        let closed = match read::<Params>(asked.params)?.and_then(|params| params.cursor) {
            None => self.tool_list.first(role, told).clone(),
            Some(cursor) => {
                let page = self.registry.page(role, Some(&cursor));
                listed(page.map_err(|error| Fault::Params(error.to_string()))?, told)
            }
        };
        // What is shown depends on the key, so nobody may keep it for somebody else.
        Ok(Done::kept(closed).cached(Cache { ttl: TTL, public: false }))
    }
}

fn listed(page: Page, told: Told) -> Bytes {
    let Page { mut items, next_cursor } = page;
    for tool in items.iter_mut().filter_map(Value::as_object_mut) {
        if told == Told::Nothing {
            tool.remove("outputSchema");
        }
        if told != Told::AnswersAndPages {
            tool.remove("_meta");
        }
    }
    let mut list = json!({ "tools": items });
    if let Some(next) = next_cursor {
        list["nextCursor"] = json!(next);
    }
    // With the end of the answer that it is going to be in, so that it can be sent as it is.
    format!("{list}}}").into()
}

#[cfg(all(test, not(feature = "conformance")))]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_what_they_know_of() {
        let registry = Registry::default();
        let list = ToolList::of(&registry);
        for told in [Told::Nothing, Told::Answers, Told::AnswersAndPages] {
            for role in [Role::Read, Role::Operate] {
                let closed = list.first(role, told);
                let page: Value = serde_json::from_slice(&closed[..closed.len() - 1]).unwrap();
                let tools = page["tools"].as_array().unwrap();
                assert_eq!(tools.len(), registry.describe(role).len());
                assert_eq!(page.get("nextCursor"), None);
                let knows = told != Told::Nothing;
                assert!(tools.iter().all(|tool| tool.get("outputSchema").is_some() == knows));
                let pages = tools.iter().any(|tool| tool.get("_meta").is_some());
                assert_eq!(pages, told == Told::AnswersAndPages);
            }
        }
    }
}
