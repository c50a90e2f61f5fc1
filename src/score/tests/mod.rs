//! Scoring from files to a result, and what it refuses.

mod faults;
mod files;
mod rules;
mod shipped;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn config(settings: &Value) -> Config {
    Config::from_json(settings.to_string().as_bytes()).unwrap()
}

fn jsonl(lines: &[Value]) -> String {
    lines.iter().fold(String::new(), |text, line| text + &line.to_string() + "\n")
}

fn scored(references: &str, predictions: &str, settings: &Value) -> Result<Report, ScoreError> {
    score(references.as_bytes(), predictions.as_bytes(), &config(settings), |_| ())
}

/// Says under `rule` whether `prediction` is right when `reference` is.
#[track_caller]
fn check(rule: &Value, reference: &Value, prediction: &str, is_correct: bool) {
    let references = jsonl(&[json!({ "id": "a", "reference": reference, "match": rule })]);
    let predictions = jsonl(&[json!({ "id": "a", "prediction": prediction })]);
    let report = scored(&references, &predictions, &json!({})).unwrap();
    let expected = if is_correct { Outcome::Correct } else { Outcome::Incorrect };
    assert_eq!(report.samples[0].outcome, expected, "{rule} {reference} {prediction:?}");
    assert_eq!(report.samples[0].matched_by.is_some(), is_correct);
}

#[track_caller]
fn check_fails(references: &str, predictions: &str, settings: &Value, message: &str) {
    let err = scored(references, predictions, settings).unwrap_err();
    assert_eq!(err.to_string(), message);
}

#[test]
fn samples_are_counted_in_all_and_by_group() {
    let references = jsonl(&[
        json!({ "id": "1", "group": "x", "prompt": "?", "reference": "one" }),
        json!({ "id": "2", "group": "x", "reference": "two", "metadata": { "source": "me" } }),
        json!({ "id": "3", "group": "y", "reference": ["3", "three"] }),
        json!({ "id": "4", "reference": "four" }),
    ]);
    let predictions = jsonl(&[
        json!({ "id": "3", "prediction": "Three.", "metadata": { "tokens": 2 } }),
        json!({ "id": "1", "prediction": "one" }),
        json!({ "id": "2", "prediction": "three" }),
    ]);
    let report = scored(&references, &predictions, &json!({})).unwrap();
    let value = serde_json::to_value(&report).unwrap();
    let quarter = (0.5_f64 * 0.5 / 4.0).sqrt();
    assert_eq!(
        value["metrics"],
        json!({
            "accuracy": { "value": 0.5, "stderr": quarter, "n": 4 },
            "accuracy.x": { "value": 0.5, "stderr": (0.25_f64 / 2.0).sqrt(), "n": 2 },
            "accuracy.y": { "value": 1.0, "stderr": 0.0, "n": 1 },
            "missing": { "value": 1.0, "n": 4 },
        })
    );
    assert_eq!(value["intervals"]["accuracy"]["method"], "wilson");
    assert_eq!(
        value["samples"][2],
        json!({ "id": "3", "group": "y", "reference": ["3", "three"], "prediction": "Three.",
            "outcome": "correct", "matched_by": "normalised", "read_as": "three" })
    );
    assert_eq!(
        value["samples"][3],
        json!({ "id": "4", "reference": ["four"], "prediction": null, "outcome": "missing" })
    );
    let reread = config(&value["config"]);
    assert_eq!(reread, report.config, "the config in a result can be used again");
}

#[test]
fn a_config_may_overrule_samples_choose_groups_and_leave_samples_out() {
    let references = jsonl(&[
        json!({ "id": "1", "group": "x", "reference": "5", "match": { "mode": "numeric" } }),
        json!({ "id": "2", "group": "y", "reference": "b" }),
    ]);
    let predictions = jsonl(&[
        json!({ "id": "1", "prediction": "It is 5" }),
        json!({ "id": "2", "prediction": "c" }),
    ]);
    let accuracy = |settings: Value| {
        let report = scored(&references, &predictions, &settings).unwrap();
        (report.metrics["accuracy"].value, report.metrics["accuracy"].n, report.samples.len())
    };
    assert_eq!(accuracy(json!({})), (0.5, 2, 2));
    assert_eq!(accuracy(json!({ "sample_rules": "ignore" })), (0.0, 2, 2));
    assert_eq!(accuracy(json!({ "groups": ["x"] })), (1.0, 1, 1));
    assert_eq!(accuracy(json!({ "samples": false })), (0.5, 2, 0));
    let report = scored(&references, &predictions, &json!({ "samples": false })).unwrap();
    assert_eq!(report.samples_left_out, 2);
}

