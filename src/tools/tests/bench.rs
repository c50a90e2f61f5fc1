//! Doors for tests: a real database, real actors, a real repository and registry, with evals that end
//! as they are told and a target whose requests fail as they are told.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use crate::adapters::outbound::{OpenOutbound, Reach};
use crate::adapters::webhook::Patience;
use crate::audit::Audit;
use crate::canaries::policy::{Policy, PolicyRequest};
use crate::canaries::tests::scripted_source::{Behaviour, ScriptedSource};
use crate::canaries::{Canaries, CanarySettings, NewCanary};
use crate::clock::{Clock, SystemClock};
use crate::config::EventErrorCodes;
use crate::events::{Changes, Hub, HubDeps, Limits, Outlet};
use crate::ids::{CanaryId, ConfigId, GateId, JobId, ModelId, TaskId};
use crate::jobs::tests::fake_runner::{FakeRunner, Script};
use crate::jobs::{JobSettings, Jobs, NewJob};
use crate::models::{Cause, Entry, LocalRegistry, ModelSettings, Models};
use crate::notifications::{Bell, NotificationDeps, Notifications};
use crate::repo::git::{Author, GitSettings};
use crate::repo::root::{OwnFiles, Root};
use crate::repo::{LARGEST_FILE, Repo, RepoSettings};
use crate::store::{Database, Store, StoreDeps};
use crate::subscriptions::{Bounds, EventBells, SubscriptionDeps, Subscriptions};
use crate::supervision::{RestartPolicy, Supervision};
use crate::tools::{Call, Caller, Doors, Infrastructure, Links, Role, Silent};

/// Who asks in tests.
pub(crate) fn reader() -> Caller {
    Caller { principal: "key:00000000".to_owned(), role: Role::Read }
}

/// Doors, and what they open on.
pub(crate) struct Bench {
    pub(crate) doors: Doors,
    pub(crate) caller: Caller,
    runner: Arc<FakeRunner>,
    repository: TempDir,
    _state: TempDir,
}

impl Bench {
    /// Doors to a daemon that knows of nothing yet, and to an empty repository.
    pub(crate) async fn new() -> Self {
        let (repository, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let supervision = Supervision::new(RestartPolicy::default());
        let database = Database::at(&state.path().join("state.db")).unwrap();
        Store::prepare(&database).unwrap();
        let outlet = Outlet::default();
        let store = Store::start(
            database,
            StoreDeps {
                clock: Arc::clone(&clock),
                publish: outlet.publish(),
                supervision: supervision.clone(),
                arbiter: Arbiter::new().handle(),
                on_end: Box::new(|_| ()),
            },
        );
        let runner = FakeRunner::doing(Script::Completes);
        let base = Base { store, clock, supervision, arbiter: Arbiter::new().handle() };
        let doors =
            base.doors(outlet, Arc::clone(&runner), (repository.path(), state.path())).await;
        Self { doors, caller: reader(), runner, repository, _state: state }
    }

    /// A call by somebody who may only read.
    pub(crate) fn call(&self) -> Call<'_> {
        Call { doors: &self.doors, caller: &self.caller, client: &Silent }
    }

