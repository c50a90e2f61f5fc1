//! Sweeping once an hour, and not when the clock is in doubt.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::audit::Audit;
use crate::chat::{self, Chat};
use crate::clock::{Clock, Timestamp};
use crate::config::Settings;
use crate::jobs::{Jobs, Swept};
use crate::oauth::server::AuthorizationServer;

/// The time between two sweeps.
const HOUR: Duration = Duration::from_hours(1);

/// How far the wall clock may run off the monotonic one between two sweeps.
const TOLERANCE: time::Duration = time::Duration::minutes(5);

/// How long things are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retention {
    pub(super) jobs: Duration,
    pub(super) events: Duration,
    pub(super) audits: Duration,
}

impl Retention {
    /// What the settings say.
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            jobs: settings.store.job_ttl,
            events: settings.store.event_retention,
            audits: Duration::from_hours(24 * u64::from(settings.audit.retention_days)),
        }
    }
}

/// The parts that have something to sweep.
pub(super) struct Parts {
    pub(super) jobs: Jobs,
    pub(super) audit: Audit,
    pub(super) oauth: Option<AuthorizationServer>,
    pub(super) chat: Option<Chat>,
}

/// Removes what has been over for long.
pub(super) struct Housekeeping {
    parts: Parts,
    clock: Arc<dyn Clock>,
    retention: Retention,
    last: (Timestamp, Instant),
}

impl Housekeeping {
    pub(super) fn new(parts: Parts, clock: Arc<dyn Clock>, retention: Retention) -> Self {
        let last = (clock.now(), Instant::now());
        Self { parts, clock, retention, last }
    }

    /// Whether the wall clock moved as far as time did. One that jumped ahead would have everything
    /// look old.
    fn clock_is_steady(&mut self) -> bool {
        let (wall, monotonic) = self.last;
        self.last = (self.clock.now(), Instant::now());
        let passed = time::Duration::try_from(self.last.1 - monotonic).unwrap_or_default();
        (self.last.0.since(wall) - passed).abs() <= TOLERANCE
    }

    fn sweep(&mut self, ctx: &mut Context<Self>) {
        if !self.clock_is_steady() {
            warn!("the wall clock jumped; nothing is swept until it is steady for an hour");
            return;
        }
        let span = |span| time::Duration::try_from(span).unwrap_or(time::Duration::MAX);
        let (jobs, retention) = (self.parts.jobs.clone(), self.retention);
        let sweep = async move { jobs.sweep(span(retention.jobs), span(retention.events)).await };
        ctx.spawn(sweep.into_actor(self).map(|swept, _, _| match swept {
            Ok(swept) if swept == Swept::default() => {}
            Ok(Swept { jobs, events, keys }) => info!(jobs, events, keys, "swept"),
            Err(error) => warn!(%error, "the sweep was cut short; the next one goes on"),
        }));
        if let Some(oauth) = self.parts.oauth.clone() {
            let sweep = async move { oauth.sweep().await };
            ctx.spawn(sweep.into_actor(self).map(|swept, _, _| match swept {
                Ok(0) => {}
                Ok(swept) => info!(swept, "what OAuth gave out is over and was removed"),
                Err(error) => {
                    warn!(%error, "what OAuth gave out was not all swept; the next sweep goes on");
                }
            }));
        }
        if let Some(chat) = self.parts.chat.clone() {
            let sweep = async move { chat.sweep().await };
            ctx.spawn(sweep.into_actor(self).map(|swept, _, _| match swept {
                Ok(swept) if swept == chat::Swept::default() => {}
                Ok(chat::Swept { conversations, events }) => {
                    info!(conversations, events, "what conversations are to forget was removed");
                }
                Err(error) => {
                    warn!(%error, "conversations were not all swept; the next sweep goes on");
                }
            }));
        }
        let (audit, now) = (self.parts.audit.clone(), self.last.0);
        let remove = async move { audit.remove_old(retention.audits, now).await };
        ctx.spawn(remove.into_actor(self).map(|removed, _, _| match removed {
            Ok(0) => {}
            Ok(rows) => info!(rows, "audit rows had been kept long enough and were removed"),
            Err(error) => {
                warn!(%error, "old audit rows were not all removed; the next sweep goes on");
            }
        }));
    }
}

impl Actor for Housekeeping {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.sweep(ctx);
        ctx.run_interval(HOUR, Self::sweep);
    }
}

impl Supervised for Housekeeping {}
