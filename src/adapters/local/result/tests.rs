//! Results as the tools really write them, and ones that they do not.

use std::collections::BTreeMap;

use super::*;
use crate::adapters::Metric;

macro_rules! recorded {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/results/", $file))
    };
}

fn metric(value: f64, stderr: Option<f64>, n: Option<u64>) -> Metric {
    Metric { value, stderr, n }
}

fn read_text(format: ResultFormat, text: &str) -> Result<BTreeMap<String, Metric>, ResultProblem> {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("result.json"), text).unwrap();
    let read = read(directory.path(), format).unwrap().expect("there is a result");
    read.map(Metrics::into_map)
}

#[track_caller]
fn check<const N: usize>(format: ResultFormat, text: &str, expected: [(&str, Metric); N]) {
    let expected: BTreeMap<_, _> = expected.map(|(name, metric)| (name.to_owned(), metric)).into();
    assert_eq!(read_text(format, text), Ok(expected));
}

#[track_caller]
fn check_invalid(format: ResultFormat, text: &str, part: &str) {
    let problem = read_text(format, text).expect_err("the result should be refused");
    assert!(matches!(problem, ResultProblem::Invalid(_)), "{problem:?}");
    assert!(problem.to_string().contains(part), "{problem} does not contain {part:?}");
}

#[track_caller]
fn check_failed(format: ResultFormat, text: &str, part: &str) {
    let problem = read_text(format, text).expect_err("the result should be a failure");
    assert!(matches!(problem, ResultProblem::EvalFailed(_)), "{problem:?}");
    assert!(problem.to_string().contains(part), "{problem} does not contain {part:?}");
}

#[test]
fn the_plain_form_has_values_with_or_without_more() {
    check(
        ResultFormat::Plain,
        r#"{"metrics": {"accuracy": {"value": 0.9, "stderr": 0.03, "n": 100}, "f1/macro @5": 1,
            "delta": -0.5, "loss": {"value": 2, "stderr": null}}, "samples": [{"ok": true}]}"#,
        [
            ("accuracy", metric(0.9, Some(0.03), Some(100))),
            ("f1/macro @5", metric(1.0, None, None)),
            ("delta", metric(-0.5, None, None)),
            ("loss", metric(2.0, None, None)),
        ],
    );
}

