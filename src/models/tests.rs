//! The door to models, on a real database and on a registry with faults.

mod faulty;
mod random;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::prelude::*;
use tempfile::TempDir;

use self::faulty::{Fault, FaultyRegistry};
use super::*;
use crate::clock::SystemClock;
use crate::store::events::CommittedEvent;
use crate::store::gate_moves::{MoveKind, MoveState};
use crate::store::{Database, StoreDeps, audits};
use crate::supervision::RestartPolicy;

/// A door, what it stands on, and what it published.
struct Bench {
    models: Models,
    store: Store,
    registry: Arc<FaultyRegistry>,
    published: Arc<Mutex<Vec<CommittedEvent>>>,
    _directory: TempDir,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let published = Arc::<Mutex<Vec<CommittedEvent>>>::default();
        let sink = Arc::clone(&published);
        let database = Database::at(&directory.path().join("state.db")).unwrap();
        Store::prepare(&database).unwrap();
        let store = Store::start(
            database,
            StoreDeps {
                clock: Arc::new(SystemClock),
                publish: Arc::new(move |events| sink.lock().unwrap().extend(events)),
                supervision: Supervision::new(RestartPolicy::default()),
                arbiter: Arbiter::new().handle(),
                on_end: Box::new(|_| ()),
            },
        );
        let registry = Arc::new(FaultyRegistry::default());
        let models = door(&store, Arc::clone(&registry));
        Self { models, store, registry, published, _directory: directory }
    }

    /// The door of a daemon that starts after this one was killed.
    fn restart(&mut self) {
        self.models = door(&self.store, Arc::clone(&self.registry));
    }

    async fn promote(&self, id: &str) -> Result<GateMove, ModelError> {
        self.models.promote(entry(id, Cause::Asked)).await
    }

    async fn enter(&self, id: &str) -> Result<GateMove, ModelError> {
        self.models.enter(entry(id, Cause::Canary(canary()))).await
    }

    async fn restore(&self, id: &str) -> Result<Restored, ModelError> {
        let reason = "the error rate is too high".to_owned();
        let (canary, model, gate) = (canary(), model(id), gate());
        self.models.restore(Restore { canary, model, gate, actor: "system".into(), reason }).await
    }

    async fn roll_back(&self, id: &str) -> Result<GateMove, ModelError> {
        let (actor, reason) = ("ops".to_owned(), "it was too slow".to_owned());
        self.models.roll_back(Rollback { model: model(id), gate: gate(), actor, reason }).await
    }

    /// The kinds and states of all moves, oldest first.
    async fn moves(&self) -> Vec<(MoveKind, MoveState)> {
        let rows = self.models.history(&HistoryQuery::default(), 100).await.unwrap();
        rows.iter().rev().map(|row| (row.kind, row.state)).collect()
    }

    async fn until_settled(&self) {
        for _ in 0..1000 {
            if self.moves().await.iter().all(|(_, state)| *state != MoveState::Intended) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("a move stays open: {:?}", self.moves().await);
    }

    fn events(&self) -> Vec<(String, String)> {
        let events = self.published.lock().unwrap();
        events.iter().map(|e| (e.entity.id.to_string(), e.event_type.to_string())).collect()
    }

    async fn actions_about(&self, id: &str) -> Vec<String> {
        let id = id.to_owned();
        let rows = self.store.read(move |conn| audits::about(conn, &id)).await.unwrap();
        rows.into_iter().map(|row| row.action).collect()
    }
}

fn door(store: &Store, registry: Arc<FaultyRegistry>) -> Models {
    Models::start(ModelSettings {
        store: store.clone(),
        registry,
        clock: Arc::new(SystemClock),
        supervision: Supervision::new(RestartPolicy::default()),
        arbiter: Arbiter::current(),
        on_end: Box::new(|_| ()),
    })
}

fn model(id: &str) -> ModelId {
    ModelId::parse(id).unwrap()
}

fn gate() -> GateId {
    GateId::parse("production").unwrap()
}

fn canary() -> CanaryId {
    CanaryId::parse("canary_a").unwrap()
}

fn entry(id: &str, cause: Cause) -> Entry {
    let (model, gate, actor) = (model(id), gate(), "ops".to_owned());
    Entry { model, gate, actor, cause, reason: None, evidence: None }
}

