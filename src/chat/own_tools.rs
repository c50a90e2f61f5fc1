//! The tools that every conversation has: what was said, what tools gave, and what other servers
//! have to be read.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::chat::event::{Outcome, ToolName};
use crate::chat::toolbox::{Hints, Tool, ToolOutput, ToolRequest, ToolSource};
use crate::config::chat::{McpServersSettings, ToolPolicy};
use crate::mcp_servers::{CallOptions, McpServers};
use crate::store::chat::events::{self, SearchScope};
use crate::store::{Store, sha256_hex};

/// Whose tools these are, as the model sees it.
const SERVER: &str = "chat";

/// The most characters of an output that are read at once.
const MOST_CHARACTERS: usize = 16_000;

/// The most places that a search gives.
const MOST_HITS: i64 = 10;

/// The most resources that a list has.
const MOST_RESOURCES: usize = 200;

/// The tools that every conversation has.
pub struct ConversationTools {
    store: Store,
    servers: Option<McpServers>,
    session: Option<String>,
    /// The servers of which nothing is read without asking.
    closed: HashSet<String>,
    tools: Vec<Arc<Tool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadOutput {
    call_id: String,
    #[serde(default)]
    offset: usize,
    #[serde(default)]
    length: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchHistory {
    query: String,
    #[serde(default)]
    everywhere: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadResource {
    server: String,
    uri: String,
}

fn tool(name: &str, description: &str, properties: &Value, required: &[&str]) -> Arc<Tool> {
    let parameters = json!({
        "type": "object", "properties": properties, "required": required,
        "additionalProperties": false,
    });
    let definition = sha256_hex(json!([name, description, parameters]).to_string().as_bytes());
    Arc::new(Tool {
        exposed: format!("{SERVER}__{name}"),
        name: ToolName { server: SERVER.to_owned(), tool: name.to_owned() },
        description: description.to_owned(),
        parameters,
        definition,
        hints: Hints { is_read_only: true, is_idempotent: true },
        is_trusted: true,
        has_changed: false,
        policy: None,
    })
}

impl ConversationTools {
    /// The tools over what is stored, and over the servers, if there are any.
    pub(super) fn new(
        store: Store,
        servers: Option<McpServers>,
        session: Option<String>,
        settings: &McpServersSettings,
    ) -> Self {
        let closed = settings
            .servers
            .iter()
            .filter(|server| matches!(server.policy, Some(ToolPolicy::Ask | ToolPolicy::Deny)));
        let closed = closed.map(|server| server.name.clone()).collect();
        let text = || json!({ "type": "string" });
        let number = |about| json!({ "type": "integer", "minimum": 0, "description": about });
        let mut tools = vec![
            tool(
                "read_tool_output",
                "Reads a part of what a tool gave in this conversation, where it was too long to be \
                 shown whole.",
                &json!({
                    "call_id": text(), "offset": number("The first character."),
                    "length": number("How many characters; 16000 at most."),
                }),
                &["call_id"],
            ),
            tool(
                "search_history",
                "Finds where words were said in this conversation, or in all of the user's, also \
                 where that is too long ago to be shown.",
                &json!({
                    "query": text(),
                    "everywhere": { "type": "boolean", "description": "Whether in all." },
                }),
                &["query"],
            ),
        ];
        if servers.is_some() {
            tools.push(tool(
                "list_resources",
                "Lists what other servers have to be read: names and addresses.",
                &json!({}),
                &[],
            ));
            tools.push(tool(
                "read_resource",
                "Reads a resource of another server, by the address that the list has.",
                &json!({ "server": text(), "uri": text() }),
                &["server", "uri"],
            ));
        }
        Self { store, servers, session, closed, tools }
    }

    /// Whether what a server offers may be read without asking anybody.
    fn is_open(&self, server: &str) -> bool {
        !self.closed.contains(server)
    }

    async fn read_output(&self, request: &ToolRequest, asked: ReadOutput) -> ToolOutput {
        let (id, call_id) = (request.conversation_id.clone(), asked.call_id.clone());
        let found = self.store.read(move |conn| events::result_of(conn, &id, &call_id)).await;
        let text = match found {
            Ok(Some(row)) => row.content.unwrap_or_default(),
            Ok(None) => {
                return ToolOutput::failed(format!("There is no result of {:?}.", asked.call_id));
            }
            Err(error) => return ToolOutput::failed(error.to_string()),
        };
        let length = asked.length.unwrap_or(MOST_CHARACTERS).clamp(1, MOST_CHARACTERS);
        let all = text.chars().count();
        let part: String = text.chars().skip(asked.offset).take(length).collect();
        let end = asked.offset.saturating_add(length).min(all);
        let text = format!("[characters {} to {end} of {all}]\n{part}", asked.offset.min(all));
        ToolOutput { text, outcome: Outcome::Ok }
    }

    async fn search(&self, request: &ToolRequest, asked: SearchHistory) -> ToolOutput {
        let scope = SearchScope {
            owner: request.owner.clone(),
            conversation_id: (!asked.everywhere).then(|| request.conversation_id.clone()),
            session: self.session.clone(),
        };
        let words: Vec<String> =
            asked.query.split_whitespace().take(16).map(str::to_owned).collect();
        let read = self.store.read(move |conn| events::search(conn, &scope, &words, MOST_HITS));
        match read.await {
            Ok(hits) if hits.is_empty() => {
                ToolOutput { text: "Nothing was found.".to_owned(), outcome: Outcome::Ok }
            }
            Ok(hits) => {
                let line = |hit: events::Hit| {
                    let who = hit.role.unwrap_or_default();
                    let (title, at) = (hit.title, hit.timestamp);
                    format!("{at} {who} in {title:?} (event {}): {}", hit.seq, hit.snippet)
                };
                let lines: Vec<String> = hits.into_iter().map(line).collect();
                ToolOutput { text: lines.join("\n"), outcome: Outcome::Ok }
            }
            Err(error) => ToolOutput::failed(error.to_string()),
        }
    }

    fn list_resources(&self) -> ToolOutput {
        let Some(servers) = &self.servers else {
            return ToolOutput::failed("There are no other servers.");
        };
        let line = |server: &str, resource: crate::mcp_servers::ResourceDefinition| {
            format!("{server} {} {:?} {}", resource.uri, resource.name, resource.description)
        };
        let resources = servers.resources().into_iter();
        let open = resources.filter(|(server, _)| self.is_open(server)).take(MOST_RESOURCES);
        let mut lines: Vec<String> =
            open.map(|(server, resource)| line(&server, resource)).collect();
        if lines.is_empty() {
            lines.push("There is nothing to be read.".to_owned());
        }
        ToolOutput { text: lines.join("\n"), outcome: Outcome::Ok }
    }

    async fn read_resource(&self, request: &ToolRequest, asked: ReadResource) -> ToolOutput {
        let Some(servers) = &self.servers else {
            return ToolOutput::failed("There are no other servers.");
        };
        // Nobody is asked before this, so it reaches only what the server itself offers, where the
        // settings neither deny its tools nor have them asked for: an address that a model wrote
        // could carry something out.
        if !self.is_open(&asked.server) {
            return ToolOutput::failed("The settings keep conversations from this server.");
        }
        let mut listed = servers.resources().into_iter();
        if !listed.any(|(server, one)| server == asked.server && one.uri == asked.uri) {
            return ToolOutput::failed("Only resources of the list can be read.");
        }
        let options = CallOptions { cancel: request.cancel.clone(), ..CallOptions::default() };
        match servers.resource(&asked.server, &asked.uri, options).await {
            Ok(text) => ToolOutput { text, outcome: Outcome::Ok },
            Err(error) => ToolOutput::failed(error.to_string()),
        }
    }
}

/// Reads the arguments of a call, or says what is wrong with them.
fn read<T: DeserializeOwned>(arguments: &Map<String, Value>) -> Result<T, ToolOutput> {
    serde_path_to_error::deserialize(Value::Object(arguments.clone()))
        .map_err(|error| ToolOutput::failed(format!("The arguments are wrong: {error}.")))
}

#[async_trait]
impl ToolSource for ConversationTools {
    fn tools(&self) -> Vec<Arc<Tool>> {
        self.tools.clone()
    }

    async fn call(&self, request: ToolRequest) -> ToolOutput {
        let arguments = &request.arguments;
        let answer = match request.tool.name.tool.as_str() {
            "read_tool_output" => match read(arguments) {
                Ok(asked) => Ok(self.read_output(&request, asked).await),
                Err(wrong) => Err(wrong),
            },
            "search_history" => match read(arguments) {
                Ok(asked) => Ok(self.search(&request, asked).await),
                Err(wrong) => Err(wrong),
            },
            "read_resource" => match read(arguments) {
                Ok(asked) => Ok(self.read_resource(&request, asked).await),
                Err(wrong) => Err(wrong),
            },
            _list => Ok(self.list_resources()),
        };
        answer.unwrap_or_else(|wrong| wrong)
    }

    async fn accept(&self, _: &Tool) {}
}
