//! What does a server offer just now?
//!
//! Lists are read page by page and item by item: one item that is none costs that item, and neither
//! the rest of its list nor, silently, itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    ClientRequest, ListPromptsRequest, ListResourceTemplatesRequest, ListResourcesRequest,
    ListToolsRequest, PaginatedRequestParams, ServerCapabilities,
};
use rmcp::service::{Peer, PeerRequestOptions, RoleClient};
use serde_json::Value;

use crate::mcp_servers::catalogue::{ListedTool, Pin};
use crate::mcp_servers::definition::ToolDefinition;
use crate::mcp_servers::offers::{PromptDefinition, ResourceDefinition};
use crate::mcp_servers::schema::Checker;
use crate::store::tool_pins::{self, Pins};
use crate::store::{Store, StoreError};

/// How many tools, prompts, resources or templates of a server there may be.
const MOST: usize = 2_000;

/// How many pages they may come in.
const PAGES: usize = 500;

/// How many pins a server may have: of more tools than it ever has at once.
const MOST_PINS: usize = 10_000;

/// How long it may take to look at all schemas.
const TO_COMPILE: Duration = Duration::from_secs(10);

/// What a server offers.
#[derive(Debug, Clone, Default)]
pub(super) struct Listing {
    pub(super) tools: Vec<ListedTool>,
    pub(super) quarantined: Vec<(String, String)>,
    pub(super) prompts: Vec<PromptDefinition>,
    pub(super) resources: Vec<ResourceDefinition>,
    pub(super) templates: Vec<ResourceDefinition>,
    /// What is missing, in a sentence.
    pub(super) trouble: Option<String>,
}

/// Reads all that a server offers. What it does not say that it has is not asked for.
pub(super) async fn read(
    peer: &Peer<RoleClient>,
    capabilities: &ServerCapabilities,
    patience: Duration,
) -> Raw {
    let mut raw = Raw::default();
    let lists = Lists { peer, patience };
    if capabilities.tools.is_some() {
        let request =
            |params| ClientRequest::ListToolsRequest(ListToolsRequest::with_param(params));
        raw.tools = lists.all("tools", request).await.unwrap_or_else(|short| raw.note(short));
    }
    if capabilities.prompts.is_some() {
        let request =
            |params| ClientRequest::ListPromptsRequest(ListPromptsRequest::with_param(params));
        raw.prompts = lists.all("prompts", request).await.unwrap_or_else(|short| raw.note(short));
    }
    if capabilities.resources.is_some() {
        let request =
            |params| ClientRequest::ListResourcesRequest(ListResourcesRequest::with_param(params));
        raw.resources =
            lists.all("resources", request).await.unwrap_or_else(|short| raw.note(short));
        let request = |params| {
            ClientRequest::ListResourceTemplatesRequest(ListResourceTemplatesRequest::with_param(
                params,
            ))
        };
        // Many servers with resources do not know of templates; that is no trouble.
        raw.templates = lists.all("resourceTemplates", request).await.unwrap_or_default();
    }
    raw
}

/// The lists as they came.
#[derive(Debug, Default)]
pub(super) struct Raw {
    tools: Vec<Value>,
    prompts: Vec<Value>,
    resources: Vec<Value>,
    templates: Vec<Value>,
    trouble: Option<String>,
    is_unread: bool,
}

impl Raw {
    /// What is wrong, if a list could not be read, so that what was known before is better.
    pub(super) fn unread(&self) -> Option<String> {
        self.trouble.clone().filter(|_| self.is_unread)
    }

    fn note(&mut self, short: Short) -> Vec<Value> {
        self.trouble.get_or_insert(short.why);
        self.is_unread |= short.is_unread;
        short.items
    }
}

/// A list of which not all is there.
#[derive(Debug, Default)]
struct Short {
    items: Vec<Value>,
    why: String,
    is_unread: bool,
}

struct Lists<'a> {
    peer: &'a Peer<RoleClient>,
    patience: Duration,
}

impl Lists<'_> {
    async fn all(
        &self,
        name: &str,
        request: impl Fn(PaginatedRequestParams) -> ClientRequest,
    ) -> Result<Vec<Value>, Short> {
        let (mut all, mut cursor) = (Vec::new(), None);
        for _page in 0..PAGES {
            let params = PaginatedRequestParams::default().with_cursor(cursor.clone());
            let Some(mut page) = self.page(request(params)).await else {
                let why = format!("its list of {name} could not be read");
                return Err(Short { items: all, why, is_unread: true });
            };
            let Value::Array(items) = page[name].take() else {
                let why = format!("its list of {name} is none");
                return Err(Short { items: all, why, is_unread: false });
            };
            all.extend(items);
            let next = page["nextCursor"].as_str().map(str::to_owned);
            if next.is_none() && all.len() <= MOST {
                return Ok(all);
            }
            if MOST < all.len() || next == cursor {
                break;
            }
            cursor = next;
        }
        all.truncate(MOST);
        let why = format!("its list of {name} has no end within {MOST}");
        Err(Short { items: all, why, is_unread: false })
    }

    async fn page(&self, request: ClientRequest) -> Option<Value> {
        let options = PeerRequestOptions::with_timeout(self.patience);
        let sent = self.peer.send_cancellable_request(request, options).await.ok()?;
        serde_json::to_value(sent.await_response().await.ok()?).ok()
    }
}

