//! Scoring files.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::Arguments;
use super::super::run::run_telling;
use super::jsonl;

struct Files {
    directory: tempfile::TempDir,
    arguments: Arguments,
}

fn files(references: &str, predictions: &str, settings: &Value) -> Files {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("references.jsonl"), references).unwrap();
    std::fs::write(at("predictions.jsonl"), predictions).unwrap();
    std::fs::write(at("config.json"), settings.to_string()).unwrap();
    let arguments = Arguments {
        references: at("references.jsonl"),
        predictions: at("predictions.jsonl"),
        config: at("config.json"),
        result: at("result.json"),
    };
    Files { directory, arguments }
}

#[test]
fn a_run_tells_its_progress_and_leaves_nothing_but_the_result() {
    let lines: Vec<Value> =
        (0..250).map(|n| json!({ "id": n.to_string(), "reference": "x" })).collect();
    let said = jsonl(&[json!({ "id": "0", "prediction": "x" })]);
    let files = files(&jsonl(&lines), &said, &json!({}));
    let mut out = Vec::new();
    run_telling(&files.arguments, &mut out).unwrap();

    let out = String::from_utf8(out).unwrap();
    let told: Vec<&str> = out.lines().collect();
    assert_eq!(told.first(), Some(&"LUKHAS_PROGRESS 0.000 scored 0 of 250, 0 correct"));
    assert_eq!(told.last(), Some(&"LUKHAS_PROGRESS 1.000 scored 250 of 250, 1 correct"));
    assert_eq!(told.len(), 101);
    let result = std::fs::read(&files.arguments.result).unwrap();
    let result: Value = serde_json::from_slice(&result).unwrap();
    assert_eq!(result["metrics"]["missing"], json!({ "value": 249.0, "n": 250 }));
    let names: BTreeSet<_> = std::fs::read_dir(files.directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 4, "{names:?}");
}

#[test]
fn a_run_that_fails_leaves_the_earlier_result_and_names_no_path() {
    let mut files = files("{\"id\":\"a\",\"reference\":\"x\"}\n", "oops", &json!({}));
    std::fs::write(&files.arguments.result, "earlier").unwrap();
    let err = run_telling(&files.arguments, &mut Vec::new()).unwrap_err();
    assert_eq!(err.to_string(), "predictions line 1: expected value (column 1)");
    assert_eq!(std::fs::read(&files.arguments.result).unwrap(), b"earlier");

    std::fs::write(&files.arguments.predictions, "").unwrap();
    files.arguments.result = files.directory.path().join("nowhere").join("result.json");
    let err = run_telling(&files.arguments, &mut Vec::new()).unwrap_err();
    assert_eq!(err.to_string(), "the result file cannot be written");

    std::fs::remove_file(&files.arguments.references).unwrap();
    let err = run_telling(&files.arguments, &mut Vec::new()).unwrap_err();
    assert_eq!(err.to_string(), "the references file cannot be read");
}

#[test]
fn nobody_listening_costs_no_result() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let files = files("{\"id\":\"a\",\"reference\":\"x\"}\n", "", &json!({}));
    run_telling(&files.arguments, &mut Closed).unwrap();
    assert!(files.arguments.result.exists());
}

#[test]
fn a_pace_slows_a_run_down() {
    let references =
        jsonl(&[json!({ "id": "a", "reference": "x" }), json!({ "id": "b", "reference": "x" })]);
    let files = files(&references, "", &json!({ "pace_ms": 25 }));
    let started = std::time::Instant::now();
    run_telling(&files.arguments, &mut Vec::new()).unwrap();
    assert!(started.elapsed() >= std::time::Duration::from_millis(50));
}
