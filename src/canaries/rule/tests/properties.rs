//! What holds for every canary.

use proptest::prelude::*;

use super::*;

fn any_count() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0..10u64, 0..10_000u64, Just(u64::MAX), any::<u64>()]
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![0.0..1.0f64, 0.0..1e4f64, any::<f64>()]
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let counted = (any_count(), any_count(), any_count()).prop_map(|(one, two, three)| {
        let mut sorted = [one, two, three];
        sorted.sort_unstable();
        Sample::Counts { total: sorted[2], bad: sorted[0], possibly_bad: sorted[1] }
    });
    let queried = (any_number(), prop_oneof![Just(0), 0..600_000u64, any::<u64>()])
        .prop_map(|(value, window_ms)| Sample::Scalar { value, window_ms });
    prop_oneof![
        6 => counted,
        3 => queried,
        1 => Just(nothing()),
        1 => Just(failure()),
        1 => Just(Sample::NotAsked),
    ]
}

fn any_measurement() -> impl Strategy<Value = Measurement> {
    (any_sample(), any_sample(), any::<bool>()).prop_map(|(errors, latency, warned)| Measurement {
        warnings: if warned { vec!["w".to_owned()] } else { Vec::new() },
        ..measured(errors, latency)
    })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let rate = prop_oneof![
        Just(0.0),
        Just(1.0),
        Just(0.000_001),
        Just(0.999_999_999_999),
        0.000_001..1.0f64
    ];
    (rate, 0.1..10.0f64, 1.05..100.0f64, any::<bool>(), any::<bool>(), 0..250u64).prop_map(
        |(rate, burstiness, tolerance, both, wait, warmup)| {
            policy(json!({
                "targets": {"latency_p95_ms": 250, "max_error_rate": rate},
                "burstiness": burstiness, "tolerance": tolerance, "warmupSeconds": warmup,
                "mode": if both { "both" } else { "absolute" },
                "onNoData": if wait { "wait" } else { "rollback" },
            }))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// JSON has no infinity and no NaN; `serde_json` writes null, which does not read back.
    #[test]
    fn every_number_that_is_told_is_finite(
        policy in any_policy(),
        polls in proptest::collection::vec((any_measurement(), any_measurement()), 1..80),
    ) {
        let mut script = Script::new(&policy);
        for (canary, baseline) in &polls {
            script.see_both(canary, Some(baseline));
        }
        let report = script.report();
        let written = serde_json::to_string(&report).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Report>(&written).unwrap(), &report);
    }

    #[test]
    fn what_was_stored_gives_the_same_evidence(
        policy in any_policy(),
        polls in proptest::collection::vec(any_measurement(), 1..80),
    ) {
        let (mut live, mut replayed) = (Script::new(&policy), Script::new(&policy));
        for canary in &polls {
            // What is not finite does not outlive JSON, and adapters never give it.
            let Ok(stored) = serde_json::from_str::<Measurement>(&serde_json::to_string(canary)?)
            else { continue };
            live.see(canary);
            replayed.see(&stored);
        }
        prop_assert_eq!(&live.evidence, &replayed.evidence);
        prop_assert_eq!(live.report(), replayed.report());
    }

    #[test]
    fn nothing_is_promoted_without_enough_clean_data(
        policy in any_policy(),
        polls in proptest::collection::vec(any_measurement(), 60),
    ) {
        let mut script = Script::new(&policy);
        for canary in &polls {
            script.see(canary);
        }
        if script.verdict() == Verdict::Promote {
            for metric in script.report().metrics {
                prop_assert!(metric.quality.coverage >= policy.coverage());
                prop_assert_eq!(metric.state, MetricState::Conforms);
            }
        }
    }

    #[test]
    fn a_roll_back_stays(
        policy in any_policy(),
        polls in proptest::collection::vec(any_measurement(), 1..80),
    ) {
        let mut script = Script::new(&policy);
        let mut fallen = None;
        for canary in &polls {
            let verdict = script.see(canary);
            if let Some(fallen) = &fallen {
                prop_assert_eq!(&verdict, fallen);
            } else if matches!(verdict, Verdict::RollBack { .. }) {
                fallen = Some(verdict);
            }
        }
    }
}