#[actix::test]
async fn a_promotion_is_made_read_back_and_told_once() {
    let bench = Bench::new();
    let first = bench.promote("ranker:11").await.unwrap();
    assert_eq!((first.before, first.changed, first.verified), (None, true, true));
    let second = bench.promote("ranker:12").await.unwrap();
    assert_eq!(second.before.as_deref(), Some("ranker:11"));
    assert_eq!(second.reference.as_deref(), Some("2"));
    let again = bench.promote("ranker:12").await.unwrap();
    assert!(!again.changed);

    let found = bench.models.find(&model("ranker:12")).await.unwrap().unwrap();
    assert_eq!((found.gates, found.model.promoted), (vec!["production".to_owned()], true));
    let left = bench.models.find(&model("ranker:11")).await.unwrap().unwrap();
    assert_eq!((left.gates.len(), left.model.promoted), (0, false));
    let told = [("ranker:11", "promoted"), ("ranker:12", "promoted")];
    assert_eq!(bench.events(), told.map(|(id, name)| (id.to_owned(), name.to_owned())));
    let actions = bench.actions_about("ranker:12").await;
    assert_eq!(actions, ["gate_intent", "promote_model", "gate_change"]);
    // What was displaced has it in its story.
    assert_eq!(bench.actions_about("ranker:11").await.last().unwrap(), "gate_change");
    let about = |conn: &mut _| audits::about(conn, "ranker:12");
    let facts = bench.store.read(about).await.unwrap();
    assert_eq!(facts[1].payload_json, r#"{"modelId":"ranker:12","gate":"production"}"#);
}

#[actix::test]
async fn taking_back_goes_step_by_step_and_never_over_what_others_did() {
    let bench = Bench::new();
    bench.promote("ranker:11").await.unwrap();
    bench.promote("ranker:12").await.unwrap();
    let refused = bench.roll_back("ranker:11").await.unwrap_err();
    assert_eq!(refused.to_string(), "ranker:11 does not stand in gate production: ranker:12 does");
    let back = bench.roll_back("ranker:12").await.unwrap();
    assert_eq!(back.after.as_deref(), Some("ranker:11"));
    let gone = bench.roll_back("ranker:11").await.unwrap();
    assert_eq!(gone.after, None);
    assert_eq!(bench.registry.holder(&model("ranker"), &gate()), None);
    assert!(bench.actions_about("ranker:11").await.contains(&"rollback_model".to_owned()));

    bench.promote("ranker:13").await.unwrap();
    bench.registry.move_elsewhere(&model("ranker:14"), &gate());
    assert!(matches!(bench.roll_back("ranker:13").await, Err(ModelError::Refused(_))));
    // It came there by somebody else, so that nobody knows what to put back.
    assert!(matches!(bench.roll_back("ranker:14").await, Err(ModelError::Refused(_))));
    assert_eq!(bench.registry.holder(&model("ranker"), &gate()).as_deref(), Some("ranker:14"));
    assert_eq!(bench.moves().await.last().unwrap(), &(MoveKind::Observe, MoveState::Done));
    assert_eq!(bench.models.find(&model("ranker:14")).await.unwrap().unwrap().gates.len(), 1);
}

#[actix::test]
async fn a_canary_enters_once_and_leaves_once() {
    let bench = Bench::new();
    bench.promote("ranker:11").await.unwrap();
    let entered = bench.enter("ranker:12").await.unwrap();
    assert_eq!(bench.enter("ranker:12").await.unwrap(), entered);
    let ours = bench.models.confirm(&canary(), &model("ranker:12"), &gate()).await.unwrap();
    assert!(matches!(ours, Confirmed::Ours { .. }), "{ours:?}");
    let back = bench.restore("ranker:12").await.unwrap();
    let Restored::Done(back) = back else { panic!("{back:?}") };
    assert_eq!(back.after.as_deref(), Some("ranker:11"));
    assert_eq!(bench.restore("ranker:12").await.unwrap(), Restored::Done(back));
    // An entry that arrives after its abort is not made.
    assert!(matches!(bench.enter("ranker:12").await, Err(ModelError::Refused(_))));
    assert_eq!(bench.registry.holder(&model("ranker"), &gate()).as_deref(), Some("ranker:11"));
    assert_eq!(bench.events().last().unwrap(), &("ranker:12".into(), "rolled_back".into()));
    // A canary's moves are nobody's promotions.
    assert!(!bench.actions_about("ranker:12").await.contains(&"promote_model".to_owned()));
}

#[actix::test]
async fn a_canary_that_moved_nothing_takes_nothing_back() {
    let bench = Bench::new();
    assert_eq!(bench.restore("ranker:12").await.unwrap(), Restored::NothingToDo);
    bench.promote("ranker:12").await.unwrap();
    assert!(!bench.enter("ranker:12").await.unwrap().changed);
    let ours = bench.models.confirm(&canary(), &model("ranker:12"), &gate()).await.unwrap();
    assert!(matches!(ours, Confirmed::Ours { .. }), "{ours:?}");
    assert_eq!(bench.restore("ranker:12").await.unwrap(), Restored::NothingToDo);
    assert_eq!(bench.registry.holder(&model("ranker"), &gate()).as_deref(), Some("ranker:12"));
}

#[actix::test]
async fn a_gate_that_somebody_else_moved_is_left_alone_and_told_once() {
    let bench = Bench::new();
    bench.promote("ranker:11").await.unwrap();
    bench.enter("ranker:12").await.unwrap();
    bench.registry.move_elsewhere(&model("ranker:9"), &gate());
    let found = Some(model("ranker:9"));
    for _ in 0..3 {
        let conflict = bench.restore("ranker:12").await.unwrap();
        assert_eq!(conflict, Restored::Conflict { found: found.clone() });
    }
    let lost = bench.models.confirm(&canary(), &model("ranker:12"), &gate()).await.unwrap();
    assert_eq!(lost, Confirmed::Conflict { found });
    assert_eq!(bench.registry.holder(&model("ranker"), &gate()).as_deref(), Some("ranker:9"));
    let actions = bench.actions_about("ranker:12").await;
    assert_eq!(actions.iter().filter(|action| *action == "gate_conflict").count(), 1);
    assert!(bench.actions_about("ranker:9").await.contains(&"gate_observe".to_owned()));
}

/// The same model, put there again by somebody after the canary's move, is not the canary's any
/// more.
#[actix::test]
async fn what_was_promoted_since_is_not_the_canarys() {
    let bench = Bench::new();
    bench.promote("ranker:11").await.unwrap();
    bench.enter("ranker:12").await.unwrap();
    bench.promote("ranker:13").await.unwrap();
    bench.promote("ranker:12").await.unwrap();
    let conflict = bench.restore("ranker:12").await.unwrap();
    assert_eq!(conflict, Restored::Conflict { found: Some(model("ranker:12")) });
    assert_eq!(bench.registry.holder(&model("ranker"), &gate()).as_deref(), Some("ranker:12"));
}

#[actix::test]
async fn what_the_registry_shows_counts_and_not_what_it_says() {
    let bench = Bench::new();
    bench.registry.fail([Fault::CutAfterwards]);
    assert!(bench.promote("ranker:11").await.unwrap().changed);

    bench.registry.fail([Fault::Lie]);
    let lied = bench.promote("ranker:12").await.unwrap_err();
    assert!(matches!(lied, ModelError::Unsettled { .. }) && lied.is_transient(), "{lied}");
    bench.until_settled().await;
    assert_eq!(bench.moves().await.last().unwrap(), &(MoveKind::Enter, MoveState::Abandoned));
    assert_eq!(bench.actions_about("ranker:12").await, ["gate_intent", "gate_abandon"]);

    bench.registry.fail([Fault::Refused]);
    let refused = bench.promote("ranker:12").await.unwrap_err();
    assert_eq!(refused.to_string(), "there is no such version");
    assert_eq!(bench.moves().await.last().unwrap(), &(MoveKind::Enter, MoveState::Abandoned));
}

#[actix::test]
async fn a_lost_race_leaves_what_the_other_put_there() {
    let bench = Bench::new();
    bench.promote("ranker:11").await.unwrap();
    bench.registry.fail([Fault::Raced("ranker:9")]);
    let lost = bench.promote("ranker:12").await.unwrap_err();
    assert!(
        matches!(&lost, ModelError::Conflict { found: Some(found), .. } if found.as_str() == "ranker:9"),
        "{lost}"
    );
    assert_eq!(bench.registry.holder(&model("ranker"), &gate()).as_deref(), Some("ranker:9"));
    // That only other gates moved is no reason to give up.
    bench.registry.fail([Fault::OtherGate, Fault::OtherGate]);
    let entered = bench.promote("ranker:12").await.unwrap();
    assert_eq!(entered.before.as_deref(), Some("ranker:9"));
}

#[actix::test]
async fn a_restore_that_got_no_answer_is_carried_on_by_itself() {
    let bench = Bench::new();
    bench.promote("ranker:11").await.unwrap();
    bench.enter("ranker:12").await.unwrap();
    let before = bench.registry.keys().len();
    bench.registry.fail([Fault::CutBefore]);
    let unknown = bench.restore("ranker:12").await.unwrap_err();
    assert!(matches!(unknown, ModelError::Unsettled { .. }), "{unknown}");
    bench.until_settled().await;
    assert_eq!(bench.registry.holder(&model("ranker"), &gate()).as_deref(), Some("ranker:11"));
    let keys = bench.registry.keys();
    assert!(keys.len() == before + 2 && keys[before] == keys[before + 1], "{keys:?}");
    assert!(matches!(bench.restore("ranker:12").await, Ok(Restored::Done(_))));
}

/// Abort wins over an entry of which nobody knows whether it will arrive.
#[actix::test]
async fn an_entry_that_arrives_late_is_taken_back() {
    let bench = Bench::new();
    *bench.registry.delay.lock().unwrap() = Duration::from_mins(10);
    bench.promote("ranker:11").await.unwrap();
    bench.registry.fail([Fault::Late]);
    assert!(matches!(bench.enter("ranker:12").await, Err(ModelError::Unsettled { .. })));
    // It may still come, so that nothing can be promised yet.
    assert!(matches!(bench.restore("ranker:12").await, Err(ModelError::Unsettled { .. })));
    bench.registry.arrive();
    let back = bench.restore("ranker:12").await.unwrap();
    assert!(matches!(back, Restored::Done(_)), "{back:?}");
    assert_eq!(bench.registry.holder(&model("ranker"), &gate()).as_deref(), Some("ranker:11"));

    // One that nobody asks for again is given up once it cannot arrive any more.
    bench.registry.fail([Fault::Late]);
    assert!(matches!(bench.promote("ranker:13").await, Err(ModelError::Unsettled { .. })));
    *bench.registry.delay.lock().unwrap() = Duration::ZERO;
    bench.until_settled().await;
    assert_eq!(bench.moves().await.last().unwrap(), &(MoveKind::Enter, MoveState::Abandoned));
}

/// A canary that asks again, as one does that was restarted, does not wait: the key makes both one.
#[actix::test]
async fn a_canary_that_asks_again_is_not_kept_waiting() {
    let bench = Bench::new();
    *bench.registry.delay.lock().unwrap() = Duration::from_mins(10);
    bench.registry.fail([Fault::CutBefore]);
    assert!(matches!(bench.enter("ranker:12").await, Err(ModelError::Unsettled { .. })));
    assert!(bench.enter("ranker:12").await.unwrap().changed);
    let keys = bench.registry.keys();
    assert!(keys.len() == 2 && keys[0] == keys[1], "{keys:?}");
}

#[actix::test]
async fn what_was_open_is_settled_at_the_next_start() {
    let mut bench = Bench::new();
    bench.promote("ranker:11").await.unwrap();
    bench.registry.fail([Fault::CutAfterwards]);
    // The move is made, and neither its answer nor the read-back arrives.
    bench.registry.unreadable(0);
    let registry = Arc::clone(&bench.registry);
    let entering = bench.enter("ranker:12");
    let cut = async move {
        while registry.keys().len() < 2 {
            tokio::task::yield_now().await;
        }
        registry.unreadable(1);
    };
    let (entered, ()) = futures_util::future::join(entering, cut).await;
    // Whether the cut came before the read-back or after it, the next start knows.
    drop(entered);
    bench.restart();
    bench.until_settled().await;
    assert_eq!(bench.moves().await, [(MoveKind::Enter, MoveState::Done); 2]);
    assert_eq!(bench.registry.holder(&model("ranker"), &gate()).as_deref(), Some("ranker:12"));
    let verified = bench.store.read(audits::verify).await.unwrap();
    assert!(verified.is_ok(), "{verified:?}");
}

#[actix::test]
async fn moves_of_one_place_never_overlap() {
    let bench = Bench::new();
    let moves = (0..40).map(|n| {
        let models = bench.models.clone();
        async move { models.promote(entry(&format!("ranker:{n}"), Cause::Asked)).await }
    });
    let outcomes = futures_util::future::join_all(moves).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(bench.registry.overlaps.load(std::sync::atomic::Ordering::Relaxed), 0);
    // Each says truly what it displaced.
    let moves = bench.models.history(&HistoryQuery::default(), 100).await.unwrap();
    for pair in moves.windows(2) {
        assert_eq!(pair[0].before, pair[1].after);
    }
}

#[actix::test]
async fn what_stood_in_a_gate_at_a_moment_is_known() {
    let bench = Bench::new();
    bench.promote("ranker:11").await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let between = SystemClock.now();
    tokio::time::sleep(Duration::from_millis(5)).await;
    bench.promote("ranker:12").await.unwrap();
    bench.promote("judge").await.unwrap();
    let stood = async |at| {
        let stood = bench.models.stood_at(&gate(), at).await.unwrap();
        stood.into_iter().map(|stood| stood.model_id).collect::<Vec<_>>()
    };
    assert_eq!(stood(between).await, ["ranker:11"]);
    assert_eq!(stood(SystemClock.now()).await, ["ranker:12", "judge"]);
    assert!(stood(between.plus(time::Duration::hours(-1))).await.is_empty());
}
