//! `get_infrastructure_status`: how the daemon itself is.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::{Clock, Timestamp};
use crate::events::Hub;
use crate::notifications::Notifications;
use crate::repo::search::IndexState;
use crate::store::{CommitTimes, Store, meta};
use crate::supervision::Supervision;
use crate::tools::chat_state::ChatState;
use crate::tools::repository::NoArguments;
use crate::tools::supervised::{self, Actor, Adapter, Queue, Stream};
use crate::tools::words::index_phase;
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

/// What the daemon knows of itself.
#[derive(Clone)]
pub struct Infrastructure {
    /// The database.
    pub store: Store,
    /// What became of the actors.
    pub supervision: Supervision,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// When the daemon started.
    pub started: Timestamp,
    /// Whether the repository is served for reading only.
    pub read_only: bool,
    /// How long a job that is over is kept.
    pub job_ttl: std::time::Duration,
    /// The stream of events.
    pub events: Arc<Hub>,
    /// Who is told of what.
    pub notifications: Notifications,
}

pub(super) struct InfrastructureStatus;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    name: &'static str,
    version: &'static str,
    started_at: String,
    uptime_seconds: i64,
    database: Database,
    jobs: Work,
    canaries: BTreeMap<&'static str, usize>,
    registry: &'static str,
    /// Every kind of actor.
    actors: Vec<Actor>,
    queues: Vec<Queue>,
    /// Whoever is called outside of the daemon.
    adapters: Vec<Adapter>,
    stream: Stream,
    repository: Repository,
    /// The chat, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<ChatState>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Database {
    bytes: u64,
    commits: u64,
    failed_operations: u64,
    /// Changes that wait for a commit or are in one.
    waiting: usize,
    last_commit_ms: f64,
    /// How long the newest 1,024 commits took.
    commit_ms: CommitMilliseconds,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CommitMilliseconds {
    p50: f64,
    p99: f64,
    max: f64,
}

impl From<CommitTimes> for CommitMilliseconds {
    fn from(CommitTimes { p50, p99, max }: CommitTimes) -> Self {
        Self { p50, p99, max }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Work {
    running: usize,
    waiting: usize,
    by_status: BTreeMap<&'static str, usize>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Repository {
    /// Whether its directory still is where it was.
    present: bool,
    read_only: bool,
    index: Index,
}

/// The index of the search.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Index {
    #[schemars(schema_with = "index_phase")]
    phase: &'static str,
    files: u64,
    bytes_of_text: u64,
    memory_bytes: usize,
    /// Whether there are more files than are searched.
    truncated: bool,
    updated_at: Option<String>,
}

impl From<IndexState> for Index {
    fn from(state: IndexState) -> Self {
        Self {
            phase: state.phase.name(),
            files: state.files,
            bytes_of_text: state.bytes_of_text,
            memory_bytes: state.memory,
            truncated: state.is_cut,
            updated_at: state.updated.map(|at| at.to_string()),
        }
    }
}

#[async_trait]
impl Tool for InfrastructureStatus {
    const NAME: &'static str = "get_infrastructure_status";
    const TITLE: &'static str = "State of the daemon";
    const DESCRIPTION: &'static str = "Says how this daemon is: its version and uptime, its \
        database and how long commits take, how many jobs and canaries there are, its actors, \
        queues and adapters, the stream of events, what it serves of the repository, and the \
        models and servers of the chat.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = NoArguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        NoArguments {}: NoArguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let Infrastructure { store, clock, started, read_only, .. } = &doors.infrastructure;
        let bytes = store.read(meta::database_bytes).await?;
        let statistics = store.statistics();
        let depth = doors.jobs.depth();
        let jobs = doors.jobs.count_by_status().await?;
        let canaries = doors.canaries.count_by_status().await?;
        Ok(Reply::Answer(Answer {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            started_at: started.to_string(),
            uptime_seconds: clock.now().since(*started).whole_seconds(),
            database: Database {
                bytes,
                commits: statistics.commits,
                failed_operations: statistics.failed,
                waiting: store.waiting(),
                last_commit_ms: milliseconds(statistics.last_commit_microseconds),
                commit_ms: store.commit_times().into(),
            },
            jobs: Work {
                running: depth.running,
                waiting: depth.waiting,
                by_status: jobs.into_iter().map(|(status, n)| (status.as_str(), n)).collect(),
            },
            canaries: canaries.into_iter().map(|(status, n)| (status.as_str(), n)).collect(),
            registry: doors.models.registry(),
            actors: supervised::actors(&doors.infrastructure),
            queues: supervised::queues(doors),
            adapters: supervised::adapters(doors),
            stream: supervised::stream(&doors.infrastructure),
            repository: Repository {
                present: doors.repo.is_there().await,
                read_only: *read_only,
                index: doors.repo.index_state().into(),
            },
            chat: doors.chat.as_ref().map(ChatState::of),
        }))
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a commit")]
fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1000.0
}
