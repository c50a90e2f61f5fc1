//! The tools of the servers of the settings, the daemon's own among them, as conversations have
//! them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::chat::event::{Outcome, ToolName};
use crate::chat::toolbox::{Hints, Tool, ToolOutput, ToolRequest, ToolSource};
use crate::config::chat::{McpServersSettings, ToolPolicy};
use crate::mcp_servers::{
    self, CallOptions, Catalogue, CatalogueEntry, McpServers, Pin, State, ToolCallError,
};

/// How often servers that are being connected are looked at, besides when a list comes.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The daemon's own tools.
#[async_trait]
pub trait OwnTools: Send + Sync + 'static {
    /// Calls one by the name that it has on `/mcp`.
    async fn call(&self, tool: &str, request: ToolRequest) -> ToolOutput;
}

/// The tools of all servers.
pub struct ServerTools {
    servers: McpServers,
    own: Arc<dyn OwnTools>,
    policies: HashMap<String, Policies>,
    /// The tools of the newest catalogue.
    newest: Mutex<Option<Newest>>,
}

/// The tools of a catalogue.
struct Newest {
    catalogue: Arc<Catalogue>,
    tools: Vec<Arc<Tool>>,
}

/// What the settings say of a server's tools.
struct Policies {
    all: Option<ToolPolicy>,
    single: HashMap<String, ToolPolicy>,
}

impl ServerTools {
    /// The tools of `servers`, which were made of these settings.
    pub fn new(servers: McpServers, own: Arc<dyn OwnTools>, settings: &McpServersSettings) -> Self {
        let policies = settings.servers.iter().map(|server| {
            let single = server.tools.iter().map(|(tool, policy)| (tool.clone(), *policy));
            (server.name.clone(), Policies { all: server.policy, single: single.collect() })
        });
        let policies = policies.collect();
        Self { servers, own, policies, newest: Mutex::default() }
    }

    fn tool_of(&self, entry: &CatalogueEntry) -> Tool {
        let (reference, definition) = (&entry.reference, &entry.definition);
        let policies = self.policies.get(&*reference.server);
        let hints = definition.hints;
        Tool {
            exposed: entry.exposed.clone(),
            name: ToolName { server: reference.server.to_string(), tool: reference.tool.clone() },
            description: definition.description.clone(),
            parameters: Value::Object((*definition.input_schema).clone()),
            definition: reference.hash.clone(),
            hints: Hints {
                is_read_only: hints.read_only == Some(true),
                is_idempotent: hints.idempotent == Some(true),
            },
            is_trusted: entry.pin == Pin::Own,
            has_changed: matches!(entry.pin, Pin::Changed { .. }),
            policy: policies.and_then(|policies| {
                policies.single.get(&reference.tool).copied().or(policies.all)
            }),
        }
    }
}

#[async_trait]
impl ToolSource for ServerTools {
    fn tools(&self) -> Vec<Arc<Tool>> {
        let catalogue = self.servers.catalogue();
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        match &*newest {
            Some(known) if Arc::ptr_eq(&known.catalogue, &catalogue) => known.tools.clone(),
            _ => {
                let available = catalogue.entries().iter().filter(|entry| entry.is_available);
                let tools: Vec<_> = available.map(|entry| Arc::new(self.tool_of(entry))).collect();
                *newest = Some(Newest { catalogue, tools: tools.clone() });
                tools
            }
        }
    }

    async fn settled(&self) {
        let mut catalogues = self.servers.catalogues();
        // Who could not be connected once is not waited for again.
        let is_first = |view: &mcp_servers::ServerView| {
            matches!(view.state, State::Connecting { attempt: 1 })
                && view.protocol_version.is_none()
        };
        while self.servers.states().iter().any(is_first) {
            let changed = tokio::time::timeout(LOOK_AGAIN, catalogues.changed()).await;
            if matches!(changed, Ok(Err(_))) {
                return;
            }
        }
    }

    async fn call(&self, request: ToolRequest) -> ToolOutput {
        let tool = Arc::clone(&request.tool);
        let catalogue = self.servers.catalogue();
        let entry = catalogue.find(&tool.exposed);
        let Some(entry) = entry.filter(|entry| entry.reference.hash == tool.definition) else {
            return ToolOutput::failed("This tool is not there any more as it was.");
        };
        if entry.pin == Pin::Own {
            return self.own.call(&entry.reference.tool, request).await;
        }
        let caller = Arc::clone(&request.caller);
        let hears = Arc::clone(&caller);
        let options = CallOptions {
            cancel: request.cancel.clone(),
            progress: Some(Arc::new(move |progress: mcp_servers::Progress| {
                hears.progress(progress.progress, progress.total, progress.message.as_deref());
            })),
            elicitor: caller,
        };
        match self.servers.call(&entry.reference, request.arguments, options).await {
            Ok(output) if output.is_error => ToolOutput::failed(output.text),
            Ok(output) => ToolOutput { text: output.text, outcome: Outcome::Ok },
            Err(error) => of_error(&error),
        }
    }

    async fn accept(&self, tool: &Tool) {
        let catalogue = self.servers.catalogue();
        let Some(entry) = catalogue.find(&tool.exposed) else { return };
        if entry.reference.hash != tool.definition || entry.pin == Pin::Own {
            return;
        }
        if let Err(error) = self.servers.accept(&entry.reference).await {
            tracing::warn!(tool = tool.exposed, %error, "a tool could not be agreed to");
        }
    }
}

/// What the model is told of a call that came to nothing.
fn of_error(error: &ToolCallError) -> ToolOutput {
    let outcome = match error {
        ToolCallError::NotSent(_) | ToolCallError::Failed { .. } => Outcome::Error,
        ToolCallError::Unknown(_) | ToolCallError::Cancelled { sent: true } => Outcome::Unknown,
        ToolCallError::Cancelled { sent: false } => Outcome::Cancelled,
    };
    ToolOutput { text: error.to_string(), outcome }
}
