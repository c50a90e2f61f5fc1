//! The actor that tells one webhook of every transition, in their order, each until it is taken.
//!
//! The committed events are the outbox, and the cursor in the database says how far the webhook has
//! been told. It moves after the receiver took a notification, so that a daemon that dies in between
//! repeats that one and loses none.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::adapters::webhook::{Next, Notification, Patience, Webhook};
use crate::clock::{Clock, Timestamp};
use crate::ids::EntityKind;
use crate::notifications::story::{happened, is_told, notification};
use crate::store::events::{CommittedEvent, EventFilter};
use crate::store::{Store, StoreError, events, webhooks};
use crate::supervision::jitter;

/// How many events are read at once.
const AT_ONCE: i64 = 100;

/// How long nobody looks when no bell rings.
const QUIET: Duration = Duration::from_secs(30);

/// How far the cursor may lie behind what was looked through without a find: what lies between is
/// kept from being pruned, and looked through again after a restart.
const LAG: i64 = 1_000;

/// The wait after the database failed.
const RECOVERY: Duration = Duration::from_secs(1);

/// What has become of a webhook's notifications since the daemon started.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) delivered: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) skipped: AtomicU64,
    /// When the transition happened that waits longest, in Unix seconds; 0 if none waits.
    pub(super) waiting_since: AtomicI64,
}

/// What a courier needs.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) webhook: Webhook,
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) bell: watch::Receiver<i64>,
    pub(super) counts: Arc<Counts>,
    pub(super) patience: Patience,
}

/// Tells one webhook.
pub(super) struct Courier {
    route: Route,
    cursor: i64,
}

impl Courier {
    /// A courier that goes on after the event `cursor`.
    pub(super) fn new(route: Route, cursor: i64) -> Self {
        Self { route, cursor }
    }
}

impl Actor for Courier {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (route, cursor) = (self.route.clone(), self.cursor);
        ctx.spawn(route.run(cursor).into_actor(self));
    }
}

/// After a failure it begins at the cursor of its start: what was told meanwhile is found in the
/// database by [`Route::run`].
impl Supervised for Courier {}

impl Route {
    async fn run(mut self, start: i64) {
        let mut told = start;
        if let Ok(cursor) = self.cursor().await {
            told = told.max(cursor);
        }
        let mut looked = (told, Instant::now());
        loop {
            // Marked as heard before looking, so that what comes meanwhile rings again.
            self.bell.borrow_and_update();
            let (found, up_to) = match self.read(told).await {
                Ok(read) => read,
                Err(error) => {
                    warn!(webhook = self.webhook.name(), %error, "the events cannot be read");
                    tokio::time::sleep(RECOVERY).await;
                    continue;
                }
            };
            for event in &found {
                self.tell(event).await;
                self.advance(event.seq).await;
                looked = (event.seq, Instant::now());
            }
            told = told.max(up_to);
            if looked.0 + LAG < told || (looked.0 < told && QUIET < looked.1.elapsed()) {
                self.advance(told).await;
                looked = (told, Instant::now());
            }
            if (found.len() as u64) < AT_ONCE.unsigned_abs() {
                // The daemon's end drops the bell, and this with it.
                let rung = tokio::time::timeout(QUIET, self.bell.changed()).await;
                if matches!(rung, Ok(Err(_))) {
                    return;
                }
            }
        }
    }

    async fn cursor(&self) -> Result<i64, StoreError> {
        let name = self.webhook.name().to_owned();
        self.store.read(move |conn| webhooks::find(conn, &name)).await
    }

    /// The transitions after an event, and up to where the log was looked through for them.
    async fn read(&self, after: i64) -> Result<(Vec<CommittedEvent>, i64), StoreError> {
        let read = self.store.read(move |conn| {
            let newest = events::kept(conn)?.newest;
            let kinds = [EntityKind::Canary, EntityKind::Model].map(EventFilter::Kind);
            let found = events::replay(conn, &kinds, after, newest, AT_ONCE)?;
            Ok((found, newest))
        });
        let (mut found, newest) = read.await?;
        let is_full = AT_ONCE.unsigned_abs() <= found.len() as u64;
        let up_to = found.last().filter(|_| is_full).map_or(newest, |last| last.seq);
        found.retain(|event| is_told(event.entity.kind, &event.event_type));
        Ok((found, up_to))
    }

    /// Tries until the receiver takes it or it is skipped.
    async fn tell(&self, event: &CommittedEvent) {
        let Some(told) = notification(event) else {
            warn!(event.seq, "an event that is no JSON object is not told");
            return;
        };
        let at = happened(event).and_then(|at| Timestamp::parse(&at).ok());
        let at = at.unwrap_or_else(|| self.clock.now());
        self.counts.waiting_since.store(at.unix_seconds(), Ordering::Relaxed);
        let mut attempts = 0;
        while let Err(error) = self.webhook.deliver(&told, self.clock.now().unix_seconds()).await {
            attempts += 1;
            self.counts.failed.fetch_add(1, Ordering::Relaxed);
            let age = self.clock.now().since(at);
            let Next::Retry(wait) = self.patience.after_failure(attempts, age, jitter()) else {
                self.skip(event, &told, &error.to_string()).await;
                return;
            };
            if attempts.is_power_of_two() {
                let webhook = self.webhook.name();
                info!(webhook, event.seq, attempts, %error, "a notification was not taken yet");
            }
            tokio::time::sleep(wait).await;
        }
        self.counts.waiting_since.store(0, Ordering::Relaxed);
        self.counts.delivered.fetch_add(1, Ordering::Relaxed);
    }

    async fn skip(&self, event: &CommittedEvent, told: &Notification, error: &str) {
        let webhook = self.webhook.name().to_owned();
        warn!(webhook, event.seq, error, "a notification was skipped");
        self.counts.waiting_since.store(0, Ordering::Relaxed);
        let details = serde_json::json!({
            "webhook": webhook,
            "delivery": told.delivery,
            "topic": event.entity.to_string(),
            "type": event.event_type,
            "error": error,
        });
        let message =
            format!("{webhook} was not told: {} The last attempt: {error}.", told.sentence);
        self.persist(move |transaction| {
            let (details, message) = (&details, message.clone());
            transaction.audit_daemon("system", "webhook_skip", details, message).map(drop)
        })
        .await;
        self.counts.skipped.fetch_add(1, Ordering::Relaxed);
    }

    async fn advance(&self, seq: i64) {
        let name = self.webhook.name().to_owned();
        self.persist(move |transaction| webhooks::advance(transaction, &name, seq)).await;
    }

    /// Writes something down, however long the database is out of reach.
    async fn persist<F>(&self, work: F)
    where
        F: Fn(&mut crate::store::Transaction<'_>) -> Result<(), StoreError>
            + Send
            + Clone
            + 'static,
    {
        while let Err(error) = self.store.record(work.clone()).await {
            let webhook = self.webhook.name();
            warn!(webhook, %error, "the state of a webhook was not written down yet");
            tokio::time::sleep(RECOVERY).await;
        }
    }
}
