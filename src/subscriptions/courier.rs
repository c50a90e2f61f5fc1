//! The actor that tells one subscription of its events, in their order, each until it is taken.
//!
//! The committed events are the outbox, and the row says how far they were told. It moves after the
//! receiver took one, so that a daemon that dies in between repeats that one and loses none. The row
//! is read again before every attempt: what was renewed, ended or signed anew meanwhile counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::prelude::*;
use serde_json::json;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock::Timestamp;
use crate::store::oauth::grants;
use crate::store::subscriptions::{self, SubscriptionRow};
use crate::store::{StoreError, Transaction};
use crate::subscriptions::attempt::{Attempts, Sent};
use crate::subscriptions::desk::{Desk, Office};
use crate::subscriptions::occurrence::Occurrence;
use crate::subscriptions::page::{self, Page};
use crate::subscriptions::params::Followed;
use crate::subscriptions::story::{self, SYSTEM, record};

/// How many events are read at once.
const AT_ONCE: usize = 20;

/// How long nobody looks when no bell rings.
const QUIET: Duration = Duration::from_secs(30);

/// How far the row may lie behind what was looked through without a find.
const LAG: i64 = 1_000;

/// The wait after the database failed.
const RECOVERY: Duration = Duration::from_secs(1);

/// How many events in a row may be answered with "gone" before the receiver is.
const MOST_UNWANTED: u32 = 8;

/// How often a gap is told: not every receiver knows what that is.
const GAP_ATTEMPTS: u32 = 5;

/// What a courier needs.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) id: String,
    pub(super) followed: Followed,
    pub(super) office: Arc<Office>,
    pub(super) bell: watch::Receiver<i64>,
    pub(super) wake: Arc<Notify>,
    pub(super) stop: CancellationToken,
    pub(super) desk: Desk,
}

/// Tells one subscription.
pub(super) struct Courier(Route);

impl Courier {
    pub(super) fn new(route: Route) -> Self {
        Self(route)
    }
}

impl Actor for Courier {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let round = self.0.clone().run().into_actor(self);
        ctx.spawn(round.map(|(), _, ctx| ctx.stop()));
    }
}

/// After a failure it begins at its row.
impl Supervised for Courier {}

/// How far a courier has come.
struct Progress {
    /// Everything up to this event was told, or is not meant.
    told: i64,
    /// The same as the row has it, and since when.
    noted: (i64, Instant),
    /// Events in a row that were not wanted.
    unwanted: u32,
}

/// Whether there is more to do.
enum Next {
    Go,
    Stop,
}

