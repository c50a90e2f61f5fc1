//! The setting that turns the chat on: where its own files are.

use std::path::PathBuf;

use super::error::ConfigError;
use super::keys::{Group, declare_group, setting};
use super::load::Reader;
use super::value::Kind;

declare_group! {
    /// The chat, which has files of its own; see `docs/chat-configuration.md`.
    chat: ChatFileSettings {
        /// Its `config.yaml`; without one there is no chat. The servers that it names are read from
        /// `servers_config.json` beside it.
        config: Option<PathBuf> = setting("chat.config", Kind::Path)
            .variables(&["LUKHAS_MCP_CHAT_CONFIG"])
            .flag("--chat-config")
            .optional("chat/config.yaml");
    }
}
