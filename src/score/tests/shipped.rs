//! The evals that come with the program: every configuration works on them, and the page says of
//! them what is so.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::{Config, Report, Rule, score};

const RECORDINGS: [(&str, &str); 2] =
    [("smollm2.quick", "predictions.jsonl"), ("smollm2.chat", "predictions-chat.jsonl")];

const CONFIGS: [&str; 7] =
    ["default", "exact", "normalised", "contains", "numeric", "last-word", "slow-motion"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn report(predictions: &str, config: &str) -> Report {
    let evals = root().join("assets/evals");
    let config = std::fs::read_to_string(evals.join(format!("configs/{config}.toml"))).unwrap();
    // As the runner hands it over.
    let config: Value = toml::from_str(&config).unwrap();
    let config = Config::from_json(config.to_string().as_bytes()).unwrap();
    let data = evals.join("data/smollm2-quick");
    let references = std::fs::read(data.join("references.jsonl")).unwrap();
    let predictions = std::fs::read(data.join(predictions)).unwrap();
    score(&references[..], &predictions[..], &config, |_| ()).unwrap()
}

fn row(task: &str, config: &str, report: &Report) -> String {
    let accuracy = report.metrics["accuracy"];
    let interval = report.intervals["accuracy"];
    format!(
        "| `{task}` | `{config}` | {} | {:.1} % ± {:.1} % | {:.1} – {:.1} % |",
        accuracy.n,
        accuracy.value * 100.0,
        accuracy.stderr.unwrap() * 100.0,
        interval.low * 100.0,
        interval.high * 100.0,
    )
}

#[test]
fn the_page_has_the_figures_that_the_shipped_evals_give() {
    let page = std::fs::read_to_string(root().join("docs/evals.md")).unwrap();
    let mut missing = Vec::new();
    for (task, predictions) in RECORDINGS {
        for config in CONFIGS.iter().filter(|config| **config != "slow-motion") {
            let row = row(task, config, &report(predictions, config));
            if !page.contains(&row) {
                missing.push(row);
            }
        }
    }
    assert!(missing.is_empty(), "docs/evals.md lacks:\n{}", missing.join("\n"));
}

#[test]
fn no_shipped_configuration_is_forgotten_here() {
    let mut on_disk: Vec<String> = std::fs::read_dir(root().join("assets/evals/configs"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    on_disk.sort();
    let mut known = CONFIGS.to_vec();
    known.sort_unstable();
    assert_eq!(on_disk, known);
}

#[test]
fn every_shipped_sample_was_answered() {
    for (_, predictions) in RECORDINGS {
        let report = report(predictions, "slow-motion");
        assert_eq!(report.samples.len(), 60);
        assert!(report.metrics["missing"].value.abs() < f64::EPSILON);
        assert_eq!(report.config.rule, Rule::default());
    }
}
