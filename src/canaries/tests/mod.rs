//! The door to canaries, on a real database and a real local registry, with a target that a test
//! has in its hands.

mod commands;
mod failures;
mod restarts;
pub(crate) mod scripted_source;
mod verdicts;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use self::scripted_source::{Behaviour, ScriptedSource};
use super::*;
use crate::canaries::policy::{Policy, PolicyRequest};
use crate::clock::{SystemClock, Timestamp};
use crate::ids::ModelId;
use crate::models::{Cause, Entry, LocalRegistry, ModelSettings};
use crate::store::audits;
use crate::store::canaries::Phase;
use crate::store::events::CommittedEvent;
use crate::store::{Database, StoreDeps};
use crate::supervision::RestartPolicy;

/// The requests of a target in a second: enough for a verdict within two seconds.
const REQUESTS: f64 = 4000.0;

/// The machine's clock, moved by what a test says.
#[derive(Debug, Default)]
struct MovedClock(Mutex<time::Duration>);

impl MovedClock {
    fn moved_by(&self, span: time::Duration) {
        *self.0.lock().unwrap() += span;
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(*self.0.lock().unwrap())
    }
}

/// A door, what it stands on, and what it published.
struct Bench {
    canaries: Canaries,
    models: Models,
    store: Store,
    clock: Arc<MovedClock>,
    source: Arc<ScriptedSource>,
    published: Arc<Mutex<Vec<CommittedEvent>>>,
    arbiter: Arbiter,
    _directory: TempDir,
}

impl Bench {
    async fn new(behaviour: Behaviour) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let published = Arc::<Mutex<Vec<CommittedEvent>>>::default();
        let sink = Arc::clone(&published);
        let database = Database::at(&directory.path().join("state.db")).unwrap();
        Store::prepare(&database).unwrap();
        let clock = Arc::<MovedClock>::default();
        let store = Store::start(
            database,
            StoreDeps {
                clock: Arc::clone(&clock) as Arc<dyn Clock>,
                publish: Arc::new(move |events| sink.lock().unwrap().extend(events)),
                supervision: Supervision::new(RestartPolicy::default()),
                arbiter: Arbiter::new().handle(),
                on_end: Box::new(|_| ()),
            },
        );
        let models = Models::start(ModelSettings {
            store: store.clone(),
            registry: Arc::new(LocalRegistry::new(store.clone())),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            supervision: Supervision::new(RestartPolicy::default()),
            arbiter: Arbiter::current(),
            on_end: Box::new(|_| ()),
        });
        let source = Arc::new(ScriptedSource::new(REQUESTS, behaviour));
        let arbiter = Arbiter::new();
        let canaries = door(&store, &models, &source, &clock, &arbiter).await;
        let bench = Self {
            canaries,
            models,
            store,
            clock,
            source,
            published,
            arbiter,
            _directory: directory,
        };
        bench.put("ranker:1").await;
        bench
    }

    /// Kills everything that is not in the database, and starts anew.
    async fn restart(&mut self) {
        self.arbiter.stop();
        self.arbiter = Arbiter::new();
        self.canaries =
            door(&self.store, &self.models, &self.source, &self.clock, &self.arbiter).await;
    }

    /// Has a model stand in production.
    async fn put(&self, model: &str) {
        let entry = Entry {
            model: ModelId::parse(model).unwrap(),
            gate: GateId::parse("production").unwrap(),
            actor: "ops".to_owned(),
            cause: Cause::Asked,
            reason: None,
            evidence: None,
        };
        self.models.promote(entry).await.unwrap();
    }

    async fn begin(&self, policy: Value) -> CanaryId {
        self.canaries.begin(new(policy)).await.unwrap().view.canary_id()
    }

    async fn view(&self, id: &CanaryId) -> Arc<CanaryView> {
        self.canaries.find(id).await.unwrap()
    }

    async fn until(
        &self,
        id: &CanaryId,
        what: &str,
        enough: impl Fn(&CanaryView) -> bool,
    ) -> Arc<CanaryView> {
        for _ in 0..2000 {
            let view = self.view(id).await;
            if enough(&view) {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{id} never got there: {what}; it is {:?}", self.view(id).await.row);
    }

    async fn until_over(&self, id: &CanaryId) -> Arc<CanaryView> {
        self.until(id, "over", |view| view.row.phase == Phase::Over).await
    }

    async fn until_polls(&self, id: &CanaryId, polls: i64) -> Arc<CanaryView> {
        self.until(id, "looks", |view| polls <= view.row.polls).await
    }

    /// What stands in production.
    async fn production(&self) -> Option<String> {
        let (model, gate) =
            (ModelId::parse("ranker:1").unwrap(), GateId::parse("production").unwrap());
        self.models.holder(&model, &gate).await.unwrap().map(|model| model.to_string())
    }

    async fn actions(&self, id: &CanaryId) -> Vec<String> {
        let id = id.to_string();
        let rows = self.store.read(move |conn| audits::about(conn, &id)).await.unwrap();
        rows.into_iter().map(|row| row.action).collect()
    }

    async fn story(&self, id: &CanaryId) -> String {
        let id = id.to_string();
        let rows = self.store.read(move |conn| audits::about(conn, &id)).await.unwrap();
        rows.into_iter().map(|row| row.message + "\n").collect()
    }

    /// The names of the events about a canary, without the measurements.
    fn events(&self, id: &CanaryId) -> Vec<String> {
        let events = self.published.lock().unwrap();
        let about = events.iter().filter(|event| *event.entity.id == *id.as_str());
        about.map(|event| event.event_type.to_string()).filter(|name| name != "metric").collect()
    }
}

impl Bench {
    /// The names of the events about a model.
    fn model_events(&self, model: &str) -> Vec<String> {
        let events = self.published.lock().unwrap();
        let about = events.iter().filter(|event| *event.entity.id == *model);
        about.map(|event| event.event_type.to_string()).collect()
    }
}

async fn door(
    store: &Store,
    models: &Models,
    source: &Arc<ScriptedSource>,
    clock: &Arc<MovedClock>,
    arbiter: &Arbiter,
) -> Canaries {
    let settings = CanarySettings {
        store: store.clone(),
        models: models.clone(),
        source: Some(Arc::clone(source) as Arc<dyn MetricsSource>),
        can_compare: false,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        supervision: Supervision::new(RestartPolicy {
            first_delay: Duration::from_millis(1),
            ..RestartPolicy::default()
        }),
        arbiter: arbiter.handle(),
        on_end: Box::new(|_| ()),
    };
    Canaries::start(settings).await.unwrap()
}

fn new(policy: Value) -> NewCanary {
    let request: PolicyRequest = serde_json::from_value(policy).unwrap();
    NewCanary {
        model: ModelId::parse("ranker:2").unwrap(),
        from_gate: GateId::parse("staging").unwrap(),
        to_gate: GateId::parse("production").unwrap(),
        policy: Policy::try_from(request).unwrap(),
        dry_run: false,
        principal: "ops".to_owned(),
    }
}

/// A policy that decides within two seconds.
fn quick() -> Value {
    json!({
        "windowSeconds": 2, "pollSeconds": 0.2,
        "targets": { "max_error_rate": 0.02, "latency_p95_ms": 250 },
    })
}

/// The same with more.
fn quick_with(more: &Value) -> Value {
    let mut policy = quick();
    let members = policy.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    policy
}
