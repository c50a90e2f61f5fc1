//! What is missing, late or doubtful.

use super::*;

#[test]
fn a_dead_target_is_noticed_at_the_third_poll() {
    for gone in [nothing(), failure(), Sample::NotAsked, counts(1, 2), scalar(f64::NAN, 0)] {
        let mut script = Script::new(&two_percent());
        script.see(&errors(counts(250, 1)));
        assert_eq!(script.see(&errors(gone.clone())), Verdict::Continue);
        assert_eq!(script.see(&errors(gone.clone())), Verdict::Continue);
        assert_eq!(script.see(&errors(gone)), rolled_back(RollBackReason::NoData));
    }
}

#[test]
fn a_target_that_comes_back_in_time_is_not_dead() {
    let mut script = Script::new(&two_percent());
    for _ in 0..19 {
        script.see(&errors(nothing()));
        script.see(&errors(failure()));
        assert_eq!(script.see(&errors(counts(250, 1))), Verdict::Continue);
    }
    assert_eq!(lacking(&script.go_on(&errors(counts(250, 1)))), [DoubtCode::Coverage]);
}

#[test]
fn waiting_for_data_promotes_nothing() {
    let policy = policy(json!({"targets": {"max_error_rate": 0.02}, "onNoData": "wait"}));
    let mut script = Script::new(&policy);
    assert_eq!(lacking(&script.go_on(&errors(nothing()))), [DoubtCode::NoData]);
    let mut late = Script::new(&policy);
    for _ in 0..20 {
        late.see(&errors(nothing()));
    }
    assert_eq!(lacking(&late.go_on(&errors(counts(250, 1)))), [DoubtCode::Coverage]);
}

#[test]
fn a_metric_without_data_is_not_made_up_for_by_another() {
    let policy = policy(json!({"targets": {"latency_p95_ms": 300, "max_error_rate": 0.02}}));
    let mut script = Script::new(&policy);
    let verdict = script.go_on(&measured(counts(100, 0), nothing()));
    assert_eq!(verdict, rolled_back(RollBackReason::NoData));
    assert_eq!(script.report().metrics[1].state, MetricState::Dead);
}

#[test]
fn data_with_warnings_counts_against_and_never_in_favour() {
    let mut script = Script::new(&two_percent());
    let lacks = lacking(&script.go_on(&warned(counts(250, 1))));
    assert_eq!(lacks, [DoubtCode::TooFewRequests, DoubtCode::Coverage]);
    let verdict = Script::new(&two_percent()).go_on(&warned(counts(250, 25)));
    assert_eq!(verdict, rolled_back(RollBackReason::ErrorRateBreach));
}

#[test]
fn polls_that_were_never_taken_count_against_coverage() {
    let policy = two_percent();
    let mut evidence = Evidence::new(&policy);
    let seen = errors(counts(250, 1));
    for second in (5..=300).step_by(5).filter(|second| !(100..200).contains(second)) {
        let elapsed = Duration::from_secs(second);
        evidence.observe(&Poll { elapsed, canary: &seen, baseline: None });
    }
    let end = Moment { elapsed: Duration::from_mins(5), window_over: true };
    assert_eq!(lacking(&evidence.verdict(end)), [DoubtCode::Coverage]);
}

#[test]
fn what_was_seen_last_must_be_recent() {
    let mut script = Script::new(&two_percent());
    for _ in 0..55 {
        script.see(&errors(counts(250, 1)));
    }
    let end = Moment { elapsed: Duration::from_secs(290), window_over: true };
    assert_eq!(lacking(&script.evidence.verdict(end)), [DoubtCode::Stale]);
    // Traffic that stops in mid-window is not made up for by what came before.
    let mut stopped = Script::new(&two_percent());
    for _ in 0..40 {
        stopped.see(&errors(counts(250, 1)));
    }
    assert_eq!(lacking(&stopped.go_on(&errors(counts(0, 0)))), [DoubtCode::Stale]);
}

#[test]
fn the_warm_up_proves_nothing() {
    let policy = policy(json!({"targets": {"max_error_rate": 0.02}, "warmupSeconds": 30}));
    let mut script = Script::new(&policy);
    for _ in 0..3 {
        assert_eq!(script.see(&errors(counts(250, 250))), Verdict::Continue);
        assert_eq!(script.see(&errors(nothing())), Verdict::Continue);
    }
    assert_eq!(script.go_on(&errors(counts(250, 1))), Verdict::Promote);
    assert_eq!(script.report().metrics[0].counts.as_ref().unwrap().bad, 54);
}

#[test]
fn the_kind_of_a_metric_does_not_change() {
    let mut script = Script::new(&two_percent());
    script.see(&errors(counts(250, 1)));
    for _ in 0..2 {
        assert_eq!(script.see(&errors(scalar(0.0, 0))), Verdict::Continue);
    }
    assert_eq!(script.see(&errors(scalar(0.0, 0))), rolled_back(RollBackReason::NoData));
}

#[test]
fn the_evidence_of_a_canary_is_small() {
    assert!(std::mem::size_of::<Evidence>() <= 768, "{}", std::mem::size_of::<Evidence>());
}
