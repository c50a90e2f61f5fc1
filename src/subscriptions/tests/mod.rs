//! Followed events between a real store, a real hub and real sockets.

mod asking;
mod deliveries;
mod receiver;
mod renewals;
mod streams;
mod subscribing;

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use self::receiver::Receiver;
use super::*;
use crate::adapters::outbound::Reach;
use crate::clock::SystemClock;
use crate::events::{HubDeps, Limits, Outlet};
use crate::ids::Entity;
use crate::store::{Database, StoreDeps, audits, events};
use crate::supervision::RestartPolicy;

const OWNER: &str = "key:0123abcd";

/// A clock that runs, and can be moved.
#[derive(Default)]
struct MovedClock(Mutex<time::Duration>);

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(*self.0.lock().unwrap())
    }
}

/// What may differ between benches.
#[derive(Clone, Copy)]
struct Made {
    bounds: Bounds,
    reach: Reach,
    patience: Patience,
}

const MADE: Made = Made {
    bounds: Bounds { all: 100, per_principal: 100 },
    reach: Reach::PublicAndLoopback,
    patience: Patience { give_up: Duration::from_hours(1), least_attempts: 5 },
};

/// Gives up as soon as three attempts failed.
const HASTY: Made =
    Made { patience: Patience { give_up: Duration::from_millis(1), least_attempts: 3 }, ..MADE };

struct Bench {
    store: Store,
    hub: Arc<Hub>,
    clock: Arc<MovedClock>,
    subscriptions: Subscriptions,
    directory: TempDir,
}

impl Bench {
    async fn new(made: Made) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Store::prepare(&database(&directory)).unwrap();
        Self::over(directory, made, Arc::default(), |_| true).await
    }

    /// Starts anew over the same database, without asking what went before to end.
    async fn restarted(self, is_known: fn(&str) -> bool) -> Self {
        // What would go on telling in the same process ends with a real daemon.
        for row in self.rows().await {
            self.subscriptions.0.desk.stop(&row.id);
        }
        Self::over(self.directory, MADE, self.clock, is_known).await
    }

    async fn over(
        directory: TempDir,
        made: Made,
        clock: Arc<MovedClock>,
        is_known: fn(&str) -> bool,
    ) -> Self {
        let supervision = Supervision::new(RestartPolicy::default());
        let (outlet, bells) = (Outlet::default(), Arc::<EventBells>::default());
        let store = Store::start(
            database(&directory),
            StoreDeps {
                clock: clock.clone(),
                publish: bells.hung_on(outlet.publish()),
                supervision: supervision.clone(),
                arbiter: Arbiter::new().handle(),
                on_end: Box::new(|_| ()),
            },
        );
        let deps = HubDeps {
            store: store.clone(),
            outlet,
            supervision: supervision.clone(),
            arbiter: Arbiter::new().handle(),
            limits: Limits { readers: 4, readers_per_principal: 2, ..Limits::default() },
            on_end: Box::new(|_| ()),
        };
        let hub = Hub::start(deps).await.unwrap();
        let deps = SubscriptionDeps {
            store: store.clone(),
            hub: Arc::clone(&hub),
            bells,
            clock: clock.clone(),
            supervision,
            arbiter: Arbiter::new().handle(),
            open: OpenOutbound::new(made.reach),
            bounds: made.bounds,
            codes: EventErrorCodes::ChatGpt,
            patience: made.patience,
            is_known: Box::new(is_known),
        };
        let subscriptions = Subscriptions::start(deps).await.unwrap();
        Self { store, hub, clock, subscriptions, directory }
    }

    /// Commits an event and returns its place; it is published then.
    async fn emit(&self, topic: &str, event_type: &'static str, fields: Value) -> i64 {
        let entity = Entity::parse(topic).unwrap();
        let before = self.hub.statistics().published;
        let write = self
            .store
            .write(move |transaction| transaction.emit((&entity, None), event_type, &fields));
        write.await.unwrap();
        while self.hub.statistics().published <= before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.newest().await
    }

    async fn promote(&self, model: &str) -> i64 {
        self.emit(&format!("model/{model}"), "promoted", json!({ "gate": "production" })).await
    }

    async fn newest(&self) -> i64 {
        self.store.read(events::kept).await.unwrap().newest
    }

    async fn prune(&self, limit: usize) {
        let future = "9999-01-01T00:00:00.000Z";
        self.store.write(move |tx| events::prune(tx, future, limit)).await.unwrap();
    }

    async fn rows(&self) -> Vec<SubscriptionRow> {
        self.store.read(rows::all).await.unwrap()
    }

    /// The actions of the facts about the daemon, oldest first.
    async fn facts(&self) -> Vec<String> {
        let facts = self.store.read(|conn| audits::about(conn, "daemon")).await.unwrap();
        facts.into_iter().map(|fact| fact.action).collect()
    }

    fn move_clock(&self, by: time::Duration) {
        *self.clock.0.lock().unwrap() += by;
    }

    async fn subscribe(&self, receiver: &Receiver, path: &str) -> Value {
        self.try_subscribe(receiver, path).await.unwrap()
    }

    async fn try_subscribe(&self, receiver: &Receiver, path: &str) -> Result<Value, EventsError> {
        self.subscriptions.subscribe(OWNER, &asking(receiver, path)).await
    }
}

/// The params of a subscription to promotions.
fn asking(receiver: &Receiver, path: &str) -> Value {
    json!({
        "name": "model.promoted",
        "arguments": {},
        "delivery": { "mode": "webhook", "url": receiver.url(path), "secret": receiver::SECRET },
    })
}

fn database(directory: &TempDir) -> Database {
    Database::at(&directory.path().join("state.db")).unwrap()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..4_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} never came");
}

/// The error of a refusal: its number and what programs go by.
fn refusal(refused: Result<Value, EventsError>) -> (i32, Value, String) {
    let error = refused.unwrap_err();
    let data = error.data().unwrap_or(Value::Null);
    (error.code(EventErrorCodes::ChatGpt), data, error.to_string())
}
