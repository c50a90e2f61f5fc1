//! What the daemon is told: by the command line, else the environment, else a file, else by
//! default.
//!
//! `settings.rs` declares every setting once, with its names, its default and its meaning. The
//! loader, the refusals, `config print`, `config example` and `docs/configuration.md` all follow
//! from that table.
//!
//! # Invariants
//!
//! 1. Nothing here reads the process's environment: it is passed in.
//! 2. A [`Settings`] is complete and valid: paths are absolute, ranges hold.
//! 3. A secret leaves this module as a `SecretString` and no other way.

pub mod chat;
mod chat_file;
mod error;
mod events;
mod fields;
mod file;
mod keys;
mod load;
mod mcp;
mod notifications;
mod oauth;
mod render;
mod server;
mod settings;
mod sources;
mod traces;
mod value;

#[cfg(test)]
mod tests;

pub use chat_file::ChatFileSettings;
pub use error::ConfigError;
pub use events::EventSettings;
pub use fields::{BucketUnit, Confirm, EventErrorCodes, LogFormat, RegistryKind};
pub use keys::{Group, Setting};
pub use load::{Loaded, Resolved};
pub use mcp::McpSettings;
pub use oauth::OauthSettings;
pub use render::{render_docs, render_example, render_json, render_print};
pub use settings::{
    AuditSettings, AuthSettings, EvalSettings, GROUPS, LimitSettings, LogSettings, MetricsSettings,
    PrometheusSettings, RegistrySettings, RepoSettings, ScrapeSettings, ServerSettings, Settings,
    StoreSettings,
};
pub use sources::{Environment, Origin, Overrides};
pub use traces::{TraceEncoding, TraceSampler, TraceSettings};

/// The file that is read from the current directory when no other is named.
pub const DEFAULT_FILE: &str = "lukhas-mcp.toml";
