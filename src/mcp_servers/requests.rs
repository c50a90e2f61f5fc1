//! What can be asked of a server: to call a tool, for a prompt, for a resource; and what somebody
//! agreed to.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientRequest, GetPromptRequest,
    GetPromptRequestParams, ReadResourceRequest, ReadResourceRequestParams,
};
use serde_json::{Map, Value};
use tokio::time::timeout;

use crate::mcp_servers::call::{CallOptions, Session};
use crate::mcp_servers::catalogue::{ListedTool, Pin, ToolRef};
use crate::mcp_servers::error::{NotSent, ToolCallError};
use crate::mcp_servers::machine::State;
use crate::mcp_servers::offers::{
    PromptDefinition, PromptMessage, ResourceDefinition, contents, messages,
};
use crate::mcp_servers::output::{ToolOutput, of_result};
use crate::mcp_servers::schema::Checker;
use crate::mcp_servers::server::Server;
use crate::mcp_servers::{McpServers, listing};
use crate::store::{StoreError, tool_pins};

/// How long a call waits for a connection that is being made.
const TO_CONNECT: Duration = Duration::from_secs(5);

/// How long it may take to check arguments.
const TO_CHECK: Duration = Duration::from_secs(2);

/// The longest arguments, as JSON.
const ARGUMENTS: usize = 1 << 20;

/// The longest text of a resource, in bytes.
const RESOURCE: usize = 1 << 20;

fn not_sent(why: NotSent) -> ToolCallError {
    ToolCallError::NotSent(why)
}

impl McpServers {
    /// Calls a tool. The arguments go to the server as they are.
    ///
    /// # Errors
    /// There is no result; which error it is says whether the call may have done something.
    pub async fn call(
        &self,
        tool: &ToolRef,
        arguments: Map<String, Value>,
        options: CallOptions,
    ) -> Result<ToolOutput, ToolCallError> {
        let server = self.known(&tool.server)?;
        // The connection first: what the server lists is newest then.
        let session = session(server, &options).await?;
        let checker = agreed(&server.listing().tools, tool).map_err(not_sent)?;
        let arguments = check(checker, arguments).await.map_err(not_sent)?;
        let request = |answers: super::call::Answers| {
            let mut params = CallToolRequestParams::new(tool.tool.clone());
            params.arguments = Some(arguments.clone());
            params.input_responses = answers.responses;
            params.request_state = answers.state;
            ClientRequest::CallToolRequest(CallToolRequest::new(params))
        };
        let result = session.ask(request, &tool.tool, server.limits(), &options).await?;
        Ok(of_result(&result))
    }

    /// Agrees to a tool's definition, from now on and over restarts. Whether that is how the tool is
    /// defined now is the answer.
    ///
    /// # Errors
    /// The store's.
    pub async fn accept(&self, tool: &ToolRef) -> Result<bool, StoreError> {
        let Some(server) = self.server(&tool.server) else { return Ok(false) };
        let is_it = |listed: &ListedTool| {
            listed.definition.name == tool.tool && listed.definition.hash == tool.hash
        };
        let listing = server.listing();
        if !listing.tools.iter().any(is_it) {
            return Ok(false);
        }
        let ToolRef { server: name, tool, hash } = tool.clone();
        let pinned = self.store.record(move |tx| tool_pins::pin(tx, (&name, &tool), &hash));
        pinned.await?;
        self.hub.publish_after(|| server.agree(&listing, &is_it));
        // A list that was compared with the pins just before would not know of it.
        if let Some(session) = server.session() {
            session.changed.notify_one();
        }
        Ok(true)
    }

    /// The prompts of all servers, each with its server's name.
    pub fn prompts(&self) -> Vec<(String, PromptDefinition)> {
        self.all(|listing| &listing.prompts)
    }

    /// The resources of all servers.
    pub fn resources(&self) -> Vec<(String, ResourceDefinition)> {
        self.all(|listing| &listing.resources)
    }

    /// The templates for addresses of resources of all servers.
    pub fn resource_templates(&self) -> Vec<(String, ResourceDefinition)> {
        self.all(|listing| &listing.templates)
    }

    fn all<T: Clone>(&self, of: impl Fn(&listing::Listing) -> &Vec<T>) -> Vec<(String, T)> {
        let of_server = |server: &Arc<Server>| {
            let listing = server.listing();
            of(&listing)
                .iter()
                .map(|one| (server.name.to_string(), one.clone()))
                .collect::<Vec<_>>()
        };
        self.servers.iter().flat_map(of_server).collect()
    }