fn one_more(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

impl Route {
    async fn run(mut self) {
        let stop = self.stop.clone();
        tokio::select! {
            // Somebody ended it, and has taken it from the desk.
            () = stop.cancelled() => return,
            () = self.follow() => {}
        }
        self.desk.leave(&self.id, &self.wake);
        // Somebody who subscribed again in between found a courier that was about to go.
        if self.row().await.is_some() {
            self.desk.tell(&self.id, self.followed.clone());
        }
    }

    /// Tells what there is and what comes, until the subscription is over.
    async fn follow(&mut self) {
        let Some(row) = self.row().await else { return };
        let noted = (row.seq, Instant::now());
        let mut progress = Progress { told: row.seq, noted, unwanted: 0 };
        loop {
            // Marked as heard before looking, so that what comes meanwhile rings again.
            self.bell.borrow_and_update();
            let Some(row) = self.row().await else { return };
            if !self.is_owned(&row).await {
                return self.end("the consent behind it is over").await;
            }
            if self.is_to_be_forgotten(&row) {
                let id = self.id.clone();
                self.persist(move |tx| subscriptions::forget_old_secret(tx, &id)).await;
            }
            let Some(left) = self.left(&row) else {
                if self.expire(&row).await {
                    return;
                }
                continue;
            };
            if row.suspended_at.is_some() {
                self.rest(left).await;
                continue;
            }
            match self.round(&mut progress, left).await {
                Next::Go => {}
                Next::Stop => return,
            }
        }
    }

    /// Reads a page, tells it, and waits if that was all.
    async fn round(&mut self, progress: &mut Progress, left: Duration) -> Next {
        let (gap, page) = match self.read(progress.told).await {
            Ok(read) => read,
            Err(error) => {
                warn!(subscription = self.id, %error, "the events cannot be read");
                tokio::time::sleep(RECOVERY).await;
                return Next::Go;
            }
        };
        if let Some(oldest) = gap {
            return self.tell_gap(oldest, progress).await;
        }
        for occurrence in &page.occurrences {
            match self.tell(occurrence, progress).await {
                Some(next) => return next,
                None => progress.noted = (progress.told, Instant::now()),
            }
        }
        progress.told = progress.told.max(page.reached);
        let (noted, since) = progress.noted;
        let is_quiet = noted < progress.told && QUIET < since.elapsed();
        if noted + LAG < progress.told || is_quiet {
            let (id, seq) = (self.id.clone(), progress.told);
            self.persist(move |tx| subscriptions::advance(tx, &id, seq)).await;
            progress.noted = (seq, Instant::now());
        }
        if !page.has_more {
            let rest = QUIET.min(left);
            tokio::select! {
                rung = self.bell.changed() => if rung.is_err() { return Next::Stop },
                () = self.wake.notified() => {}
                () = tokio::time::sleep(rest) => {}
            }
        }
        Next::Go
    }

    /// Tells of an event; none means that the next may be told.
    async fn tell(&self, occurrence: &Occurrence, progress: &mut Progress) -> Option<Next> {
        let cursor = self.office.cursors.seal(occurrence.seq);
        let body = occurrence.told(Some(&cursor)).to_string();
        let (id, seq) = (self.id.clone(), occurrence.seq);
        match self.send(&occurrence.event_id, &body, None).await {
            Sent::Taken => {
                progress.unwanted = 0;
                one_more(&self.office.counts.delivered);
                self.persist(move |tx| subscriptions::delivered(tx, &id, seq)).await;
            }
            Sent::Dropped(why) => {
                progress.unwanted += u32::from(why == Sent::UNWANTED);
                one_more(&self.office.counts.skipped);
                let Some(row) = self.row().await else { return Some(Next::Go) };
                let event = occurrence.event_id.clone();
                self.persist(move |tx| {
                    subscriptions::advance(tx, &id, seq)?;
                    record(tx, SYSTEM, story::skipped(&row, &event, why))
                })
                .await;
                if MOST_UNWANTED <= progress.unwanted {
                    self.end("its receiver said again and again that nothing is wanted").await;
                    return Some(Next::Stop);
                }
            }
            Sent::GaveUp | Sent::Changed => return Some(Next::Go),
        }
        progress.told = seq;
        None
    }

    /// Tells that events are gone that were not told.
    async fn tell_gap(&self, oldest: i64, progress: &mut Progress) -> Next {
        let reached = oldest - 1;
        let cursor = self.office.cursors.seal(reached);
        let body = json!({ "type": "gap", "cursor": cursor }).to_string();
        let message = format!("msg_gap_{}", nanoid::nanoid!());
        warn!(subscription = self.id, oldest, "events were removed before they were told");
        if matches!(self.send(&message, &body, Some(GAP_ATTEMPTS)).await, Sent::Changed) {
            return Next::Go;
        }
        let id = self.id.clone();
        self.persist(move |tx| subscriptions::advance(tx, &id, reached)).await;
        progress.told = reached;
        progress.noted = (reached, Instant::now());
        Next::Go
    }

    /// Tries until it is taken, is not to be tried again, or the subscription is another. Without a
    /// number of attempts, a subscription that takes nothing is told nothing more.
    async fn send(&self, message: &str, body: &str, most: Option<u32>) -> Sent {
        let mut attempts = Attempts::new(&self.office, &self.id, most);
        loop {
            let Some(row) = self.row().await else { return Sent::Changed };
            if !self.is_owned(&row).await {
                return Sent::Changed;
            }
            if self.left(&row).is_none() || row.suspended_at.is_some() {
                return Sent::Changed;
            }
            let failed = match attempts.once(&row, message, body).await {
                Ok(sent) => return sent,
                Err(failed) => failed,
            };
            one_more(&self.office.counts.failed);
            let (id, word) = (self.id.clone(), failed.why.as_str());
            self.persist(move |tx| subscriptions::failed(tx, &id, word)).await;
            match failed.wait {
                Some(wait) => self.rest(wait).await,
                None if most.is_some() => return Sent::GaveUp,
                None => {
                    self.suspend(row, message, word).await;
                    return Sent::GaveUp;
                }
            }
        }
    }

    /// Tells nothing more, unless the subscription was renewed since this row was read.
    async fn suspend(&self, row: SubscriptionRow, event: &str, why: &'static str) {
        info!(subscription = self.id, why, "a subscription is told nothing until it is renewed");
        one_more(&self.office.counts.suspended);
        let event = event.to_owned();
        self.persist(move |tx| {
            if subscriptions::suspend(tx, &row)? {
                record(tx, SYSTEM, story::suspended(&row, &event, why))?;
            }
            Ok(())
        })
        .await;
    }

    /// Ends what is over, and says whether it was: it may have been renewed in between.
    async fn expire(&self, row: &SubscriptionRow) -> bool {
        let (id, row) = (self.id.clone(), row.clone());
        let now = self.office.clock.now().to_string();
        self.persist(move |tx| {
            let is_over = subscriptions::expire(tx, &id, &now)?;
            if is_over {
                record(tx, SYSTEM, story::expired(&row))?;
            }
            Ok(is_over)
        })
        .await
    }

    async fn end(&self, why: &'static str) {
        let Some(row) = self.row().await else { return };
        let id = self.id.clone();
        self.persist(move |tx| {
            subscriptions::end(tx, &id)?;
            record(tx, SYSTEM, story::dropped(&row, why))
        })
        .await;
    }

    fn is_to_be_forgotten(&self, row: &SubscriptionRow) -> bool {
        let now = self.office.clock.now().to_string();
        row.old_secret_until.as_ref().is_some_and(|until| *until <= now)
    }

    /// How long the subscription still lasts; none if it is over.
    fn left(&self, row: &SubscriptionRow) -> Option<Duration> {
        let end = Timestamp::parse(&row.expires_at).ok()?;
        let left = end.since(self.office.clock.now());
        left.is_positive().then(|| left.unsigned_abs())
    }

    /// Waits, unless somebody wants the row to be looked at.
    async fn rest(&self, span: Duration) {
        tokio::select! {
            () = self.wake.notified() => {}
            () = tokio::time::sleep(span) => {}
        }
    }

    /// The row as it is now, however long the database is out of reach.
    async fn row(&self) -> Option<SubscriptionRow> {
        loop {
            let id = self.id.clone();
            match self.office.store.read(move |conn| subscriptions::find(conn, &id)).await {
                Ok(row) => return row,
                Err(error) => {
                    warn!(subscription = self.id, %error, "a subscription cannot be read");
                    tokio::time::sleep(RECOVERY).await;
                }
            }
        }
    }

    /// Whether whoever is told may still know: what a consent gave goes with it.
    async fn is_owned(&self, row: &SubscriptionRow) -> bool {
        if !grants::is_consented(&row.principal) {
            return true;
        }
        loop {
            let (owner, now) = (row.principal.clone(), self.office.clock.now().to_string());
            let asked = self.office.store.read(move |conn| grants::stands(conn, &owner, &now));
            match asked.await {
                Ok(stands) => return stands,
                Err(error) => {
                    warn!(subscription = self.id, %error, "a consent cannot be read");
                    tokio::time::sleep(RECOVERY).await;
                }
            }
        }
    }

    /// What comes after an event, and the oldest that is kept if something before it is not.
    async fn read(&self, after: i64) -> Result<(Option<i64>, Page), StoreError> {
        let followed = self.followed.clone();
        let read = self.office.store.read(move |conn| {
            let page = page::read(conn, &followed, after, AT_ONCE)?;
            // Asked after the events were read, so that what was removed meanwhile is noticed.
            Ok((page::gap(conn, after)?, page))
        });
        read.await
    }

    /// Writes something down, however long the database is out of reach.
    async fn persist<T, F>(&self, work: F) -> T
    where
        T: Send + 'static,
        F: Fn(&mut Transaction<'_>) -> Result<T, StoreError> + Send + Clone + 'static,
    {
        loop {
            match self.office.store.record(work.clone()).await {
                Ok(done) => return done,
                Err(error) => {
                    warn!(subscription = self.id, %error, "a subscription was not written yet");
                    tokio::time::sleep(RECOVERY).await;
                }
            }
        }
    }
}
