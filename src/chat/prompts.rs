//! What other servers offer to be said and to be read.

use serde_json::{Map, Value};

use crate::chat::Chat;
use crate::chat::error::ChatError;
use crate::mcp_servers::{
    CallOptions, McpServers, PromptDefinition, PromptRole, ResourceDefinition, ToolCallError,
};

/// A prompt, and who offers it.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferedPrompt {
    /// The server.
    pub server: String,
    /// The prompt.
    pub prompt: PromptDefinition,
}

/// A resource, or a template for the addresses of some, and who offers it.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferedResource {
    /// The server.
    pub server: String,
    /// The resource.
    pub resource: ResourceDefinition,
    /// Whether its address is a template.
    pub is_template: bool,
}

impl Chat {
    /// The prompts of all servers.
    pub fn prompts(&self) -> Vec<OfferedPrompt> {
        let all = self.servers().map(McpServers::prompts).unwrap_or_default();
        all.into_iter().map(|(server, prompt)| OfferedPrompt { server, prompt }).collect()
    }

    /// The resources of all servers.
    pub fn resources(&self) -> Vec<OfferedResource> {
        let Some(servers) = self.servers() else { return Vec::new() };
        let offered = |is_template| {
            move |(server, resource)| OfferedResource { server, resource, is_template }
        };
        let resources = servers.resources().into_iter().map(offered(false));
        resources.chain(servers.resource_templates().into_iter().map(offered(true))).collect()
    }

    /// What a prompt of a server says, as what a user says.
    ///
    /// # Errors
    /// There is no such prompt, or the server does not give it.
    pub async fn prompt_text(
        &self,
        server: &str,
        name: &str,
        arguments: Map<String, Value>,
    ) -> Result<String, ChatError> {
        let Some(servers) = self.servers() else {
            return Err(ChatError::Invalid("there are no other servers".to_owned()));
        };
        let options = CallOptions::default();
        let messages = servers.prompt(server, name, arguments, options).await;
        let messages = messages.map_err(|error| refused(&error))?;
        let is_alone = messages.len() == 1;
        let said = messages.into_iter().map(|message| match message.role {
            PromptRole::User if is_alone => message.text,
            PromptRole::User => format!("User: {}", message.text),
            PromptRole::Assistant => format!("Assistant: {}", message.text),
        });
        Ok(said.collect::<Vec<_>>().join("\n\n"))
    }

    /// What a resource of a server says.
    ///
    /// # Errors
    /// There is no such resource, or the server does not give it.
    pub async fn resource_text(&self, server: &str, uri: &str) -> Result<String, ChatError> {
        let Some(servers) = self.servers() else {
            return Err(ChatError::Invalid("there are no other servers".to_owned()));
        };
        let text = servers.resource(server, uri, CallOptions::default()).await;
        text.map_err(|error| refused(&error))
    }
}

fn refused(error: &ToolCallError) -> ChatError {
    ChatError::Invalid(error.to_string())
}
