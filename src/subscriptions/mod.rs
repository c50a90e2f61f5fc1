//! Following events over MCP: asked for, streamed, or told at an address that a client names.
//!
//! The kinds of events are names for some of the committed events; nothing is told that is not in
//! the log. Webhooks here are the clients', who come and go by the protocol; those of the operator,
//! from the settings, are [`crate::notifications`].
//!
//! # Invariants
//!
//! 1. What is told was committed, and is known by the same id in every attempt and in every way of
//!    being told.
//! 2. An address is told of nothing before it said that it wants to be, and never at an address of
//!    the inside.
//! 3. Each subscription is told of every event since it began, in their order and at least once,
//!    unless its receiver refuses one for good. One that takes nothing is told nothing more until it
//!    is renewed; that it was stopped, and what was refused, are facts of the audit chain.
//! 4. A receiver that is slow or gone holds up neither the daemon nor another receiver.
//! 5. A subscription is its principal's alone: to others it is not there. Its secret leaves the
//!    database as a key that signs, and in no other way, and goes with it.

mod attempt;
mod bells;
mod catalogue;
mod courier;
mod cursor;
mod desk;
mod error;
mod filter;
mod occurrence;
mod pace;
mod page;
mod params;
mod poll;
mod recent;
mod story;
mod stream;
mod subscribe;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::prelude::*;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tracing::info;

use self::cursor::Cursors;
use self::desk::{Counts, Desk, Office};
use self::pace::Pace;
use self::params::{Followed, Params};
use crate::adapters::outbound::OpenOutbound;
use crate::adapters::webhook::Patience;
use crate::clock::{Clock, Timestamp};
use crate::config::EventErrorCodes;
use crate::events::Hub;
use crate::store::subscriptions::{self as rows, SubscriptionRow};
use crate::store::{Store, StoreError, meta};
use crate::supervision::Supervision;

pub use self::bells::EventBells;
pub use self::catalogue::EventKind;
pub use self::desk::SubscriptionCounts;
pub use self::error::{EventsError, Missing};
pub use self::recent::{Recent, RecentEvent};
pub use self::stream::EventStream;
pub use crate::store::subscriptions::Bounds;

/// Who has no name, and so can own nothing.
const ANONYMOUS: &str = "anonymous";

/// How many addresses are asked at once whether they want to be told.
const VERIFYING: usize = 8;

/// A hundred years in milliseconds.
const A_CENTURY_MS: u64 = 3_155_760_000_000;

/// Where the database keeps the key that seals cursors.
const CURSOR_KEY: &str = "event_cursor_key";

/// What [`Subscriptions::start`] is told.
pub struct SubscriptionDeps {
    /// The log of events, and who is told.
    pub store: Store,
    /// The event streams.
    pub hub: Arc<Hub>,
    /// Rings when there is something to tell.
    pub bells: Arc<EventBells>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who keeps the couriers alive.
    pub supervision: Supervision,
    /// The thread on which they live.
    pub arbiter: ArbiterHandle,
    /// Calls the addresses that clients name.
    pub open: OpenOutbound,
    /// How many subscriptions there may be.
    pub bounds: Bounds,
    /// The numbers of the errors.
    pub codes: EventErrorCodes,
    /// When a subscription is told nothing more that takes nothing.
    pub patience: Patience,
    /// Whether a principal may still be told: what is theirs ends with their key.
    pub is_known: Box<dyn Fn(&str) -> bool + Send>,
}

struct Inner {
    store: Store,
    hub: Arc<Hub>,
    clock: Arc<dyn Clock>,
    cursors: Cursors,
    open: OpenOutbound,
    bounds: Bounds,
    codes: EventErrorCodes,
    desk: Desk,
    pace: Mutex<Pace>,
    verifying: Semaphore,
}

/// The door to followed events; cheap to clone.
#[derive(Clone)]
pub struct Subscriptions(Arc<Inner>);

