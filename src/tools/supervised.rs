//! How are the parts of the daemon: its actors, its queues, whoever it calls, and its stream?

use schemars::JsonSchema;
use serde::Serialize;

use crate::adapters::outbound::{BreakerState, ServerState};
use crate::canaries::MOST_OPEN;
use crate::supervision::RestartCounts;
use crate::tools::Doors;
use crate::tools::infrastructure_status::Infrastructure;
use crate::tools::words::breaker_state;

/// The actors of one kind.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Actor {
    #[serde(rename = "actor")]
    kind: &'static str,
    alive: u64,
    restarts: u64,
    given_up: u64,
    last_failure_at: Option<String>,
}

/// Something that things wait in, or take places of.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Queue {
    #[serde(rename = "queue")]
    name: &'static str,
    depth: usize,
    limit: usize,
}

/// Whoever is called outside of the daemon.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Adapter {
    #[serde(rename = "adapter")]
    part: &'static str,
    /// What is called; nothing where the settings name nothing.
    kind: Option<&'static str>,
    #[schemars(schema_with = "breaker_state")]
    state: &'static str,
    /// How many of the last calls failed, one after the other.
    failures: u64,
    last_error: Option<String>,
    retry_in_seconds: Option<f64>,
}

/// The stream of events since the start.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Stream {
    readers: usize,
    published: u64,
    delivered: u64,
    lagged: u64,
    refused: u64,
}

/// Every kind of actor that there is or was.
pub(super) fn actors(daemon: &Infrastructure) -> Vec<Actor> {
    let now = daemon.clock.now();
    let at = |counts: &RestartCounts| {
        let ago = time::Duration::try_from(counts.last_failure?.elapsed()).ok()?;
        Some(now.plus(-ago).to_string())
    };
    let actor = |(kind, counts): (_, RestartCounts)| Actor {
        kind,
        alive: counts.alive,
        restarts: counts.restarted,
        given_up: counts.gave_up,
        last_failure_at: at(&counts),
    };
    daemon.supervision.counts().into_iter().map(actor).collect()
}

/// Whatever has a bound.
pub(super) fn queues(doors: &Doors) -> Vec<Queue> {
    let daemon = &doors.infrastructure;
    let jobs = doors.jobs.depth();
    let (reads, most_reads) = daemon.store.reads();
    let (replays, most_replays) = daemon.events.replaying();
    let webhooks = daemon.notifications.counts();
    let waiting = webhooks.iter().filter(|webhook| 0 < webhook.waiting_seconds).count();
    let queue = |name, (depth, limit)| Queue { name, depth, limit };
    vec![
        queue("writes waiting for a commit", (daemon.store.waiting(), daemon.store.most_waiting())),
        queue("reads of the database", (reads, most_reads)),
        queue("open jobs", (jobs.open, jobs.most_open)),
        queue("jobs waiting for a place", (jobs.waiting, jobs.most_open)),
        queue("running jobs", (jobs.running, jobs.most_running)),
        queue("open canaries", (doors.canaries.watched().len(), MOST_OPEN)),
        queue(
            "readers of events",
            (daemon.events.statistics().readers, daemon.events.most_readers()),
        ),
        queue("replays of the event log", (replays, most_replays)),
        queue("webhooks with something to deliver", (waiting, webhooks.len())),
    ]
}

/// Who is asked for metrics, and who keeps the gates.
pub(super) fn adapters(doors: &Doors) -> Vec<Adapter> {
    let metrics = doors.canaries.metrics_servers().into_iter();
    let mut adapters: Vec<_> =
        metrics.map(|(kind, server)| Adapter::of("metrics", kind, server)).collect();
    if adapters.is_empty() {
        adapters.push(Adapter::unused("metrics", None));
    }
    let registry = doors.models.registry();
    adapters.push(match doors.models.registry_server() {
        None => Adapter::unused("registry", Some(registry)),
        Some(server) => Adapter::of("registry", registry, server),
    });
    adapters
}

impl Adapter {
    /// One behind which there is no server.
    fn unused(part: &'static str, kind: Option<&'static str>) -> Self {
        let state = BreakerState::Unused.as_str();
        Self { part, kind, state, failures: 0, last_error: None, retry_in_seconds: None }
    }

    fn of(part: &'static str, kind: &'static str, server: ServerState) -> Self {
        Self {
            part,
            kind: Some(kind),
            state: server.state.as_str(),
            failures: server.failures,
            last_error: server.last_error,
            retry_in_seconds: server.retry_in.map(|wait| wait.as_secs_f64()),
        }
    }
}

/// What the stream of events carried.
pub(super) fn stream(daemon: &Infrastructure) -> Stream {
    let now = daemon.events.statistics();
    Stream {
        readers: now.readers,
        published: now.published,
        delivered: now.delivered,
        lagged: now.lagged,
        refused: now.refused,
    }
}
