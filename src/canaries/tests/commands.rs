//! What somebody can do to a canary.

use super::*;

#[actix::test]
async fn an_abort_wins_and_puts_the_gate_back_whatever_comes_afterwards() {
    let bench = Bench::new(Behaviour::Failing(0.0)).await;
    let id = bench.begin(quick()).await;
    bench.until_polls(&id, 2).await;
    let reason = Some("it looks odd".to_owned());
    let view = bench.canaries.command(&id, Command::Abort, "alice", reason).await.unwrap();
    assert_eq!(view.row.status, CanaryStatus::RolledBack);
    assert_eq!(view.row.reason.as_deref(), Some("aborted"));
    assert_eq!(bench.production().await.as_deref(), Some("ranker:1"));
    // The window would be over by now, and all that was seen was good.
    tokio::time::sleep(Duration::from_millis(2400)).await;
    assert_eq!(bench.view(&id).await.row.status, CanaryStatus::RolledBack);
    assert_eq!(bench.production().await.as_deref(), Some("ranker:1"));
    assert!(bench.actions(&id).await.contains(&"canary_abort".to_owned()));
    let again = bench.canaries.command(&id, Command::Abort, "alice", None).await;
    assert!(matches!(again, Err(CanaryError::Over { .. })), "{again:?}");
    assert!(bench.canaries.replay(id.as_str()).await.unwrap().matches);
}

#[actix::test]
async fn an_abort_at_any_moment_ends_in_the_old_gate() {
    let bench = Bench::new(Behaviour::Failing(0.0)).await;
    for step in 0..24 {
        let id = bench.begin(quick()).await;
        tokio::time::sleep(Duration::from_millis(step * 100)).await;
        match bench.canaries.command(&id, Command::Abort, "alice", None).await {
            Ok(view) => {
                assert_eq!(view.row.status, CanaryStatus::RolledBack, "{step}");
                assert_eq!(bench.production().await.as_deref(), Some("ranker:1"), "{step}");
            }
            Err(CanaryError::Over { status, .. }) => {
                assert_eq!(status, CanaryStatus::Promoted, "{step}");
                bench.put("ranker:1").await;
            }
            Err(other) => panic!("{step}: {other}"),
        }
    }
}

#[actix::test]
async fn a_paused_canary_waits_and_what_happens_meanwhile_is_not_counted() {
    let bench = Bench::new(Behaviour::Failing(0.0)).await;
    let id = bench.begin(quick()).await;
    bench.until_polls(&id, 2).await;
    let paused = bench.canaries.command(&id, Command::Pause, "alice", None).await.unwrap();
    assert_eq!(paused.row.status, CanaryStatus::Paused);
    bench.source.behave(Behaviour::Failing(0.9));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.view(&id).await.row.polls, paused.row.polls);
    bench.source.behave(Behaviour::Failing(0.0));
    bench.canaries.command(&id, Command::Resume, "alice", None).await.unwrap();
    let view = bench.until_over(&id).await;
    assert_eq!(view.row.status, CanaryStatus::Promoted, "{}", bench.story(&id).await);
    let actions = bench.actions(&id).await;
    assert!(actions.contains(&"canary_pause".into()) && actions.contains(&"canary_resume".into()));
}

#[actix::test]
async fn approvals_are_waited_for_and_a_breach_does_not_wait() {
    let bench = Bench::new(Behaviour::Failing(0.0)).await;
    let approval = json!({ "approval": { "before": ["start", "promote"] } });
    let id = bench.begin(quick_with(&approval)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let waits = bench.view(&id).await;
    assert_eq!((waits.row.phase, waits.row.polls), (Phase::AwaitingStart, 0));
    assert_eq!(bench.production().await.as_deref(), Some("ranker:1"));
    bench.canaries.command(&id, Command::Approve, "alice", None).await.unwrap();
    let asks = |view: &CanaryView| view.row.phase == Phase::AwaitingApproval;
    bench.until(&id, "waits for its promotion", asks).await;
    let view = bench.canaries.command(&id, Command::Approve, "alice", None).await.unwrap();
    assert_eq!(view.row.status, CanaryStatus::Promoted);

    bench.put("ranker:1").await;
    let promote = json!({ "approval": { "before": ["promote"] } });
    let id = bench.begin(quick_with(&promote)).await;
    bench.until(&id, "waits for its promotion", asks).await;
    bench.source.behave(Behaviour::Failing(0.5));
    let view = bench.until_over(&id).await;
    assert_eq!(view.row.reason.as_deref(), Some("error_rate_breach"));
    assert_eq!(bench.production().await.as_deref(), Some("ranker:1"));
}

#[actix::test]
async fn a_promotion_by_hand_is_recorded_with_its_reason_and_the_evidence() {
    let bench = Bench::new(Behaviour::Failing(0.0)).await;
    let id = bench.begin(quick_with(&json!({ "windowSeconds": 60, "pollSeconds": 0.2 }))).await;
    bench.until_polls(&id, 2).await;
    let reason = Some("the old one is on fire".to_owned());
    let view = bench.canaries.command(&id, Command::PromoteNow, "alice", reason).await.unwrap();
    assert_eq!(view.row.status, CanaryStatus::Promoted);
    let record = bench.canaries.decisions(&id).await.unwrap().pop().unwrap().record_json;
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["said"], "the old one is on fire");
    assert_eq!(record["by"], "alice");
    assert!(record["evidence"]["metrics"].is_array());
    assert!(bench.canaries.replay(id.as_str()).await.unwrap().matches);
}

#[actix::test]
async fn one_canary_at_a_time_watches_a_model_in_a_gate() {
    let bench = Bench::new(Behaviour::Failing(0.0)).await;
    let first = bench.begin(quick()).await;
    let second = bench.canaries.begin(new(quick())).await;
    assert!(
        matches!(second, Err(CanaryError::Watched(ref other)) if *other == first),
        "{second:?}"
    );
    let other = NewCanary { model: ModelId::parse("other:1").unwrap(), ..new(quick()) };
    bench.canaries.begin(other).await.unwrap();
    bench.until_over(&first).await;
    bench.begin(quick()).await;
}

#[actix::test]
async fn a_model_can_be_put_into_the_gate_only_when_it_is_promoted() {
    let bench = Bench::new(Behaviour::Failing(0.0)).await;
    let id = bench.begin(quick_with(&json!({ "gateChange": "at_promotion" }))).await;
    bench.until_polls(&id, 3).await;
    assert_eq!(bench.production().await.as_deref(), Some("ranker:1"));
    let view = bench.until_over(&id).await;
    assert_eq!(view.row.status, CanaryStatus::Promoted);
    assert_eq!(bench.production().await.as_deref(), Some("ranker:2"));
}

#[actix::test]
async fn a_canary_is_never_compared_with_itself() {
    let bench = Bench::new(Behaviour::Failing(0.0)).await;
    let both = bench.canaries.begin(new(quick_with(&json!({ "mode": "both" })))).await;
    assert!(matches!(both, Err(CanaryError::NotComparable)), "{both:?}");
}