/// Makes of the lists what can be used. A tool that is defined as one of `before` is looked at no
/// more.
pub(super) async fn judge(raw: Raw, before: Arc<Listing>) -> Result<Listing, String> {
    let judged = tokio::task::spawn_blocking(move || {
        let known: HashMap<&str, &ListedTool> =
            before.tools.iter().map(|tool| (tool.definition.hash.as_str(), tool)).collect();
        let mut listing = Listing { trouble: raw.trouble, ..Listing::default() };
        for tool in &raw.tools {
            match judge_tool(tool, &known) {
                Ok(tool) => listing.tools.push(tool),
                Err(refused) => listing.quarantined.push(refused),
            }
        }
        listing.prompts = raw.prompts.iter().filter_map(PromptDefinition::read).collect();
        let resource = |name: &'static str| move |one: &Value| ResourceDefinition::read(one, name);
        listing.resources = raw.resources.iter().filter_map(resource("uri")).collect();
        listing.templates = raw.templates.iter().filter_map(resource("uriTemplate")).collect();
        listing
    });
    match tokio::time::timeout(TO_COMPILE, judged).await {
        Ok(Ok(listing)) => Ok(listing),
        _ => Err("its tools could not be looked at in time".to_owned()),
    }
}

fn judge_tool(
    tool: &Value,
    known: &HashMap<&str, &ListedTool>,
) -> Result<ListedTool, (String, String)> {
    let definition = ToolDefinition::read(tool)?;
    if let Some(known) = known.get(definition.hash.as_str()) {
        return Ok(ListedTool { pin: Pin::Same, ..(*known).clone() });
    }
    let checker = Checker::of_arguments(&definition.input_schema);
    let checker = checker.map_err(|why| (definition.name.clone(), why))?;
    let checker = Some(Arc::new(checker));
    Ok(ListedTool { definition: Arc::new(definition), checker, pin: Pin::Same })
}

/// Compares the tools with what was agreed to; what was never seen is agreed to by that.
pub(super) async fn pin(
    listing: &mut Listing,
    store: &Store,
    server: &Arc<str>,
) -> Result<(), StoreError> {
    let tools: Vec<(String, String)> = listing
        .tools
        .iter()
        .map(|tool| (tool.definition.name.clone(), tool.definition.hash.clone()))
        .collect();
    let server = Arc::clone(server);
    // Most times nothing is new, and then nothing is written.
    let pins = {
        let server = Arc::clone(&server);
        store.read(move |conn| tool_pins::of_server(conn, &server)).await?
    };
    let is_known = tools.iter().all(|(tool, _)| pins.contains_key(tool));
    let pins = if is_known {
        pins
    } else {
        store.record(move |tx| tool_pins::see(tx, &server, &tools, MOST_PINS)).await?
    };
    compare(listing, &pins);
    Ok(())
}

/// Says of each tool whether it is as its pin says.
pub(super) fn compare(listing: &mut Listing, pins: &Pins) {
    let Listing { tools, quarantined, .. } = listing;
    tools.retain_mut(|tool| {
        let ToolDefinition { name, hash, .. } = &*tool.definition;
        let Some(agreed) = pins.get(name) else {
            let why = "its server had too many tools, so that it could not be noted".to_owned();
            quarantined.push((name.clone(), why));
            return false;
        };
        let is_same = agreed == hash;
        tool.pin = if is_same { Pin::Same } else { Pin::Changed { agreed: agreed.clone() } };
        true
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[actix::test]
    async fn one_bad_tool_costs_that_tool() {
        // B8.
        let tools = vec![
            json!({ "name": "good", "inputSchema": { "type": "object", "properties": { "x": { "anyOf": [{ "type": "string" }, { "type": "null" }] } } } }),
            json!({ "name": "bad", "inputSchema": { "type": "object", "properties": { "x": { "type": 1 } } } }),
            json!("none"),
            json!({ "name": "last", "inputSchema": { "type": "object" } }),
        ];
        let raw = Raw { tools, ..Raw::default() };
        let mut listing = judge(raw, Arc::default()).await.unwrap();
        let names: Vec<_> =
            listing.tools.iter().map(|tool| tool.definition.name.as_str()).collect();
        assert_eq!(names, ["good", "last"]);
        let bad: Vec<_> = listing.quarantined.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(bad, ["bad", "a tool without a name"]);
        let hash = listing.tools[0].definition.hash.clone();
        let pins = Pins::from([("good".to_owned(), hash), ("last".to_owned(), "old".to_owned())]);
        compare(&mut listing, &pins);
        assert_eq!(listing.tools[0].pin, Pin::Same);
        assert_eq!(listing.tools[1].pin, Pin::Changed { agreed: "old".to_owned() });
        compare(&mut listing, &Pins::new());
        assert!(listing.tools.is_empty() && listing.quarantined.len() == 4);
    }
}
