//! What a policy is when it is read, and what is refused.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(text: &Value) -> Result<Policy, String> {
    serde_json::from_value(text.clone()).map_err(|error| error.to_string())
}

fn policy(text: &Value) -> Policy {
    read(text).unwrap()
}

#[test]
fn what_is_left_out_has_its_default() {
    let policy = policy(&json!({"targets": {"latency_p95_ms": 250, "max_error_rate": 0.02}}));
    assert_eq!(
        serde_json::to_string(&policy).unwrap(),
        r#"{"windowSeconds":300,"targets":{"latency_p95_ms":250,"max_error_rate":0.02},"pollSeconds":5,"warmupSeconds":0,"queryWindowSeconds":60,"alpha":0.01,"beta":0.05,"tolerance":2,"burstiness":1,"minRequests":74,"coverage":0.8,"onInconclusive":"rollback","onNoData":"rollback","mode":"absolute","approval":{"before":[]},"gateChange":"at_start","requires":[]}"#
    );
}

#[test]
fn a_short_window_is_polled_often_enough_to_decide() {
    let of_window = |seconds: u64| {
        let policy =
            policy(&json!({"windowSeconds": seconds, "targets": {"max_error_rate": 0.02}}));
        (policy.poll().as_millis(), policy.query_window().as_millis())
    };
    assert_eq!(of_window(1), (500, 500));
    assert_eq!(of_window(4), (500, 2_000));
    assert_eq!(of_window(20), (1_666, 5_000));
    assert_eq!(of_window(60), (5_000, 15_000));
    assert_eq!(of_window(604_800), (5_000, 60_000));
}

#[test]
fn the_fewest_requests_are_those_of_the_stricter_target() {
    let of_targets = |targets: Value| policy(&json!({ "targets": targets })).min_requests();
    assert_eq!(of_targets(json!({"max_error_rate": 0.02})), 74);
    assert_eq!(of_targets(json!({"max_error_rate": 0.01})), 149);
    assert_eq!(of_targets(json!({"max_error_rate": 0.001})), 1_497);
    assert_eq!(of_targets(json!({"latency_p95_ms": 100})), 29);
    assert_eq!(of_targets(json!({"max_error_rate": 0.5, "latency_p95_ms": 100})), 29);
    assert_eq!(of_targets(json!({"max_error_rate": 1})), 1);
    assert_eq!(of_targets(json!({"max_error_rate": 0})), 2_995);
}

#[test]
fn a_refusal_names_the_field() {
    let with = |field: &str, value: Value| {
        let mut text = json!({"targets": {"max_error_rate": 0.02}});
        text[field] = value;
        read(&text).unwrap_err()
    };
    for (field, value, message) in [
        ("windowSeconds", json!(0), "windowSeconds must be between 1 and 604800"),
        ("windowSeconds", json!(604_801), "windowSeconds must be between 1 and 604800"),
        ("pollSeconds", json!(301), "pollSeconds must not be longer than windowSeconds"),
        ("pollSeconds", json!(0), "pollSeconds must be between 0.1 and 300"),
        ("warmupSeconds", json!(296), "warmupSeconds must leave at least one poll of the window"),
        ("warmupSeconds", json!(-1), "warmupSeconds must be between 0 and 300"),
        ("alpha", json!(0), "alpha must be between 0.000001 and 0.5"),
        ("tolerance", json!(1), "tolerance must be between 1.05 and 100"),
        ("burstiness", json!(0), "burstiness must be between 0.1 and 10"),
        ("minRequests", json!(0), "minRequests must be between 1 and 1000000000000"),
        ("maxExtendSeconds", json!(5), "maxExtendSeconds has a meaning only with onInconclusive"),
        ("ratio", json!(2), "ratio has a meaning only with mode"),
        ("targets", json!({}), "targets must set latency_p95_ms, max_error_rate or both"),
        ("targets", json!({"max_error_rate": 1.1}), "targets.max_error_rate must be 0, or between"),
        ("targets", json!({"max_error_rate": 1e-9}), "targets.max_error_rate must be 0, or"),
        ("targets", json!({"latency_p95_ms": 0}), "targets.latency_p95_ms must be a number above"),
        ("targets", json!({"p99": 0}), "unknown field `p99`"),
        ("polls", json!(1), "unknown field `polls`"),
        ("approval", json!({"before": ["lunch"]}), "unknown variant `lunch`"),
        ("requires", json!([{"taskId": "a/b", "metric": "m", "min": 1}]), "taskId must match"),
        (
            "requires",
            json!([{"taskId": "a", "metric": "m", "min": 1, "minSamples": 0}]),
            "requires[0].minSamples must be at least 1",
        ),
    ] {
        let refusal = with(field, value.clone());
        assert!(refusal.starts_with(message), "{field} = {value}: {refusal}");
    }
}

#[test]
fn every_choice_reads_back() {
    let policy = policy(&json!({
        "windowSeconds": 20, "targets": {"latency_p95_ms": 99.5}, "pollSeconds": 0.75,
        "onInconclusive": "extend", "onNoData": "wait", "mode": "both",
        "approval": {"before": ["start", "promote"]}, "gateChange": "at_promotion",
        "requires": [{"taskId": "arithmetic", "metric": "accuracy", "min": 0.9}],
    }));
    assert_eq!(policy.max_extend(), Duration::from_secs(20));
    assert_eq!(policy.ratio(), Some(1.5));
    assert!(policy.needs_approval(Step::Start) && policy.needs_approval(Step::Promote));
    assert_eq!(policy.requires()[0].min_samples, None);
    let stored = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<Policy>(&stored).unwrap(), policy);
}

proptest! {
    #[test]
    fn a_stored_policy_is_the_policy(
        window in 1u64..604_801,
        rate in 0.000_001f64..1.0,
        latency in 0.001f64..86_400_000.0,
        alpha in 0.000_001f64..0.5,
        burstiness in 0.1f64..10.0,
    ) {
        let policy = policy(&json!({
            "windowSeconds": window, "alpha": alpha, "burstiness": burstiness,
            "targets": {"latency_p95_ms": latency, "max_error_rate": rate},
        }));
        let stored = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(serde_json::from_str::<Policy>(&stored).unwrap(), policy);
    }
}
