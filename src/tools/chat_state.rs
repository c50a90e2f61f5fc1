//! How does the chat stand: the models that are asked, and the servers whose tools there are?

use schemars::JsonSchema;
use serde::Serialize;

use crate::adapters::llm::ProviderState;
use crate::chat::Chat;
use crate::mcp_servers::{McpServers, ServerView};
use crate::tools::words::{breaker_state, connection_state};

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChatState {
    /// The provider that is asked unless a request names another.
    active: String,
    requests_under_way: usize,
    followers: usize,
    providers: Vec<Provider>,
    /// The other MCP servers, in the order of the settings.
    servers: Vec<Server>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Provider {
    #[serde(rename = "provider")]
    name: String,
    model: String,
    #[schemars(schema_with = "breaker_state")]
    state: &'static str,
    /// How many of the last calls failed, one after the other.
    failures: u64,
    last_error: Option<String>,
    retry_in_seconds: Option<f64>,
    /// How long it is not asked because it said so.
    rate_limited_for_seconds: Option<f64>,
    in_flight: usize,
    limit: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Server {
    #[serde(rename = "server")]
    name: String,
    transport: &'static str,
    #[schemars(schema_with = "connection_state")]
    state: &'static str,
    since: String,
    /// How often the connection failed in a row.
    failures: u32,
    last_error: Option<String>,
    /// The revision of the protocol that is spoken.
    protocol_version: Option<String>,
    tools: usize,
    prompts: usize,
    resources: usize,
    calls_under_way: usize,
    /// The tools that cannot be used.
    quarantined: Vec<Quarantined>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Quarantined {
    tool: String,
    why: String,
}

impl ChatState {
    pub(super) fn of(chat: &Chat) -> Self {
        let states = chat.providers().filter_map(|(_, provider)| provider.model.state());
        let servers = chat.servers().map(McpServers::states).unwrap_or_default();
        Self {
            active: chat.settings().llm.active.clone(),
            requests_under_way: chat.under_way(),
            followers: chat.followers(),
            providers: states.map(Provider::from).collect(),
            servers: servers.into_iter().map(Server::from).collect(),
        }
    }
}

impl From<ProviderState> for Provider {
    fn from(state: ProviderState) -> Self {
        Self {
            name: state.provider,
            model: state.model,
            state: state.server.state.as_str(),
            failures: state.server.failures,
            last_error: state.server.last_error,
            retry_in_seconds: state.server.retry_in.map(|wait| wait.as_secs_f64()),
            rate_limited_for_seconds: state.rate_limited_for.map(|wait| wait.as_secs_f64()),
            in_flight: state.in_flight,
            limit: state.concurrency,
        }
    }
}

impl From<ServerView> for Server {
    fn from(view: ServerView) -> Self {
        let quarantined = view.quarantined.into_iter();
        Self {
            name: view.name,
            transport: view.transport,
            state: view.state.word(),
            since: view.since.to_string(),
            failures: view.failures,
            last_error: view.last_error,
            protocol_version: view.protocol_version,
            tools: view.tools,
            prompts: view.prompts,
            resources: view.resources,
            calls_under_way: view.in_flight,
            quarantined: quarantined.map(|(tool, why)| Quarantined { tool, why }).collect(),
        }
    }
}
