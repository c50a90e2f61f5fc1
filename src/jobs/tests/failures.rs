//! Job actors that panic.

use super::*;
use crate::own_process::in_own_process;

#[actix::test]
async fn a_panic_in_the_actors_future_costs_a_restart_and_not_the_job() {
    let runner = FakeRunner::doing(Script::PanicsOnPoll(2));
    let bench = Bench::new(&runner, 1).await;
    let id = bench.submit().await;
    assert_eq!(bench.end_of(&id).await.row.status, JobStatus::Completed);
    assert_eq!(runner.starts(), 1, "the run was started again");
    assert_eq!(bench.supervision.counts()["job"].restarted, 2);
}

#[actix::test]
async fn a_crash_loop_ends_the_run_and_fails_the_job_with_a_reason() {
    let runner = FakeRunner::doing(Script::PanicsOnPoll(u32::MAX));
    let bench = Bench::new(&runner, 1).await;
    let id = bench.submit().await;
    let row = bench.end_of(&id).await.row.clone();
    assert_eq!(row.failure_reason.as_deref(), Some("actor_crash_loop"));
    assert_eq!(bench.jobs.ended(), ends(0, 1, 0));
    assert_eq!(*runner.ended.lock().unwrap(), [id.to_string()]);
    bench.until("the place is given back", |b| b.jobs.depth().running == 0).await;
}

#[actix::test]
async fn panics_at_the_start_and_in_a_handler_cost_a_restart_and_not_the_job() {
    if !in_own_process!() {
        return;
    }
    for place in ["job-started", "job-granted"] {
        let scenario = fail::FailScenario::setup();
        fail::cfg(place, "1*panic(told to)").unwrap();
        let runner = FakeRunner::doing(Script::Completes);
        let bench = Bench::new(&runner, 1).await;
        let id = bench.submit().await;
        assert_eq!(bench.end_of(&id).await.row.status, JobStatus::Completed, "{place}");
        assert_eq!(runner.starts(), 1, "{place}");
        assert_eq!(bench.supervision.counts()["job"].restarted, 1, "{place}");
        scenario.teardown();
    }
}
