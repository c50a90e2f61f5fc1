//! The files of the chat: `config.yaml` and `servers_config.json`.
//!
//! `sections.rs` names every key. Each is read somewhere here, and has an effect or is refused in
//! a sentence with its line; `docs/chat-configuration.md` describes them all.

mod command;
mod files;
mod json;
mod llm;
mod load;
mod log;
mod mcp;
mod memory;
mod notification;
mod providers;
#[cfg(test)]
mod sample;
mod sections;
mod server_entry;
mod servers;
mod service;
mod settings;
mod table;
mod tree;
mod variables;
mod websocket;
mod yaml;

#[cfg(test)]
mod tests;

pub(super) use load::LoadedChat;
pub use notification::NotificationFormat;
pub use providers::{LlmSettings, Prices, ProviderSettings, ProviderTimeouts, Wire};
#[cfg(test)]
pub(crate) use sample::{sample, sample_provider};
pub use servers::{
    ConnectionSettings, McpServerSettings, McpServersSettings, ToolPolicy, Transport,
};
pub use settings::{
    ApprovalDefault, ApprovalSettings, BudgetSettings, ChatListener, ChatLogSettings, ChatSettings,
    CompactionSettings, ContextSettings, ConversationLimits, RepositorySettings, ResponseTokens,
    RetentionPolicy, StreamingSettings, ToolNotificationSettings, TurnLimits, VisibilitySettings,
    WebSocketSettings,
};
