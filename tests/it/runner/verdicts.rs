//! What a run's end comes to: the result is the verdict, the exit code a hint.

use super::*;

#[tokio::test]
async fn a_result_counts_whatever_the_exit_code() {
    let machine = Machine::new();
    machine.script("unlucky", &format!("{RESULT}; exit 100"), "");
    let result = done(run_to_end(&machine, "unlucky").await);
    assert_eq!(result.exit_code, Some(100));
}

#[tokio::test]
async fn a_good_exit_without_a_result_is_a_failure() {
    let machine = Machine::new();
    machine.script("silent", "exit 0", "");
    let failure = failed(run_to_end(&machine, "silent").await, FailureReason::NoResult);
    assert_eq!(failure.message, "the run exited with code 0 and left no result");
    assert_eq!(failure.exit_code, Some(0));
}

#[tokio::test]
async fn a_failure_quotes_the_last_words_without_the_machines_paths() {
    let machine = Machine::new();
    let script =
        r#"echo first >&2; printf '\033[31mcannot open %s/data\033[0m\n\n' "$PWD" >&2; exit 3"#;
    machine.script("failing", script, "");
    let failure = failed(run_to_end(&machine, "failing").await, FailureReason::NoResult);
    let expected = "the run exited with code 3 and left no result; its last words: cannot open {repository}/data";
    assert_eq!(failure.message, expected);
    assert_eq!(failure.exit_code, Some(3));
}

#[tokio::test]
async fn a_run_that_the_kernel_ended_says_why() {
    let machine = Machine::new();
    machine.script("spinning", "while :; do :; done", "");
    let text = machine.read("evals/tasks/spinning.toml");
    machine.write("evals/tasks/spinning.toml", &format!("{text}[limits]\ncpu_seconds = 1\n"));
    let failure = failed(run_to_end(&machine, "spinning").await, FailureReason::NoResult);
    let expected =
        "the run was ended by signal 24 (its processor time was used up) and left no result";
    assert_eq!(failure.message, expected);
    assert_eq!(failure.exit_code, None);
}

#[tokio::test]
async fn an_invalid_result_is_a_failure_that_says_what_is_wrong() {
    let machine = Machine::new();
    machine.script("vague", r#"echo '{"metrics": {"accuracy": "high"}}' > "$1""#, "");
    let failure = failed(run_to_end(&machine, "vague").await, FailureReason::InvalidResult);
    assert!(failure.message.starts_with("the result is not valid: invalid type: string \"high\""));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_not_started() {
    let machine = Machine::new();
    machine.task("absent", &["no-such-program"], "");
    let failure = failed(run_to_end(&machine, "absent").await, FailureReason::NotStarted);
    let expected = "the run could not be started: the program no-such-program was not found";
    assert_eq!(failure.message, expected);
    machine.task("folder", &["{repository}"], "");
    let failure = failed(run_to_end(&machine, "folder").await, FailureReason::NotStarted);
    assert!(failure.message.contains("the program {repository} cannot be executed"));
    machine.task("nowhere", &["true"], "");
    fs::remove_dir(machine.path("repository")).unwrap();
    let failure = failed(run_to_end(&machine, "nowhere").await, FailureReason::NotStarted);
    assert!(failure.message.contains("its working directory {repository} cannot be entered"));
}

#[tokio::test]
async fn each_tools_own_result_is_read() {
    let machine = Machine::new();
    for (format, file, metric) in [
        ("inspect-ai", "inspect-success.json", "mean"),
        ("lm-eval", "lm-eval-one-task.json", "acc"),
        ("promptfoo", "promptfoo.json", "pass_rate"),
    ] {
        let recorded =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/results").join(file);
        fs::copy(recorded, machine.path("evals/tasks").join(file)).unwrap();
        let script = format!("mkdir \"$2/model\" && cp \"$1/{file}\" \"$2/model\"; exit 100");
        let command = ["sh", "-c", &script, "sh", "{task_dir}", "{result_dir}"];
        let more = format!("result_format = {format:?}\n[environment]\npass = [\"PATH\"]");
        machine.task(format, &command, &more);
        let result = done(run_to_end(&machine, format).await);
        assert_eq!(result.metrics[metric].value.to_bits(), 0.75_f64.to_bits());
        assert_eq!(result.metrics[metric].n, Some(4));
        assert_eq!(result.artifacts, [format!("result/model/{file}")]);
    }
}

#[tokio::test]
async fn an_eval_that_went_wrong_is_a_failure_although_its_tool_exits_well() {
    let machine = Machine::new();
    let recorded = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/results/inspect-error.json"
    ));
    machine.write("evals/tasks/log.json", recorded);
    let command = ["cp", "{task_dir}/log.json", "{result_dir}/2026_log.json"];
    machine.task("wrong", &command, "result_format = \"inspect-ai\"");
    let failure = failed(run_to_end(&machine, "wrong").await, FailureReason::EvalError);
    assert_eq!(failure.exit_code, Some(0));
    assert!(failure.message.contains("the solver failed on purpose"), "{}", failure.message);
}
