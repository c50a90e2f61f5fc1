//! The settings of the protocol.

use super::error::ConfigError;
use super::fields::Confirm;
use super::keys::{Group, declare_group, setting};
use super::load::Reader;
use super::value::Kind;

declare_group! {
    /// What clients of MCP get beside answers.
    mcp: McpSettings {
        /// What a client that can ask its user has to have confirmed before it is done: `promotions`
        /// for what decides which model a gate has, `changes` for all that changes or ends
        /// something. Clients that cannot ask, curl among them, are never held up.
        confirm: Confirm = setting("mcp.confirm", Kind::Choice(Confirm::NAMES))
            .variables(&["LUKHAS_MCP_CONFIRM"])
            .default("promotions");
        /// Whether evals and canaries are tasks for clients that follow tasks; otherwise they get
        /// the id at once, like everybody else.
        give_tasks: bool = setting("mcp.give_tasks", Kind::Bool)
            .variables(&["LUKHAS_MCP_GIVE_TASKS"])
            .default("true");
    }
}
