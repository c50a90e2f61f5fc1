//! Canaries whose daemon is killed and comes back.

use super::*;

#[actix::test]
async fn a_canary_goes_on_after_restarts_and_decides_by_all_it_saw() {
    let mut bench = Bench::new(Behaviour::Failing(0.001)).await;
    let id = bench.begin(quick_with(&json!({ "windowSeconds": 3 }))).await;
    for polls in [2, 6, 12] {
        bench.until_polls(&id, polls).await;
        bench.restart().await;
    }
    let view = bench.until_over(&id).await;
    assert_eq!(view.row.status, CanaryStatus::Promoted, "{}", bench.story(&id).await);
    let replay = bench.canaries.replay(id.as_str()).await.unwrap();
    assert!(replay.matches, "{replay:?}");
    let samples = bench.canaries.samples(&id, 500).await.unwrap();
    let polls: Vec<i64> = samples.iter().map(|sample| sample.poll).collect();
    assert_eq!(polls, (1..=view.row.polls).collect::<Vec<_>>());
}

#[actix::test]
async fn what_went_bad_while_the_daemon_was_away_is_held_against_the_canary() {
    let mut bench = Bench::new(Behaviour::Failing(0.0)).await;
    let id = bench.begin(quick_with(&json!({ "windowSeconds": 3 }))).await;
    bench.until_polls(&id, 2).await;
    bench.arbiter.stop();
    bench.source.behave(Behaviour::Failing(0.5));
    tokio::time::sleep(Duration::from_millis(400)).await;
    bench.source.behave(Behaviour::Failing(0.0));
    bench.restart().await;
    let view = bench.until_over(&id).await;
    assert_eq!(view.row.reason.as_deref(), Some("error_rate_breach"));
}

#[actix::test]
async fn a_gap_or_a_clock_that_was_set_rolls_back() {
    for (span, reason) in [(3600, "gap"), (-3600, "clock_jump")] {
        let mut bench = Bench::new(Behaviour::Failing(0.0)).await;
        let id = bench.begin(quick_with(&json!({ "windowSeconds": 5 }))).await;
        bench.until_polls(&id, 2).await;
        bench.arbiter.stop();
        bench.clock.moved_by(time::Duration::seconds(span));
        bench.restart().await;
        let view = bench.until_over(&id).await;
        assert_eq!(view.row.status, CanaryStatus::RolledBack, "{span}");
        assert_eq!(view.row.reason.as_deref(), Some(reason));
        assert_eq!(bench.production().await.as_deref(), Some("ranker:1"), "{span}");
    }
}

#[actix::test]
async fn a_clock_that_is_set_while_the_daemon_runs_rolls_back() {
    for span in [3600, -3600] {
        let bench = Bench::new(Behaviour::Failing(0.0)).await;
        let id = bench.begin(quick_with(&json!({ "windowSeconds": 5 }))).await;
        bench.until_polls(&id, 2).await;
        bench.clock.moved_by(time::Duration::seconds(span));
        let view = bench.until_over(&id).await;
        assert_eq!(view.row.reason.as_deref(), Some("clock_jump"), "{span}");
    }
}

#[actix::test]
async fn what_was_waited_for_is_waited_for_again() {
    let mut bench = Bench::new(Behaviour::Failing(0.0)).await;
    let id = bench.begin(quick_with(&json!({ "approval": { "before": ["start"] } }))).await;
    bench.restart().await;
    bench.canaries.command(&id, Command::Approve, "alice", None).await.unwrap();
    bench.until_polls(&id, 2).await;
    bench.canaries.command(&id, Command::Pause, "alice", None).await.unwrap();
    bench.restart().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(bench.view(&id).await.row.status, CanaryStatus::Paused);
    bench.canaries.command(&id, Command::Resume, "alice", None).await.unwrap();
    assert_eq!(bench.until_over(&id).await.row.status, CanaryStatus::Promoted);
}
