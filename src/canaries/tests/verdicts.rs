//! What canaries come to by themselves.

use super::*;

#[actix::test]
async fn a_good_canary_is_promoted_at_the_end_of_its_window_and_not_before() {
    let bench = Bench::new(Behaviour::Failing(0.002)).await;
    // Long enough that a busy machine does not go without a look for a quarter of it.
    let id = bench.begin(quick_with(&json!({ "windowSeconds": 6 }))).await;
    let during = bench.until_polls(&id, 3).await;
    assert_eq!((during.row.status, during.row.phase), (CanaryStatus::Running, Phase::Observing));
    assert_eq!(bench.production().await.as_deref(), Some("ranker:2"));
    let view = bench.until_over(&id).await;
    assert_eq!(view.row.status, CanaryStatus::Promoted, "{}", bench.story(&id).await);
    assert!(Duration::from_secs(6) <= view.elapsed(), "{:?}", view.elapsed());
    assert_eq!(bench.production().await.as_deref(), Some("ranker:2"));
    assert_eq!(bench.events(&id), ["started", "update", "update", "promoted"]);
    let actions = bench.actions(&id).await;
    assert_eq!(actions, ["canary_start", "canary_observe", "canary_promote", "canary_promote"]);
    let about_model = bench.model_events("ranker:2");
    assert_eq!(about_model, ["update", "promoted"], "it is promoted when it is, and not before");
    let replay = bench.canaries.replay(id.as_str()).await.unwrap();
    assert!(replay.matches && replay.comparison.verdict_matches == Some(true), "{replay:?}");
    assert_eq!(replay.measurements, view.row.polls);
}

#[actix::test]
async fn a_bad_canary_is_rolled_back_at_once_and_its_gate_is_put_back() {
    let bench = Bench::new(Behaviour::Failing(0.2)).await;
    let id = bench.begin(quick()).await;
    let view = bench.until_over(&id).await;
    assert_eq!(view.row.status, CanaryStatus::RolledBack);
    assert_eq!(view.row.reason.as_deref(), Some("error_rate_breach"));
    let told = bench.canaries.last_rollback().await.unwrap().unwrap();
    assert_eq!(told.to_string(), view.row.updated_at);
    assert!(view.elapsed() < Duration::from_millis(1900), "{:?}", view.elapsed());
    assert_eq!(bench.production().await.as_deref(), Some("ranker:1"));
    assert_eq!(bench.events(&id), ["started", "update", "update", "rolled_back"]);
    let story = bench.story(&id).await;
    assert!(story.contains("because too many requests failed."), "{story}");
    assert!(story.contains("production was put back from ranker:2 to ranker:1"), "{story}");
    assert!(bench.canaries.replay(id.as_str()).await.unwrap().matches);
}

#[actix::test]
async fn a_target_that_dies_is_noticed_at_the_third_look() {
    let bench = Bench::new(Behaviour::Failing(0.0)).await;
    let id = bench.begin(quick_with(&json!({ "windowSeconds": 20 }))).await;
    let before = bench.until_polls(&id, 2).await.row.polls;
    bench.source.behave(Behaviour::Dead);
    let view = bench.until_over(&id).await;
    assert_eq!(view.row.reason.as_deref(), Some("no_data"));
    // One look may have been under way.
    assert!(view.row.polls <= before + 4, "{before} {}", view.row.polls);
    assert_eq!(bench.production().await.as_deref(), Some("ranker:1"));
}

#[actix::test]
async fn what_nobody_sees_is_never_promoted() {
    for (behaviour, policy) in [
        (Behaviour::Dead, json!({ "onNoData": "wait" })),
        (Behaviour::Hanging, json!({ "onNoData": "wait" })),
        (Behaviour::Warning, json!({})),
    ] {
        let bench = Bench::new(behaviour).await;
        let id = bench.begin(quick_with(&policy)).await;
        let view = bench.until_over(&id).await;
        assert_eq!(view.row.status, CanaryStatus::RolledBack, "{behaviour:?}");
        let reason = view.row.reason.clone().unwrap();
        assert!(reason.starts_with("inconclusive"), "{behaviour:?} {reason}");
        assert!(bench.actions(&id).await.contains(&"canary_timeout".to_owned()));
        assert_eq!(bench.production().await.as_deref(), Some("ranker:1"), "{behaviour:?}");
        assert!(bench.canaries.replay(id.as_str()).await.unwrap().matches, "{behaviour:?}");
    }
}

#[actix::test]
async fn a_dry_run_decides_and_changes_nothing() {
    for (share, decision) in [(0.0, "WOULD_BE_PROMOTED"), (0.2, "WOULD_BE_ROLLED_BACK")] {
        let bench = Bench::new(Behaviour::Failing(share)).await;
        let started = bench.canaries.begin(NewCanary { dry_run: true, ..new(quick()) }).await;
        let id = started.unwrap().view.canary_id();
        let view = bench.until_over(&id).await;
        assert_eq!(view.row.status, CanaryStatus::Pending);
        assert_eq!(bench.canaries.last_rollback().await.unwrap(), None);
        assert_eq!(bench.production().await.as_deref(), Some("ranker:1"));
        let record = bench.canaries.decisions(&id).await.unwrap().pop().unwrap().record_json;
        let record: Value = serde_json::from_str(&record).unwrap();
        assert_eq!(record["decision"], decision);
        assert_eq!(bench.events(&id), ["started", "update"]);
        assert!(bench.canaries.replay(id.as_str()).await.unwrap().matches);
    }
}

