//! `tools/list`: which tools there are for whom, page by page.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::mcp::answer::{Cache, Done, Fault};
use crate::mcp::methods::{Asked, read};
use crate::mcp::server::Server;
use crate::tools::{Page, Registry, Role};

/// How long a list of tools stays true, in milliseconds; it is another one after an update.
const TTL: u32 = 300_000;

/// What is answered without a cursor, by who asks; made once.
pub(super) struct ToolList {
    read: Bytes,
    operate: Bytes,
}

#[derive(Deserialize)]
struct Params {
    #[serde(default)]
    cursor: Option<String>,
}

impl ToolList {
    pub(super) fn of(registry: &Registry) -> Self {
        let first = |role| {
            let page = registry.page(role, None);
            listed(page.expect("without a cursor there is a first page"))
        };
        Self { read: first(Role::Read), operate: first(Role::Operate) }
    }
}

impl Server {
    pub(super) fn list_tools(&self, asked: Asked<'_>) -> Result<Done, Fault> {
        let role = asked.caller.role;
        let page = match read::<Params>(asked.params)?.and_then(|params| params.cursor) {
            None if role == Role::Read => self.tool_list.read.clone(),
            None => self.tool_list.operate.clone(),
            Some(cursor) => {
                let page = self.registry.page(role, Some(&cursor));
                listed(page.map_err(|error| Fault::Params(error.to_string()))?)
            }
        };
        // What is shown depends on the key, so nobody may keep it for somebody else.
        Ok(Done::complete(page).cached(Cache { ttl: TTL, public: false }))
    }
}

fn listed(page: Page) -> Bytes {
    let Page { items, next_cursor } = page;
    let mut list = json!({ "tools": items });
    if let Some(next) = next_cursor {
        list["nextCursor"] = json!(next);
    }
    list.to_string().into()
}