#[test]
fn a_result_stays_small_enough_to_be_read_and_says_what_it_leaves_out() {
    let long = "x".repeat(1_000_000);
    let references: Vec<Value> =
        (0..8).map(|n| json!({ "id": n.to_string(), "reference": "x" })).collect();
    let predictions: Vec<Value> =
        (0..8).map(|n| json!({ "id": n.to_string(), "prediction": long })).collect();
    let exact = json!({ "match": { "mode": "exact" } });
    let report = scored(&jsonl(&references), &jsonl(&predictions), &exact).unwrap();
    assert_eq!((report.samples.len(), report.samples_left_out), (3, 5));
    assert_eq!(report.metrics["accuracy"].n, 8);
    assert!(serde_json::to_vec(&report).unwrap().len() < 4 << 20);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_fault() {
    let references = "\u{feff}{\"id\":\"a\",\"reference\":\"x\"}\r\n\r\n";
    let report = scored(references, "{\"id\":\"a\",\"prediction\":\"x\"}\r\n", &json!({})).unwrap();
    assert_eq!(report.metrics["accuracy"].value.total_cmp(&1.0), std::cmp::Ordering::Equal);
}

proptest! {
    #[test]
    fn every_sample_has_one_outcome_whatever_is_said(
        said in proptest::collection::vec(proptest::option::of(any::<String>()), 1..20),
        mode in proptest::sample::select(vec!["exact", "normalised", "contains", "numeric", "regex"]),
    ) {
        let references: Vec<Value> = (0..said.len())
            .map(|n| json!({ "id": format!("s{n}"), "reference": n.to_string() }))
            .collect();
        let predictions: Vec<Value> = said
            .iter()
            .enumerate()
            .filter_map(|(n, text)| {
                text.as_ref().map(|text| json!({ "id": format!("s{n}"), "prediction": text }))
            })
            .collect();
        let settings = json!({ "match": { "mode": mode } });
        let report = scored(&jsonl(&references), &jsonl(&predictions), &settings).unwrap();

        prop_assert_eq!(report.samples.len(), said.len());
        let count = |outcome| report.samples.iter().filter(|s| s.outcome == outcome).count();
        prop_assert_eq!(count(Outcome::Missing), said.iter().filter(|text| text.is_none()).count());
        prop_assert_eq!(
            count(Outcome::Correct) + count(Outcome::Incorrect) + count(Outcome::Missing),
            said.len()
        );
        let accuracy = report.metrics["accuracy"];
        let n_correct = f64::from(u32::try_from(count(Outcome::Correct)).unwrap());
        prop_assert!((accuracy.value * f64::from(accuracy.n) - n_correct).abs() < 1e-9);

        let mut backwards = predictions.clone();
        backwards.reverse();
        prop_assert_eq!(&report, &scored(&jsonl(&references), &jsonl(&backwards), &settings).unwrap());
    }

    #[test]
    fn a_reference_agrees_with_itself(text in "[ -~]{0,20}[a-z0-9]") {
        for mode in ["exact", "normalised", "contains"] {
            check(&json!({ "mode": mode }), &json!(text), &text, true);
        }
    }

    #[test]
    fn a_number_agrees_with_itself_and_what_is_near(value in -1e9_f64..1e9, share in 0.0_f64..0.9) {
        let rule = json!({ "mode": "numeric", "relative": 0.01, "absolute": 1e-9 });
        let near = value + value * 0.01 * share;
        let far = value * 1.02 + 1.0_f64.copysign(value);
        check(&rule, &json!(value.to_string()), &near.to_string(), true);
        check(&rule, &json!(value.to_string()), &far.to_string(), false);
    }

    #[test]
    fn no_input_makes_it_panic(
        references in any::<Vec<u8>>(), predictions in any::<Vec<u8>>(), settings in any::<Vec<u8>>(),
    ) {
        drop(Config::from_json(&settings));
        drop(score(&references[..], &predictions[..], &Config::default(), |_| ()));
    }
}
