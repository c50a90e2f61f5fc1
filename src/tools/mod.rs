//! What a client can ask for: one file a tool.
//!
//! A tool is a type that implements [`Tool`]: typed arguments, a typed answer and one function.
//! The [`Registry`] makes of it what the protocol needs — schema, validation, result, errors — so
//! that a revision of the protocol changes no tool.

mod app;
mod backtest_policy;
mod canary_commands;
mod canary_status;
mod cancel_job;
mod chat;
mod chat_state;
mod client;
mod documents;
mod error;
mod for_chat;
mod get_recent_events;
mod infrastructure_status;
mod introduction;
mod job_logs;
mod links;
mod list_canaries;
mod list_jobs;
mod list_models;
#[cfg(test)]
mod listening;
mod model_history;
mod named;
mod page;
mod promote_model;
mod reason;
mod registry;
mod replay_decision;
mod report;
mod repository;
mod result;
mod rollback_model;
mod run_eval;
mod schema;
mod snapshot;
mod start_canary;
mod status;
mod subject;
mod supervised;
mod task;
#[cfg(test)]
pub(crate) mod tests;
mod typed;
mod waiting;
mod why;
mod why_math;
mod words;

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::app::APP_URI;
pub use self::client::{Answers, Client, List, LogLevel, Progress, Question, Silent};
pub use self::documents::{Document, document, document_of};
use self::error::failed_to_write;
pub use self::error::{Capability, ToolError};
pub use self::for_chat::ToolsForChat;
pub use self::infrastructure_status::Infrastructure;
pub use self::introduction::{ServerFacts, You};
pub use self::links::Links;
pub use self::page::{InvalidCursor, Page, cursor_after, entry_before};
pub use self::registry::{CallCounts, Called, Registry};
pub use self::report::{ReportFormat, report};
pub use self::result::{CallResult, Reply};
pub use self::snapshot::snapshot;
pub use self::task::{Task, TaskState, Tasks, Work};
#[cfg(feature = "conformance")]
pub(crate) use self::typed::AnyTool;
pub use self::waiting::calls_waiting;
pub use self::why::{Fact, recorded};
use crate::audit::Audit;
use crate::canaries::Canaries;
use crate::chat::Chat;
use crate::events::Changes;
use crate::jobs::Jobs;
use crate::models::Models;
use crate::repo::{Repo, RepoPath};
use crate::subscriptions::Subscriptions;

/// What tools may use.
#[derive(Clone)]
pub struct Doors {
    /// Jobs.
    pub jobs: Jobs,
    /// Models and gates.
    pub models: Models,
    /// Canaries.
    pub canaries: Canaries,
    /// Recorded facts.
    pub audit: Audit,
    /// The repository.
    pub repo: Repo,
    /// Followed events.
    pub subscriptions: Subscriptions,
    /// Conversations, where there are any.
    pub chat: Option<Chat>,
    /// Where readers find what tools name.
    pub links: Links,
    /// The daemon itself.
    pub infrastructure: Infrastructure,
}

impl Doors {
    /// Where to wait for something to change.
    pub fn changes(&self) -> &Arc<Changes> {
        self.infrastructure.events.changes()
    }

    /// Where a reader finds a file.
    async fn url_of(&self, path: &RepoPath) -> String {
        let forge = if self.links.are_public() { None } else { self.repo.forge_url(path).await };
        self.links.file(path, forge)
    }
}

/// What the holder of a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// See everything, and change nothing.
    Read,
    /// Everything.
    Operate,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name of the key that was presented, or `anonymous`; never the key.
    pub principal: String,
    /// What that key is for.
    pub role: Role,
}

/// One call: what it may use, who makes it, and the line back to its client.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// What it may use.
    pub doors: &'a Doors,
    /// Who makes it.
    pub caller: &'a Caller,
    /// What can be told and asked while it lasts.
    pub client: &'a dyn Client,
}

/// What calling a tool does to the world, as clients are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Reads,
    /// It adds something.
    Adds,
    /// It changes something that was there; doing it twice is not doing it once.
    Changes,
    /// It sets how something stands, and nothing is lost by it; doing it twice is doing it once.
    Sets,
    /// It ends or removes something; doing it twice is doing it once.
    Ends,
}

impl Role {
    /// Whether a tool with this effect may be called.
    pub fn may(self, effect: Effect) -> bool {
        self == Self::Operate || effect == Effect::Reads
    }
}

/// A thing that a client can call by name.
#[async_trait]
pub trait Tool: Send + Sync + 'static {
    /// The name, as on the wire; never changed once shipped.
    const NAME: &'static str;
    /// The name, for people.
    const TITLE: &'static str;
    /// What it does, for the model that reads it.
    const DESCRIPTION: &'static str;
    /// What it does to the world.
    const EFFECT: Effect;
    /// Whether it asks or tells servers that are not the daemon: a registry, a source of metrics.
    const REACHES_OUT: bool = false;
    /// Whether a host that shows pages shows the app beside its answer.
    const OPENS_APP: bool = false;
    /// What it takes.
    type Arguments: DeserializeOwned + JsonSchema + Send;
    /// What it gives; must serialise to a JSON object.
    type Answer: Serialize + JsonSchema + Send;

    /// Does it.
    async fn call(
        call: Call<'_>,
        arguments: Self::Arguments,
    ) -> Result<Reply<Self::Answer>, ToolError>;
}
