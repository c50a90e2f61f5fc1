//! Job actors over a real store and a runner that does as it is told.

mod failures;
pub(crate) mod fake_runner;

use std::sync::Mutex;

use tempfile::TempDir;

use self::fake_runner::{FakeRunner, Script};
use super::*;
use crate::clock::SystemClock;
use crate::ids::{ConfigId, TaskId};
use crate::store::{Database, StoreDeps, audits};
use crate::supervision::RestartPolicy;

/// How often jobs ended in each way, if so.
fn ends(completed: u64, failed: u64, cancelled: u64) -> [(JobStatus, u64); 3] {
    [
        (JobStatus::Completed, completed),
        (JobStatus::Failed, failed),
        (JobStatus::Cancelled, cancelled),
    ]
}

struct Bench {
    jobs: Jobs,
    store: Store,
    told: Arc<Mutex<Vec<String>>>,
    supervision: Supervision,
    directory: Arc<TempDir>,
}

const RESTARTS: RestartPolicy = RestartPolicy {
    max_restarts: 3,
    window: Duration::from_mins(1),
    first_delay: Duration::from_millis(2),
    max_delay: Duration::from_millis(10),
};

impl Bench {
    async fn new(runner: &Arc<FakeRunner>, places: usize) -> Self {
        Self::on(Arc::new(tempfile::tempdir().unwrap()), runner, places).await
    }

    async fn on(directory: Arc<TempDir>, runner: &Arc<FakeRunner>, places: usize) -> Self {
        let database = Database::at(&directory.path().join("state.db")).unwrap();
        Store::prepare(&database).unwrap();
        let supervision = Supervision::new(RESTARTS);
        let told = Arc::<Mutex<Vec<String>>>::default();
        let sink = Arc::clone(&told);
        let clock = Arc::new(SystemClock);
        let store = Store::start(
            database,
            StoreDeps {
                clock: Arc::clone(&clock) as Arc<dyn Clock>,
                publish: Arc::new(move |events| {
                    let names = events.iter().map(|event| event.event_type.to_string());
                    sink.lock().unwrap().extend(names);
                }),
                supervision: supervision.clone(),
                arbiter: Arbiter::new().handle(),
                on_end: Box::new(|_| ()),
            },
        );
        let jobs = Jobs::start(JobSettings {
            store: store.clone(),
            runner: Arc::clone(runner) as Arc<dyn EvalOrchestrator>,
            clock,
            supervision: supervision.clone(),
            arbiter: Arbiter::new().handle(),
            max_running: places,
            max_queued: 100,
            on_end: Box::new(|_| ()),
        });
        let jobs = jobs.await.unwrap();
        Self { jobs, store, told, supervision, directory }
    }

    async fn submit(&self) -> JobId {
        self.submit_as(new_job()).await
    }

    async fn submit_as(&self, new: NewJob) -> JobId {
        let submitted = self.jobs.submit(new).await.unwrap();
        JobId::parse(&submitted.view.row.job_id).unwrap()
    }

    async fn end_of(&self, id: &JobId) -> Arc<JobView> {
        let over = self.jobs.deps.board.until_over(id.as_str());
        tokio::time::timeout(Duration::from_secs(10), over)
            .await
            .expect("the job is stuck")
            .unwrap()
    }

    async fn actions(&self, id: &JobId) -> Vec<String> {
        let id = id.to_string();
        let rows = self.store.read(move |conn| audits::about(conn, &id)).await.unwrap();
        rows.into_iter().map(|row| row.action).collect()
    }