#[actix::test]
async fn an_inconclusive_window_is_held_or_extended_as_the_policy_says() {
    // Between the target and twice the target neither side can be proved.
    let bench = Bench::new(Behaviour::Failing(0.021)).await;
    let hold = bench.begin(quick_with(&json!({ "onInconclusive": "hold" }))).await;
    let asks = |view: &CanaryView| view.row.phase == Phase::AwaitingApproval;
    bench.until(&hold, "held", asks).await;
    let polls = bench.view(&hold).await.row.polls;
    bench.until_polls(&hold, polls + 2).await;
    bench.canaries.command(&hold, Command::Abort, "ops", None).await.unwrap();

    let extend = json!({ "onInconclusive": "extend", "maxExtendSeconds": 1 });
    let extended = bench.begin(quick_with(&extend)).await;
    let view = bench.until_over(&extended).await;
    assert_eq!(view.row.status, CanaryStatus::RolledBack);
    assert!(Duration::from_secs(3) <= view.elapsed(), "{:?}", view.elapsed());
}

#[actix::test]
async fn a_gate_that_somebody_else_moved_is_left_as_it_is() {
    let bench = Bench::new(Behaviour::Failing(0.0)).await;
    let id = bench.begin(quick_with(&json!({ "windowSeconds": 20 }))).await;
    bench.until_polls(&id, 1).await;
    bench.put("ranker:9").await;
    let view = bench.until_over(&id).await;
    assert_eq!(view.row.status, CanaryStatus::RolledBack);
    assert_eq!(view.row.reason.as_deref(), Some("gate_moved"));
    assert_eq!(bench.production().await.as_deref(), Some("ranker:9"));
    let story = bench.story(&id).await;
    assert!(story.contains("somebody else put ranker:9 there"), "{story}");
}

#[actix::test]
async fn a_promotion_that_requires_evals_does_not_go_without_them() {
    let bench = Bench::new(Behaviour::Failing(0.0)).await;
    let requires =
        json!({ "requires": [{ "taskId": "safety", "metric": "accuracy", "min": 0.9 }] });
    let id = bench.begin(quick_with(&requires)).await;
    let view = bench.until_over(&id).await;
    assert_eq!(view.row.status, CanaryStatus::RolledBack);
    assert_eq!(view.row.reason.as_deref(), Some("evals_unproved"));
    let story = bench.story(&id).await;
    assert!(story.contains("no eval of safety has completed"), "{story}");
}

#[actix::test]
async fn a_model_that_stood_in_the_gate_before_is_left_there_and_that_is_said() {
    let bench = Bench::new(Behaviour::Failing(0.3)).await;
    bench.put("ranker:2").await;
    let id = bench.begin(quick()).await;
    let view = bench.until_over(&id).await;
    assert_eq!(view.row.status, CanaryStatus::RolledBack);
    assert_eq!(bench.production().await.as_deref(), Some("ranker:2"));
    let story = bench.story(&id).await;
    assert!(story.contains("ranker:2 stood in production before this canary"), "{story}");
}

#[actix::test]
async fn a_canary_that_has_entered_no_gate_is_watched_in_the_one_it_comes_from() {
    let bench = Bench::new(Behaviour::Failing(0.0)).await;
    let dry = bench.canaries.begin(NewCanary { dry_run: true, ..new(quick()) }).await.unwrap();
    assert_eq!(dry.view.watched_gate().as_str(), "staging");
    let at_promotion = json!({ "gateChange": "at_promotion" });
    let late = bench.canaries.begin(new(quick_with(&at_promotion))).await.unwrap();
    assert_eq!(late.view.watched_gate().as_str(), "staging");
    bench.until_over(&late.view.canary_id()).await;
    let at_start = bench.begin(quick()).await;
    assert_eq!(bench.view(&at_start).await.watched_gate().as_str(), "production");
}

#[actix::test]
async fn a_gate_that_somebody_else_moved_is_noticed_in_mid_window() {
    let bench = Bench::new(Behaviour::Failing(0.0)).await;
    let id = bench.begin(quick_with(&json!({ "windowSeconds": 60, "pollSeconds": 0.2 }))).await;
    bench.until_polls(&id, 1).await;
    bench.put("ranker:9").await;
    let view = bench.until_over(&id).await;
    assert_eq!(view.row.reason.as_deref(), Some("gate_moved"));
    assert!(view.elapsed() < Duration::from_secs(30), "{:?}", view.elapsed());
    assert_eq!(bench.production().await.as_deref(), Some("ranker:9"));
}
