//! Counted requests, with and without a baseline.

use super::*;

#[test]
fn a_canary_within_its_target_is_promoted_at_the_end_and_not_before() {
    let mut script = Script::new(&two_percent());
    for _ in 0..59 {
        assert_eq!(script.see(&errors(counts(250, 2))), Verdict::Continue);
    }
    assert_eq!(script.see(&errors(counts(250, 2))), Verdict::Promote);
    let report = script.report();
    assert_eq!(
        (report.strength, report.metrics[0].state),
        (Strength::Strong, MetricState::Conforms)
    );
}

#[test]
fn a_canary_at_five_times_its_target_is_rolled_back_within_seconds() {
    let mut script = Script::new(&two_percent());
    let verdict = script.go_on(&errors(counts(250, 25)));
    assert_eq!(verdict, rolled_back(RollBackReason::ErrorRateBreach));
    assert!(script.elapsed <= Duration::from_secs(15), "{:?}", script.elapsed);
    // It stays rolled back, however well it does afterwards.
    for _ in 0..60 {
        assert_eq!(script.see(&errors(counts(250, 0))), verdict);
    }
    assert_eq!(script.report().fallen_at_seconds, Some(10.0));
}

#[test]
fn one_error_among_few_requests_is_no_breach() {
    let mut script = Script::new(&two_percent());
    assert_eq!(script.see(&errors(counts(2, 1))), Verdict::Continue);
}

#[test]
fn what_is_allowed_nowhere_breaches_at_once() {
    let policy = policy(json!({"targets": {"max_error_rate": 0}}));
    let mut script = Script::new(&policy);
    assert_eq!(script.see(&errors(counts(1_000, 0))), Verdict::Continue);
    assert_eq!(script.see(&errors(counts(1_000, 1))), rolled_back(RollBackReason::ErrorRateBreach));
    let mut clean = Script::new(&policy);
    assert_eq!(clean.go_on(&errors(counts(50, 0))), Verdict::Promote);
    let mut few = Script::new(&policy);
    assert_eq!(lacking(&few.go_on(&errors(counts(49, 0)))), [DoubtCode::TooFewRequests]);
}

#[test]
fn what_is_allowed_everywhere_never_breaches() {
    let policy = policy(json!({"targets": {"max_error_rate": 1}}));
    assert_eq!(Script::new(&policy).go_on(&errors(counts(10, 10))), Verdict::Promote);
    let report = Script::new(&policy).report();
    assert!(serde_json::to_string(&report).is_ok());
}

#[test]
fn little_traffic_is_inconclusive() {
    let mut script = Script::new(&two_percent());
    assert_eq!(lacking(&script.go_on(&errors(counts(1, 0)))), [DoubtCode::TooFewRequests]);
    let needed = script.report().metrics[0].counts.as_ref().unwrap().conformance.requests_needed;
    assert!(needed.is_some_and(|needed| (14..200).contains(&needed)), "{needed:?}");
}

#[test]
fn polls_without_requests_are_no_death_and_no_success() {
    let mut script = Script::new(&two_percent());
    let verdict = script.go_on(&errors(counts(0, 0)));
    assert_eq!(lacking(&verdict), [DoubtCode::TooFewRequests, DoubtCode::Stale]);
}

#[test]
fn somewhat_too_many_errors_are_inconclusive() {
    let mut script = Script::new(&two_percent());
    let verdict = script.go_on(&errors(counts(20, 1)));
    // 5 % is a breach, if slowly.
    assert_eq!(verdict, rolled_back(RollBackReason::ErrorRateBreach));
    let mut script = Script::new(&two_percent());
    for poll in 0..60u64 {
        script.see(&errors(counts(20, u64::from(poll % 2 == 0))));
    }
    assert_eq!(lacking(&script.verdict()), [DoubtCode::AboveTarget]);
}

#[test]
fn a_target_between_two_buckets_counts_for_neither_side() {
    let policy = policy(json!({"targets": {"latency_p95_ms": 300}}));
    let between = |bad, possibly_bad| {
        measured(Sample::NotAsked, Sample::Counts { total: 100, bad, possibly_bad })
    };
    let mut script = Script::new(&policy);
    // 3 % are above the upper edge, 20 % above the lower one.
    assert_eq!(lacking(&script.go_on(&between(3, 20))), [DoubtCode::AboveTarget]);
    assert_eq!(Script::new(&policy).go_on(&between(3, 4)), Verdict::Promote);
    assert_eq!(
        Script::new(&policy).go_on(&between(15, 20)),
        rolled_back(RollBackReason::LatencyBreach)
    );
}

#[test]
fn every_metric_must_conform_and_one_is_enough_to_fall() {
    let policy = policy(json!({"targets": {"latency_p95_ms": 300, "max_error_rate": 0.02}}));
    let mut good = Script::new(&policy);
    assert_eq!(good.go_on(&measured(counts(100, 1), counts(100, 3))), Verdict::Promote);
    let mut slow = Script::new(&policy);
    let verdict = slow.go_on(&measured(counts(100, 1), counts(100, 20)));
    assert_eq!(verdict, rolled_back(RollBackReason::LatencyBreach));
    // The level is shared: ln (2 / 0.01).
    let needed = slow.report().metrics[0].counts.as_ref().unwrap().breach_at;
    assert!((needed - 200.0f64.ln()).abs() < 1e-12);
}

fn outage(poll: u32, base: u64) -> u64 {
    if (20..26).contains(&poll) { 38 } else { base }
}

#[test]
fn an_outage_that_the_baseline_shares_rolls_nothing_back() {
    let both = policy(json!({"targets": {"max_error_rate": 0.02}, "mode": "both"}));
    let mut script = Script::new(&both);
    for poll in 0..59 {
        let seen = errors(counts(250, outage(poll, 1)));
        assert_eq!(script.see_both(&seen, Some(&seen)), Verdict::Continue, "poll {poll}");
    }
    // The canary alone would have been rolled back.
    let mut alone = Script::new(&two_percent());
    let fell =
        (0..59).any(|poll| alone.see(&errors(counts(250, outage(poll, 1)))) != Verdict::Continue);
    assert!(fell);
}

#[test]
fn trouble_of_the_canary_alone_rolls_it_back() {
    let both = policy(json!({"targets": {"max_error_rate": 0.02}, "mode": "both"}));
    let broken = errors(counts(250, 38));
    for (baseline, within) in
        [(Some(errors(counts(250, 1))), 90), (Some(errors(nothing())), 15), (None, 15)]
    {
        let mut script = Script::new(&both);
        while script.see_both(&broken, baseline.as_ref()) == Verdict::Continue {}
        assert_eq!(script.verdict(), rolled_back(RollBackReason::ErrorRateBreach));
        assert!(script.elapsed.as_secs() <= within, "{:?}: {baseline:?}", script.elapsed);
    }
}

#[test]
fn trouble_that_the_baseline_shares_to_the_end_promotes_nothing() {
    let both = policy(json!({"targets": {"max_error_rate": 0.02}, "mode": "both"}));
    let mut script = Script::new(&both);
    let seen = errors(counts(250, 15));
    while script.see_both(&seen, Some(&seen)) == Verdict::Continue {}
    let lacks = lacking(&script.verdict());
    assert_eq!(lacks, [DoubtCode::SharedWithBaseline, DoubtCode::AboveTarget]);
}