#[test]
fn a_faulty_plain_result_is_refused_with_its_fault() {
    let plain = ResultFormat::Plain;
    check_invalid(plain, "", "it is empty");
    check_invalid(plain, "accuracy: 1", "line 1 column 1");
    check_invalid(plain, "{}", "missing field `metrics`");
    check_invalid(plain, r#"{"metrics": []}"#, "metrics by name");
    check_invalid(plain, r#"{"metrics": {}}"#, "no metrics");
    check_invalid(plain, r#"{"metrics": {"a": "high"}}"#, "expected a number, or an object");
    check_invalid(plain, r#"{"metrics": {"a": NaN}}"#, "line 1 column");
    check_invalid(plain, r#"{"metrics": {"a": 1e999}}"#, "out of range");
    check_invalid(plain, r#"{"metrics": {"a": {"stderr": 1}}}"#, "missing field `value`");
    check_invalid(plain, r#"{"metrics": {"a": {"value": 1, "std": 1}}}"#, "unknown field `std`");
    check_invalid(plain, r#"{"metrics": {"a": {"value": 1, "stderr": -1}}}"#, "stderr of `a`");
    check_invalid(plain, r#"{"metrics": {"a": {"value": 1, "n": 1.5}}}"#, "expected u64");
    check_invalid(plain, r#"{"metrics": {"a": 1, "a": 2}}"#, "`a` twice");
    check_invalid(plain, r#"{"metrics": {"": 1}}"#, "no name of a metric");
    check_invalid(plain, r#"{"metrics": {"a\n": 1}}"#, "no name of a metric");
    check_invalid(plain, r#"{"metrics": {"a": 1}} trailing"#, "trailing characters");
    check_invalid(plain, r#"{"metrics": {"a": 1"#, "EOF");
    let many: Vec<String> = (0..257).map(|number| format!("\"m{number}\": 1")).collect();
    check_invalid(plain, &format!("{{\"metrics\": {{{}}}}}", many.join(",")), "more than 256");
    check_invalid(plain, &" ".repeat((4 << 20) + 1), "larger than 4 MiB");
    check_invalid(plain, &"[".repeat(100_000), "line 1 column");
}

#[test]
fn inspect_logs_are_read() {
    let inspect = ResultFormat::InspectAi;
    let mean = metric(0.75, Some(0.25), Some(4));
    check(inspect, recorded!("inspect-success.json"), [("mean", mean)]);
    check(
        inspect,
        recorded!("inspect-two-scorers.json"),
        [("exact/mean", mean), ("match/accuracy", mean)],
    );
    let two_estimates = r#"{"status": "success", "results": {"completed_samples": 2, "scores": [
        {"name": "s", "metrics": {"low[a]": {"value": 0}, "high": {"value": 1}, "stderr": {"value": 0.5}, "none": {"value": null}}}]}}"#;
    let without = |value| metric(value, None, Some(2));
    check(
        inspect,
        two_estimates,
        [("low_a_", without(0.0)), ("high", without(1.0)), ("stderr", without(0.5))],
    );
}

#[test]
fn an_inspect_log_of_an_eval_that_went_wrong_is_a_failure_whatever_the_exit_code() {
    let inspect = ResultFormat::InspectAi;
    let error = recorded!("inspect-error.json");
    check_failed(
        inspect,
        error,
        "it ended as \"error\": RuntimeError('the solver failed on purpose')",
    );
    check_failed(inspect, r#"{"status": "started"}"#, "it ended as \"started\"");
    check_invalid(inspect, r#"{"status": "success"}"#, "no scores");
    check_invalid(inspect, r#"{"status": "success", "results": {"scores": []}}"#, "no metrics");
    check_invalid(inspect, "{}", "missing field `status`");
}

#[test]
fn lm_eval_results_are_read() {
    let lm_eval = ResultFormat::LmEval;
    let first = metric(0.75, Some(0.25), Some(4));
    check(lm_eval, recorded!("lm-eval-one-task.json"), [("acc", first), ("acc_norm", first)]);
    let read = read_text(lm_eval, recorded!("lm-eval-two-tasks.json")).unwrap();
    let names: Vec<&str> = read.keys().map(String::as_str).collect();
    assert_eq!(names, ["sums/acc", "sums/acc_norm", "sums_again/acc", "sums_again/acc_norm"]);
    assert_eq!(read["sums_again/acc"].n, Some(4));
    check(
        lm_eval,
        r#"{"results": {"gsm8k": {"alias": "gsm8k", "exact_match,strict-match": 0.5,
            "exact_match_stderr,strict-match": "N/A", "exact_match,flexible-extract": 0.6}}}"#,
        [
            ("exact_match,strict-match", metric(0.5, None, None)),
            ("exact_match,flexible-extract", metric(0.6, None, None)),
        ],
    );
    check_invalid(lm_eval, "{}", "missing field `results`");
    check_invalid(lm_eval, r#"{"results": {"t": {"alias": "t"}}}"#, "no metrics");
}

#[test]
fn promptfoo_results_are_a_pass_rate() {
    let promptfoo = ResultFormat::Promptfoo;
    let stderr = (0.75_f64 * 0.25 / 4.0).sqrt();
    let expected = [("pass_rate", metric(0.75, Some(stderr), Some(4)))];
    check(promptfoo, recorded!("promptfoo.json"), expected);
    let stats = |stats: &str| format!(r#"{{"results": {{"stats": {stats}}}}}"#);
    check_failed(
        promptfoo,
        &stats(r#"{"successes": 0, "failures": 0, "errors": 3}"#),
        "all 3 tests ended in an error",
    );
    check_invalid(promptfoo, &stats(r#"{"successes": 0, "failures": 0}"#), "no test");
    check_invalid(promptfoo, &stats(r#"{"successes": -1, "failures": 0}"#), "u32");
}

#[test]
fn the_result_that_the_command_was_told_to_write_comes_first_then_the_newest() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, value: u8, age: u64| {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!(r#"{{"metrics": {{"a": {value}}}}}"#)).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        let modified = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 - age);
        file.set_modified(modified).unwrap();
    };
    let value = || {
        let read = read(directory.path(), ResultFormat::Plain).unwrap();
        read.map(|metrics| metrics.unwrap().into_map()["a"].value)
    };
    assert_eq!(value(), None);
    write("notes.txt", 0, 0);
    assert_eq!(value(), None);
    write("z_old.json", 1, 20);
    assert_eq!(value(), Some(1.0));
    write("model/results_new.JSON", 2, 10);
    assert_eq!(value(), Some(2.0));
    write("result.json", 3, 30);
    assert_eq!(value(), Some(3.0));
}

#[test]
fn a_result_that_is_no_regular_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let told = directory.path().join("result.json");
    std::os::unix::fs::symlink("/dev/zero", &told).unwrap();
    let read_it = || read(directory.path(), ResultFormat::Plain).unwrap().unwrap().unwrap_err();
    assert_eq!(read_it().to_string(), "the result is not valid: it is not a regular file");
    fs::remove_file(&told).unwrap();
    fs::create_dir(&told).unwrap();
    assert_eq!(read_it().to_string(), "the result is not valid: it is not a regular file");
}