    /// Events follow the board, so that whoever hears of a change also reads it.
    async fn until_told(&self, names: &[&str]) {
        self.until("all is told", |b| names.len() <= b.told.lock().unwrap().len()).await;
        assert_eq!(*self.told.lock().unwrap(), names);
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..2000 {
            if holds(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("{what} never came true");
    }
}

fn new_job() -> NewJob {
    NewJob {
        task_id: TaskId::parse("t").unwrap(),
        config_id: ConfigId::parse("c").unwrap(),
        principal: "anonymous".into(),
        dry_run: false,
        idempotency_key: None,
        timeout: None,
        deadline: None,
    }
}

#[actix::test]
async fn a_job_goes_from_queued_to_completed_and_tells_its_story() {
    let runner = FakeRunner::doing(Script::Completes);
    let bench = Bench::new(&runner, 2).await;
    let id = bench.submit().await;
    let view = bench.end_of(&id).await;
    assert_eq!(view.row.status, JobStatus::Completed);
    let result: serde_json::Value =
        serde_json::from_str(view.row.result_json.as_deref().unwrap()).unwrap();
    assert_eq!(result["metrics"]["accuracy"], 0.75);
    assert_eq!(result["statistics"]["accuracy"]["n"], 20);
    bench.until_told(&["queued", "running", "completed"]).await;
    assert_eq!(bench.jobs.ended(), ends(1, 0, 0));
    assert_eq!(bench.actions(&id).await, ["run_eval", "job_running", "job_complete"]);
    bench.until("the place is given back", |b| b.jobs.depth().running == 0).await;
}

#[actix::test]
async fn a_run_without_a_result_is_a_failure_with_its_reason() {
    let bench = Bench::new(&FakeRunner::doing(Script::Fails), 2).await;
    let id = bench.submit().await;
    let row = bench.end_of(&id).await.row.clone();
    assert_eq!(row.status, JobStatus::Failed);
    assert_eq!(row.failure_reason.as_deref(), Some("no_result"));
    assert_eq!(row.error.as_deref(), Some("it left none"));
    assert_eq!(bench.jobs.ended(), ends(0, 1, 0));
}

#[actix::test]
async fn progress_is_told_as_it_is_made() {
    let bench = Bench::new(&FakeRunner::doing(Script::Progresses), 2).await;
    let id = bench.submit().await;
    bench.end_of(&id).await;
    bench.until_told(&["queued", "running", "update", "update", "update", "completed"]).await;
}

#[actix::test]
async fn an_unknown_task_is_refused_with_those_there_are() {
    let bench = Bench::new(&FakeRunner::doing(Script::Completes), 2).await;
    let unknown = NewJob { task_id: TaskId::parse("unknown").unwrap(), ..new_job() };
    let refused = bench.jobs.submit(unknown).await.unwrap_err();
    assert_eq!(refused.to_string(), "unknown taskId unknown; there is t");
}

#[actix::test]
async fn a_dry_run_is_recorded_and_runs_nothing() {
    let runner = FakeRunner::doing(Script::Completes);
    let bench = Bench::new(&runner, 2).await;
    let id = bench.submit_as(NewJob { dry_run: true, ..new_job() }).await;
    assert_eq!(bench.jobs.find(&id).await.unwrap().row.status, JobStatus::DryRun);
    assert_eq!(bench.actions(&id).await, ["run_eval"]);
    assert!(bench.told.lock().unwrap().is_empty());
    assert_eq!(runner.starts(), 0);
    assert_eq!(bench.jobs.ended(), ends(0, 0, 0));
}

#[actix::test]
async fn a_repeated_key_is_one_job_and_other_arguments_are_refused() {
    let runner = FakeRunner::doing(Script::Completes);
    let bench = Bench::new(&runner, 2).await;
    let keyed = NewJob { idempotency_key: Some("k".into()), ..new_job() };
    let first = bench.submit_as(keyed.clone()).await;
    let again = bench.jobs.submit(keyed.clone()).await.unwrap();
    assert!(again.repeated);
    assert_eq!(again.view.row.job_id, first.as_str());
    let other = NewJob { config_id: ConfigId::parse("other").unwrap(), ..keyed.clone() };
    assert!(matches!(bench.jobs.submit(other).await, Err(JobError::KeyReused)));
    let somebody = NewJob { principal: "somebody".into(), ..keyed };
    assert_ne!(bench.submit_as(somebody).await, first);
}

#[actix::test]
async fn cancelling_ends_the_run_and_wins_over_its_result() {
    let runner = FakeRunner::doing(Script::Hangs);
    let bench = Bench::new(&runner, 1).await;
    let (running, queued) = (bench.submit().await, bench.submit().await);
    bench.until("one runs", |b| b.jobs.depth().running == 1 && b.jobs.depth().waiting == 1).await;
    let end = bench.jobs.cancel(&queued, "k", Some("not needed".into())).await.unwrap();
    assert_eq!(end.row.status, JobStatus::Cancelled);
    let end = bench.jobs.cancel(&running, "k", None).await.unwrap();
    assert_eq!(end.row.status, JobStatus::Cancelled);
    assert_eq!(*runner.ended.lock().unwrap(), [running.to_string()]);
    assert_eq!(runner.starts(), 1);
    let again = bench.jobs.cancel(&running, "k", None).await;
    assert!(matches!(again, Err(JobError::Over { status: JobStatus::Cancelled, .. })));
    assert_eq!(bench.actions(&queued).await, ["run_eval", "job_cancel", "job_cancel"]);
    assert_eq!(bench.jobs.ended(), ends(0, 0, 2));
}

#[actix::test]
async fn only_so_many_run_at_once_and_all_have_their_turn() {
    let runner = FakeRunner::doing(Script::Hangs);
    let bench = Bench::new(&runner, 2).await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(bench.submit().await);
    }
    bench.until("two run", |b| b.jobs.depth().running == 2 && b.jobs.depth().waiting == 4).await;
    assert!(runner.starts() <= 2);
    *runner.next.lock().unwrap() = Some(Script::Completes);
    for id in &ids {
        assert_eq!(bench.end_of(id).await.row.status, JobStatus::Completed);
    }
    assert_eq!(runner.starts(), 6);
}

#[actix::test]
async fn a_full_queue_refuses_and_accepts_again_later() {
    let runner = FakeRunner::doing(Script::Hangs);
    let bench = Bench::new(&runner, 0).await;
    let mut last = bench.submit().await;
    for _ in 1..100 {
        last = bench.submit().await;
    }
    assert!(matches!(bench.jobs.submit(new_job()).await, Err(JobError::QueueFull(100))));
    bench.jobs.cancel(&last, "k", None).await.unwrap();
    bench.submit().await;
}

#[actix::test]
async fn a_job_past_its_deadline_is_ended_wherever_it_stands() {
    let runner = FakeRunner::doing(Script::Hangs);
    let bench = Bench::new(&runner, 1).await;
    let within = |ms| NewJob { deadline: Some(Duration::from_millis(ms)), ..new_job() };
    let running = bench.submit_as(within(400)).await;
    let queued = bench.submit_as(within(100)).await;
    for id in [&running, &queued] {
        let row = bench.end_of(id).await.row.clone();
        assert_eq!(
            (row.status, row.failure_reason.as_deref()),
            (JobStatus::Failed, Some("timeout"))
        );
    }
    assert_eq!(*runner.ended.lock().unwrap(), [running.to_string()]);
}

#[actix::test]
async fn an_absent_runner_is_asked_again() {
    let bench = Bench::new(&FakeRunner::doing(Script::IsAway(2)), 1).await;
    let id = bench.submit().await;
    assert_eq!(bench.end_of(&id).await.row.status, JobStatus::Completed);
}

#[actix::test]
async fn a_later_daemon_takes_up_what_an_earlier_one_left() {
    let runner = FakeRunner::doing(Script::Hangs);
    let bench = Bench::new(&runner, 1).await;
    let (running, queued) = (bench.submit().await, bench.submit().await);
    bench
        .until("one runs", |b| {
            b.jobs.deps.board.get(running.as_str()).unwrap().row.running_at.is_some()
        })
        .await;
    let directory = Arc::clone(&bench.directory);
    // The first daemon's actors go on hanging; they only ask the runner and write nothing.
    *runner.next.lock().unwrap() = Some(Script::Hangs);
    let later_runner = FakeRunner::doing(Script::Completes);
    later_runner.runs.lock().unwrap().insert(running.to_string(), 1);
    let later = Bench::on(directory, &later_runner, 1).await;
    for id in [&running, &queued] {
        assert_eq!(later.end_of(id).await.row.status, JobStatus::Completed);
    }
    assert_eq!(later_runner.starts(), 2, "the running one was started again");
}

#[actix::test]
async fn what_is_long_over_is_swept_and_its_facts_stay() {
    let runner = FakeRunner::doing(Script::Completes);
    let bench = Bench::new(&runner, 1).await;
    let keyed = NewJob { idempotency_key: Some("k".into()), ..new_job() };
    let first = bench.jobs.submit(keyed.clone()).await.unwrap();
    let id = JobId::parse(&first.view.row.job_id).unwrap();
    bench.end_of(&id).await;
    let none = bench.jobs.sweep(time::Duration::days(7), time::Duration::days(7)).await.unwrap();
    assert_eq!(none, Swept::default());
    let ago = time::Duration::seconds(-1);
    let swept = bench.jobs.sweep(ago, ago).await.unwrap();
    // The newest event stays: it says what number comes next.
    assert_eq!((swept.jobs, swept.events), (1, 2));
    assert!(matches!(bench.jobs.find(&id).await, Err(JobError::Unknown(_))));
    assert_eq!(bench.actions(&id).await.len(), 3);
    assert_eq!(runner.starts(), 0, "the run was not forgotten");
    // Its key went with it.
    assert!(!bench.jobs.submit(keyed).await.unwrap().repeated);
}
