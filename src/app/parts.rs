//! Starting each part of the daemon with what it needs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::mpsc::UnboundedSender;

use super::housekeeping::{self, Housekeeping, Retention};
use super::{AppError, oauth, registry, report, shipped_evals, system};
use crate::adapters::local::{LocalRunner, LocalRunnerSettings};
use crate::adapters::metrics;
use crate::audit::Refusals;
use crate::canaries::{Canaries, CanarySettings};
use crate::clock::Clock;
use crate::config::Settings;
use crate::events::{Hub, HubDeps, Limits, Outlet};
use crate::http::{Gate, GateSettings, Hosts, Keys, RateLimiter, RequestLog, SocketPlace, Tickets};
use crate::jobs::{JobSettings, Jobs};
use crate::models::{ModelSettings, Models};
use crate::oauth::server::AuthorizationServer;
use crate::store::Store;
use crate::supervision::Supervision;

/// How long a run that is to end has for tidying up before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// What the parts have in common.
pub(super) struct Parts<'a> {
    pub(super) settings: &'a Settings,
    pub(super) store: &'a Store,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) supervision: &'a Supervision,
    /// The thread on which actors live that have none of their own.
    pub(super) arbiter: &'a ArbiterHandle,
    /// Told of parts that cannot be kept alive.
    pub(super) failed: &'a UnboundedSender<&'static str>,
}

impl Parts<'_> {
    pub(super) async fn events(&self, outlet: Outlet) -> Result<Arc<Hub>, AppError> {
        let limits = &self.settings.limits;
        let hub = Hub::start(HubDeps {
            store: self.store.clone(),
            outlet,
            supervision: self.supervision.clone(),
            arbiter: Arbiter::new().handle(),
            limits: Limits {
                readers: limits.max_sse_streams,
                readers_per_principal: limits.max_sse_streams_per_key,
                ..Limits::default()
            },
            on_end: report("broadcast", self.failed),
        });
        Ok(hub.await?)
    }

    pub(super) async fn jobs(&self) -> Result<Jobs, AppError> {
        let jobs = Jobs::start(JobSettings {
            store: self.store.clone(),
            runner: Arc::new(local_runner(self.settings)?),
            clock: Arc::clone(self.clock),
            supervision: self.supervision.clone(),
            arbiter: self.arbiter.clone(),
            max_running: self.settings.evals.max_running_jobs,
            max_queued: self.settings.evals.max_queued_jobs,
            on_end: report("jobs", self.failed),
        });
        Ok(jobs.await?)
    }

    pub(super) fn models(&self) -> Result<Models, AppError> {
        Ok(Models::start(ModelSettings {
            store: self.store.clone(),
            registry: registry::build(&self.settings.registry, self.store)?,
            clock: Arc::clone(self.clock),
            supervision: self.supervision.clone(),
            arbiter: self.arbiter.clone(),
            on_end: report("gates", self.failed),
        }))
    }

    pub(super) async fn canaries(&self, models: &Models) -> Result<Canaries, AppError> {
        let canaries = Canaries::start(CanarySettings {
            store: self.store.clone(),
            models: models.clone(),
            source: metrics::from_settings(self.settings, self.clock)?,
            can_compare: metrics::tells_gates_apart(self.settings),
            clock: Arc::clone(self.clock),
            supervision: self.supervision.clone(),
            arbiter: self.arbiter.clone(),
            on_end: report("canaries", self.failed),
        });
        Ok(canaries.await?)
    }

    /// Starts sweeping.
    pub(super) fn housekeeping(&self, swept: housekeeping::Parts) {
        let retention = Retention::of(self.settings);
        let actor = Housekeeping::new(swept, Arc::clone(self.clock), retention);
        let on_end = report("housekeeping", self.failed);
        self.supervision.start_on(self.arbiter, "housekeeping", actor, on_end);
    }

    pub(super) fn gate(
        &self,
        (log, refusals): (Option<&Arc<RequestLog>>, &Arc<Refusals>),
        server: Option<AuthorizationServer>,
        socket: SocketPlace,
    ) -> Result<Gate, AppError> {
        let limits = &self.settings.limits;
        Ok(Gate::new(GateSettings {
            hosts: hosts(self.settings).with_socket(socket),
            keys: Keys::new(&self.settings.auth.api_keys, &self.settings.auth.read_keys),
            limiter: RateLimiter::new(limits.rate_bucket, limits.rate_window),
            log: log.cloned(),
            clock: Arc::clone(self.clock),
            refusals: Arc::clone(refusals),
            tickets: Tickets::default(),
            oauth: oauth::build(self, server)?,
        }))
    }
}

fn hosts(settings: &Settings) -> Hosts {
    let origin =
        settings.server.public_base_url.as_ref().map(|url| url.origin().ascii_serialization());
    Hosts::new(settings.server.listen, settings.server.host_names(), origin)
}

fn local_runner(settings: &Settings) -> Result<LocalRunner, AppError> {
    let shipped = shipped_evals::lay_out(&settings.evals.runs_dir)
        .map_err(system("lay out the shipped evals beside the runs"))?;
    LocalRunner::new(LocalRunnerSettings {
        evals: vec![settings.evals.dir.clone(), shipped],
        runs: settings.evals.runs_dir.clone(),
        daemon: std::env::current_exe().map_err(system("find the daemon's own binary"))?,
        repository: settings.repo.root.clone(),
        home: std::env::var_os("HOME").map(PathBuf::from),
        grace: GRACE,
    })
    .map_err(system("start the eval runner"))
}
