//! The daemon's own tools as conversations call them: through the same registry as everybody.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, value::RawValue};

use crate::chat::{Outcome, OwnTools, ToolOutput, ToolRequest};
use crate::mcp_servers::{ToolDefinition, ToolSource};
use crate::tools::{Call, Caller, Client, Doors, Progress, Registry, Role, ToolError};

/// How long a call that was to end may take to end by itself.
const TO_END: Duration = Duration::from_secs(5);

/// The daemon's own tools, for conversations.
pub struct ToolsForChat {
    registry: Arc<Registry>,
    doors: OnceLock<Doors>,
}

impl ToolsForChat {
    /// The tools of a registry. They can be called once there are doors.
    pub fn new(registry: Arc<Registry>) -> Self {
        Self { registry, doors: OnceLock::new() }
    }

    /// Lets them be called.
    pub fn open(&self, doors: Doors) {
        if self.doors.set(doors).is_err() {
            tracing::error!("the tools of the chat were opened twice");
        }
    }
}

/// Whether conversations are kept from a tool: those with which somebody talks to a model, and says
/// what it may do, are for people.
fn is_for_people(name: &str) -> bool {
    crate::tools::chat::NAMES.contains(&name)
}

impl ToolSource for ToolsForChat {
    fn definitions(&self) -> Vec<ToolDefinition> {
        let described = self.registry.describe(Role::Operate);
        let read = |tool: &Value| match ToolDefinition::read(tool) {
            Ok(definition) => Some(definition),
            Err((name, why)) => {
                tracing::error!(name, why, "a tool of the daemon's own cannot be offered");
                None
            }
        };
        let offered = described.iter().filter_map(read);
        offered.filter(|definition| !is_for_people(&definition.name)).collect()
    }
}

#[async_trait]
impl OwnTools for ToolsForChat {
    async fn call(&self, tool: &str, request: ToolRequest) -> ToolOutput {
        let Some(doors) = self.doors.get() else {
            return ToolOutput::failed("The daemon is still starting; call it again.");
        };
        if is_for_people(tool) {
            return ToolOutput::failed("This tool is for people, and not for conversations.");
        }
        if request.cancel.is_cancelled() {
            let text = "It was ended before this was done.".to_owned();
            return ToolOutput { text, outcome: Outcome::Cancelled };
        }
        let arguments = Value::Object(request.arguments.clone()).to_string();
        let Ok(arguments) = RawValue::from_string(arguments) else {
            return ToolOutput::failed("The arguments cannot be passed on.");
        };
        let who = Caller { principal: request.principal.clone(), role: Role::Operate };
        let client = Follower(&request);
        let call = Call { doors, caller: &who, client: &client };
        let call = self.registry.call(call, tool, Some(&arguments));
        tokio::pin!(call);
        let called = tokio::select! {
            called = &mut call => called,
            () = request.cancel.cancelled() => match tokio::time::timeout(TO_END, call).await {
                Ok(called) => called,
                Err(_goes_on) => return ToolOutput {
                    text: "It is not known whether this was done: it was not waited for.".to_owned(),
                    outcome: Outcome::Unknown,
                },
            },
        };
        match called {
            Ok(called) => of_result(called.result.as_bytes()),
            Err(error) => {
                if let ToolError::Failed { source, .. } = &error {
                    let error = format!("{source:#}");
                    tracing::warn!(tool, error, "a tool failed in a conversation");
                }
                ToolOutput::failed(error.to_string())
            }
        }
    }
}

/// What a model is told of a result of the protocol: its texts.
fn of_result(result: &[u8]) -> ToolOutput {
    let result: Value = serde_json::from_slice(result).unwrap_or_default();
    let blocks = result["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let texts: Vec<&str> = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
    let text = texts.join("\n\n");
    if result["isError"] == true {
        ToolOutput::failed(text)
    } else {
        ToolOutput { text, outcome: Outcome::Ok }
    }
}

/// Whoever follows the conversation hears how far a call is.
struct Follower<'a>(&'a ToolRequest);

impl Client for Follower<'_> {
    fn progress(&self, progress: Progress) {
        self.0.caller.progress(progress.progress, progress.total, progress.message.as_deref());
    }

    fn listens(&self) -> bool {
        true
    }
}