    /// Puts a file into the repository.
    pub(crate) fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.repository.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Runs an eval to its end, which is good or not.
    pub(crate) async fn eval(&self, task: &str, is_good: bool) -> JobId {
        let script = if is_good { Script::Completes } else { Script::Fails };
        *self.runner.next.lock().unwrap() = Some(script);
        let new = NewJob {
            task_id: TaskId::parse(task).unwrap(),
            config_id: ConfigId::parse("default").unwrap(),
            principal: "key:00000000".to_owned(),
            dry_run: false,
            idempotency_key: None,
            timeout: None,
            deadline: None,
        };
        let submitted = self.doors.jobs.submit(new).await.unwrap();
        let id = JobId::parse(&submitted.view.row.job_id).unwrap();
        for _ in 0..2000 {
            if self.doors.jobs.find(&id).await.unwrap().row.status.is_terminal() {
                return id;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{id} never ended");
    }

    /// Has a model enter a gate.
    pub(crate) async fn promote(&self, model: &str, gate: &str) {
        let entry = Entry {
            model: ModelId::parse(model).unwrap(),
            gate: GateId::parse(gate).unwrap(),
            actor: "key:00000000".to_owned(),
            cause: Cause::Asked,
            reason: None,
            evidence: None,
        };
        self.doors.models.promote(entry).await.unwrap();
    }

    /// Starts a canary from staging to production, where half of the requests fail.
    pub(crate) async fn start_canary(&self, model: &str) -> CanaryId {
        self.canary(model, false).await
    }

    /// The same as a dry run, which is never rolled back.
    pub(crate) async fn rehearse_canary(&self, model: &str) -> CanaryId {
        self.canary(model, true).await
    }

    async fn canary(&self, model: &str, dry_run: bool) -> CanaryId {
        let policy = json!({
            "windowSeconds": 20, "pollSeconds": 0.2,
            "targets": { "max_error_rate": 0.02, "latency_p95_ms": 250 },
        });
        let request: PolicyRequest = serde_json::from_value(policy).unwrap();
        let new = NewCanary {
            model: ModelId::parse(model).unwrap(),
            from_gate: GateId::parse("staging").unwrap(),
            to_gate: GateId::parse("production").unwrap(),
            policy: Policy::try_from(request).unwrap(),
            dry_run,
            principal: "key:00000000".to_owned(),
        };
        self.doors.canaries.begin(new).await.unwrap().view.canary_id()
    }

    /// Waits until a canary is over.
    pub(crate) async fn until_over(&self, canary: &CanaryId) {
        for _ in 0..2000 {
            let view = self.doors.canaries.find(canary).await.unwrap();
            if view.row.phase == crate::store::canaries::Phase::Over {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{canary} is not over");
    }
}

/// What all parts stand on.
struct Base {
    store: Store,
    clock: Arc<dyn Clock>,
    supervision: Supervision,
    arbiter: ArbiterHandle,
}

impl Base {
    async fn doors(
        &self,
        outlet: Outlet,
        runner: Arc<FakeRunner>,
        (repository, state): (&Path, &Path),
    ) -> Doors {
        let models = self.models();
        let infrastructure = self.infrastructure(outlet).await;
        Doors {
            jobs: self.jobs(runner).await,
            canaries: self.canaries(&models).await,
            models,
            audit: Audit::new(self.store.clone()),
            repo: self.repo(repository, state, infrastructure.events.changes()).await,
            chat: None,
            links: Links::new(None, ([127, 0, 0, 1], 8766).into()),
            subscriptions: self.subscriptions(&infrastructure.events).await,
            infrastructure,
        }
    }

    async fn jobs(&self, runner: Arc<FakeRunner>) -> Jobs {
        let jobs = Jobs::start(JobSettings {
            store: self.store.clone(),
            runner,
            clock: Arc::clone(&self.clock),
            supervision: self.supervision.clone(),
            arbiter: self.arbiter.clone(),
            max_running: 2,
            max_queued: 1000,
            on_end: Box::new(|_| ()),
        });
        jobs.await.unwrap()
    }

    fn models(&self) -> Models {
        Models::start(ModelSettings {
            store: self.store.clone(),
            registry: Arc::new(LocalRegistry::new(self.store.clone())),
            clock: Arc::clone(&self.clock),
            supervision: self.supervision.clone(),
            arbiter: self.arbiter.clone(),
            on_end: Box::new(|_| ()),
        })
    }

    async fn canaries(&self, models: &Models) -> Canaries {
        let canaries = Canaries::start(CanarySettings {
            store: self.store.clone(),
            models: models.clone(),
            source: Some(Arc::new(ScriptedSource::new(4000.0, Behaviour::Failing(0.5)))),
            can_compare: false,
            clock: Arc::clone(&self.clock),
            supervision: self.supervision.clone(),
            arbiter: self.arbiter.clone(),
            on_end: Box::new(|_| ()),
        });
        canaries.await.unwrap()
    }

    async fn repo(&self, repository: &Path, state: &Path, followers: &Arc<Changes>) -> Repo {
        let author = Author { name: "Ada".to_owned(), email: "ada@example.org".to_owned() };
        let repo = Repo::start(RepoSettings {
            root: Arc::new(Root::open(repository, &OwnFiles::default()).unwrap()),
            git: GitSettings { directory: repository.to_owned(), author, largest: LARGEST_FILE },
            search_index: state.join("search"),
            followers: Arc::clone(followers),
            clock: Arc::clone(&self.clock),
            read_only: false,
            store: self.store.clone(),
            supervision: self.supervision.clone(),
            arbiter: self.arbiter.clone(),
            on_end: Box::new(|_| ()),
        });
        repo.await.unwrap()
    }

    async fn subscriptions(&self, hub: &Arc<Hub>) -> Subscriptions {
        let patience = Patience { give_up: Duration::from_hours(1), least_attempts: 8 };
        let subscriptions = Subscriptions::start(SubscriptionDeps {
            store: self.store.clone(),
            hub: Arc::clone(hub),
            bells: Arc::<EventBells>::default(),
            clock: Arc::clone(&self.clock),
            supervision: self.supervision.clone(),
            arbiter: self.arbiter.clone(),
            open: OpenOutbound::new(Reach::Public),
            bounds: Bounds { all: 1, per_principal: 1 },
            codes: EventErrorCodes::ChatGpt,
            patience,
            is_known: Box::new(|_| true),
        });
        subscriptions.await.unwrap()
    }

    async fn infrastructure(&self, outlet: Outlet) -> Infrastructure {
        let events = Hub::start(HubDeps {
            store: self.store.clone(),
            outlet,
            supervision: self.supervision.clone(),
            arbiter: Arbiter::new().handle(),
            limits: Limits::default(),
            on_end: Box::new(|_| ()),
        });
        let patience = Patience { give_up: Duration::from_hours(1), least_attempts: 8 };
        let notifications = Notifications::start(NotificationDeps {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            supervision: self.supervision.clone(),
            arbiter: self.arbiter.clone(),
            bell: Arc::<Bell>::default(),
            webhooks: Vec::new(),
            patience,
        });
        Infrastructure {
            store: self.store.clone(),
            supervision: self.supervision.clone(),
            clock: Arc::clone(&self.clock),
            started: self.clock.now(),
            read_only: false,
            job_ttl: Duration::from_hours(24),
            events: events.await.unwrap(),
            notifications: notifications.await.unwrap(),
        }
    }
}