impl Subscriptions {
    /// Takes up every subscription where it was left.
    ///
    /// # Errors
    /// The store's.
    pub async fn start(deps: SubscriptionDeps) -> Result<Self, StoreError> {
        let SubscriptionDeps { store, hub, bells, clock, supervision, arbiter, .. } = deps;
        let SubscriptionDeps { open, bounds, codes, patience, is_known, .. } = deps;
        let drawn = Cursors::draw_key().ok_or(StoreError::Panicked)?;
        let key = store.record(move |transaction| {
            if let Some(key) = meta::find(transaction.reader(), CURSOR_KEY)? {
                return Ok(key);
            }
            meta::set(transaction, CURSOR_KEY, &drawn)?;
            Ok(drawn.clone())
        });
        let cursors = Cursors::new(&key.await?);
        let desk = Desk::new(Office {
            store: store.clone(),
            clock: Arc::clone(&clock),
            open: open.clone(),
            cursors: cursors.clone(),
            bells,
            patience,
            supervision,
            arbiter,
            counts: Counts::default(),
        });
        for row in store.read(rows::all).await? {
            match followed(&row).filter(|_| is_known(&row.principal)) {
                Some(followed) => desk.tell(&row.id, followed),
                None => end(&store, row).await?,
            }
        }
        let (pace, verifying) = (Mutex::default(), Semaphore::new(VERIFYING));
        let inner =
            Inner { store, hub, clock, cursors, open, bounds, codes, desk, pace, verifying };
        Ok(Self(Arc::new(inner)))
    }

    /// The kinds of events that there are.
    ///
    /// # Errors
    /// A cursor was sent, and there is one page.
    pub fn list(&self, params: Option<&Value>) -> Result<Value, EventsError> {
        if let Some(params) = params
            && Params::of(params)?.text("cursor")?.is_some()
        {
            let why = "cursor is not one of this server: there is one page".to_owned();
            return Err(EventsError::InvalidParams(why));
        }
        let offers_webhooks = 0 < self.0.bounds.all;
        let kinds = catalogue::KINDS.iter().map(|kind| kind.describe(offers_webhooks));
        Ok(json!({ "events": kinds.collect::<Vec<Value>>() }))
    }

    /// The numbers by which errors go.
    pub fn codes(&self) -> EventErrorCodes {
        self.0.codes
    }

    /// What has become of what was to be told.
    pub fn counts(&self) -> SubscriptionCounts {
        self.0.desk.counts()
    }

    /// Where somebody wants to begin: what `cursor` and `maxAgeMs` say.
    fn position(
        &self,
        params: Params<'_>,
    ) -> Result<(Option<i64>, Option<Timestamp>), EventsError> {
        let asked = params.text("cursor")?.map(|cursor| self.opened(cursor)).transpose()?;
        // What is older than that is not kept, and further back there may be no time at all.
        let age = params.number("maxAgeMs")?.filter(|age| *age < A_CENTURY_MS);
        let age = age.and_then(|age| time::Duration::try_from(Duration::from_millis(age)).ok());
        Ok((asked, age.map(|age| self.0.clock.now().plus(-age))))
    }

    fn opened(&self, cursor: &str) -> Result<i64, EventsError> {
        self.0.cursors.open(cursor).map_err(|_foreign| {
            let why = "cursor is not one of this server; send null to begin with now";
            EventsError::InvalidParams(why.to_owned())
        })
    }
}

/// What a row follows; none if there is no such kind of events any more.
fn followed(row: &SubscriptionRow) -> Option<Followed> {
    let arguments = serde_json::from_str(&row.arguments).ok()?;
    Params::of(&json!({ "name": row.name, "arguments": Value::Object(arguments) }))
        .and_then(Params::followed)
        .ok()
}

/// Ends a subscription that nobody may have any more.
async fn end(store: &Store, row: SubscriptionRow) -> Result<(), StoreError> {
    info!(subscription = row.id, "a subscription without a valid key or kind of events was ended");
    let ended = store.record(move |transaction| {
        rows::end(transaction, &row.id)?;
        let why = "its key is no longer valid, or there is no such event any more";
        story::record(transaction, story::SYSTEM, story::dropped(&row, why))
    });
    ended.await
}