    /// Asks for a prompt.
    ///
    /// # Errors
    /// There is no such prompt, or no answer.
    pub async fn prompt(
        &self,
        server: &str,
        prompt: &str,
        arguments: Map<String, Value>,
        options: CallOptions,
    ) -> Result<Vec<PromptMessage>, ToolCallError> {
        let server = self.known(server)?;
        let session = session(server, &options).await?;
        let is_there = server.listing().prompts.iter().any(|one| one.name == prompt);
        if !is_there {
            return Err(not_sent(NotSent::Nothing(format!("prompt {prompt}"))));
        }
        let request = |answers: super::call::Answers| {
            let mut params = GetPromptRequestParams::new(prompt);
            params.arguments = Some(arguments.clone());
            params.input_responses = answers.responses;
            params.request_state = answers.state;
            ClientRequest::GetPromptRequest(GetPromptRequest::new(params))
        };
        let result = session.ask(request, prompt, server.limits(), &options).await?;
        Ok(messages(&result))
    }

    /// Asks for a resource, as text of a bounded length.
    ///
    /// # Errors
    /// The server has no resources, or gives no answer.
    pub async fn resource(
        &self,
        server: &str,
        uri: &str,
        options: CallOptions,
    ) -> Result<String, ToolCallError> {
        let server = self.known(server)?;
        let session = session(server, &options).await?;
        // One that is not listed may be one of a template's.
        let has_any =
            session.peer.peer_info().is_some_and(|info| info.capabilities.resources.is_some());
        if !has_any {
            return Err(not_sent(NotSent::Nothing("resources".to_owned())));
        }
        let request = |answers: super::call::Answers| {
            let mut params = ReadResourceRequestParams::new(uri);
            params.input_responses = answers.responses;
            params.request_state = answers.state;
            ClientRequest::ReadResourceRequest(ReadResourceRequest::new(params))
        };
        let result = session.ask(request, uri, server.limits(), &options).await?;
        Ok(contents(&result, RESOURCE))
    }

    fn known(&self, server: &str) -> Result<&Arc<Server>, ToolCallError> {
        self.server(server).ok_or_else(|| not_sent(NotSent::NoServer(server.to_owned())))
    }
}

/// The connection that there is, or that comes in a moment.
async fn session(server: &Server, options: &CallOptions) -> Result<Session, ToolCallError> {
    let mut moved = server.moved();
    let comes = async {
        loop {
            // One that has just fallen is noticed in a moment, and another one is made.
            if let Some(session) = server.session().filter(|one| !one.over.is_cancelled()) {
                return Some(session);
            }
            if matches!(server.state(), State::Failed { .. } | State::Stopped) {
                return None;
            }
            moved.changed().await.ok()?;
        }
    };
    tokio::select! {
        biased;
        () = options.cancel.cancelled() => Err(ToolCallError::Cancelled { sent: false }),
        session = timeout(TO_CONNECT, comes) => {
            session.ok().flatten().ok_or_else(|| not_sent(NotSent::NotConnected))
        }
    }
}

/// What checks the arguments of a tool, if it may be called.
fn agreed(tools: &[ListedTool], tool: &ToolRef) -> Result<Option<Arc<Checker>>, NotSent> {
    // The first of a name is the one in the catalogue.
    let listed = tools.iter().find(|listed| listed.definition.name == tool.tool);
    let listed = listed.ok_or_else(|| NotSent::Nothing(format!("tool {}", tool.tool)))?;
    if listed.definition.hash != tool.hash {
        return Err(NotSent::Redefined);
    }
    match listed.pin {
        Pin::Changed { .. } => Err(NotSent::NotAgreed),
        Pin::Own => Err(NotSent::Own),
        Pin::Same => Ok(listed.checker.clone()),
    }
}

/// Checks arguments, and gives them back as they are.
async fn check(
    checker: Option<Arc<Checker>>,
    arguments: Map<String, Value>,
) -> Result<Map<String, Value>, NotSent> {
    let verdict = tokio::task::spawn_blocking(move || {
        let value = Value::Object(arguments);
        let length = value.to_string().len();
        if ARGUMENTS < length {
            let why = format!("/: they have {length} bytes, and {ARGUMENTS} are allowed");
            return Err(NotSent::Arguments(vec![why]));
        }
        if let Some(checker) = checker {
            checker.check(&value).map_err(NotSent::Arguments)?;
        }
        match value {
            Value::Object(arguments) => Ok(arguments),
            _ => Err(NotSent::Arguments(Vec::new())),
        }
    });
    match timeout(TO_CHECK, verdict).await {
        Ok(Ok(verdict)) => verdict,
        _ => Err(NotSent::CheckTimedOut),
    }
}
