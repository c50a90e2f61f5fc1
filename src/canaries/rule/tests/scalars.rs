//! Numbers of scalar queries.

use super::*;

fn latency(window_seconds: u64) -> Policy {
    policy(json!({"windowSeconds": window_seconds, "targets": {"latency_p95_ms": 250}}))
}

fn slow(value: f64, window_ms: u64) -> Measurement {
    measured(Sample::NotAsked, scalar(value, window_ms))
}

#[test]
fn good_samples_promote_at_the_end_with_weak_evidence() {
    for seconds in [4, 10, 20, 60, 300] {
        let policy = latency(seconds);
        let window_ms = u64::try_from(policy.query_window().as_millis()).unwrap();
        let mut script = Script::new(&policy);
        assert_eq!(script.go_on(&slow(200.0, window_ms)), Verdict::Promote, "{seconds} s");
        assert_eq!(script.report().strength, Strength::Weak);
    }
}

#[test]
fn a_query_that_looks_back_before_the_start_proves_nothing_good() {
    let mut script = Script::new(&latency(60));
    assert_eq!(lacking(&script.go_on(&slow(200.0, 300_000))), [DoubtCode::NoData]);
    // A bad one counts, whatever it looks back to.
    let verdict = Script::new(&latency(60)).go_on(&slow(251.0, 300_000));
    assert_eq!(verdict, rolled_back(RollBackReason::LatencyBreach));
}

#[test]
fn three_bad_in_a_row_are_a_breach_and_two_that_are_far_off() {
    let mut script = Script::new(&latency(300));
    for value in [251.0, 260.0, 200.0, 500.0, 499.0, 200.0] {
        assert_eq!(script.see(&slow(value, 0)), Verdict::Continue, "{value}");
    }
    script.see(&slow(251.0, 0));
    script.see(&slow(251.0, 0));
    assert_eq!(script.see(&slow(251.0, 0)), rolled_back(RollBackReason::LatencyBreach));
    let mut far = Script::new(&latency(300));
    far.see(&slow(500.0, 0));
    assert_eq!(far.see(&slow(500.0, 0)), rolled_back(RollBackReason::LatencyBreach));
}

#[test]
fn missing_samples_do_not_end_a_row_of_bad_ones() {
    let mut script = Script::new(&latency(300));
    script.see(&slow(251.0, 0));
    script.see(&measured(Sample::NotAsked, failure()));
    script.see(&slow(251.0, 0));
    script.see(&measured(Sample::NotAsked, nothing()));
    assert_eq!(script.see(&slow(251.0, 0)), rolled_back(RollBackReason::LatencyBreach));
}

#[test]
fn one_bad_sample_is_enough_against_a_promotion() {
    let mut script = Script::new(&latency(300));
    for _ in 0..30 {
        script.see(&slow(100.0, 60_000));
    }
    script.see(&slow(300.0, 60_000));
    assert_eq!(lacking(&script.go_on(&slow(100.0, 60_000))), [DoubtCode::AboveTarget]);
}

#[test]
fn a_window_of_two_polls_can_still_fall() {
    let policy =
        policy(json!({"windowSeconds": 20, "pollSeconds": 10, "targets": {"latency_p95_ms": 250}}));
    let verdict = Script::new(&policy).see(&slow(251.0, 5_000));
    assert_eq!(verdict, rolled_back(RollBackReason::LatencyBreach));
    assert_eq!(Script::new(&policy).go_on(&slow(250.0, 5_000)), Verdict::Promote);
}

#[test]
fn too_few_samples_promote_nothing() {
    let mut script = Script::new(&latency(300));
    for _ in 0..20 {
        script.see(&measured(Sample::NotAsked, nothing()));
        script.see(&slow(100.0, 0));
        script.see(&slow(100.0, 0));
    }
    assert_eq!(lacking(&script.verdict()), [DoubtCode::Coverage]);
}

#[test]
fn counts_and_scalars_can_stand_side_by_side() {
    let policy = policy(json!({"targets": {"latency_p95_ms": 250, "max_error_rate": 0.02}}));
    let mut script = Script::new(&policy);
    assert_eq!(script.go_on(&measured(counts(250, 2), scalar(200.0, 60_000))), Verdict::Promote);
    assert_eq!(script.report().strength, Strength::Weak);
}
