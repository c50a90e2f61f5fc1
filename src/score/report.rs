//! The result file: the plain JSON form of a result, and what led to it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::config::Config;
use super::rule::Mode;
use super::statistics::Proportion;

/// What scoring found. `metrics` alone is the plain form that the runner reads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `accuracy`, `accuracy.<group>` for each group, and `missing`.
    pub metrics: BTreeMap<String, Metric>,
    /// For each accuracy, by the same name, where the true share may well lie.
    pub intervals: BTreeMap<String, Interval>,
    /// The config, defaults filled in.
    pub config: Config,
    /// The samples that were scored, in the references' order; empty if the config says so.
    pub samples: Vec<SampleReport>,
    /// How many samples were scored and are not told of above, so that the file stays small enough
    /// to be read.
    pub samples_left_out: u32,
}

/// One measured number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Metric {
    /// The estimate: a share from 0 to 1 for an accuracy, a number of samples for `missing`.
    pub value: f64,
    /// Its standard error, in the unit of the value; none for a count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<f64>,
    /// The number of samples it rests on.
    pub n: u32,
}

/// An interval for a share.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// How it was made.
    pub method: &'static str,
    /// The confidence level.
    pub level: f64,
    /// The lower end, from 0.
    pub low: f64,
    /// The upper end, to 1.
    pub high: f64,
}

/// What became of one sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampleReport {
    /// The sample's id.
    pub id: String,
    /// The sample's group, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The right answers.
    pub reference: Vec<String>,
    /// What the model said; null when there is no prediction.
    pub prediction: Option<String>,
    /// What came of comparing them.
    pub outcome: Outcome,
    /// The mode of the rule under which the prediction is correct.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched_by: Option<Mode>,
    /// What of the prediction was compared, where that differs from the prediction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_as: Option<String>,
}

/// What came of comparing a prediction with its references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It agrees with one of them.
    Correct,
    /// It agrees with none.
    Incorrect,
    /// There is none, which counts as incorrect.
    Missing,
}

/// The outcomes so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    all: Count,
    groups: BTreeMap<String, Count>,
    n_missing: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    n_correct: u32,
    n: u32,
}

impl Tally {
    /// Counts one more sample.
    pub(super) fn add(&mut self, group: Option<&str>, outcome: Outcome) {
        self.all.add(outcome);
        if let Some(group) = group {
            self.groups.entry(group.to_owned()).or_default().add(outcome);
        }
        self.n_missing += u32::from(outcome == Outcome::Missing);
    }

    /// How many were counted.
    pub(super) fn n(&self) -> u32 {
        self.all.n
    }

    /// How many of them are correct.
    pub(super) fn n_correct(&self) -> u32 {
        self.all.n_correct
    }

    /// The figures; no accuracy where nothing was counted.
    pub(super) fn report(self, config: Config, samples: Vec<SampleReport>) -> Report {
        let n_told = u32::try_from(samples.len()).unwrap_or(u32::MAX);
        let samples_left_out = self.all.n.saturating_sub(n_told);
        let mut metrics = BTreeMap::new();
        let mut intervals = BTreeMap::new();
        let groups =
            self.groups.into_iter().map(|(group, count)| (format!("accuracy.{group}"), count));
        for (name, count) in groups.chain([("accuracy".to_owned(), self.all)]) {
            let Some(share) = Proportion::new(count.n_correct, count.n) else { continue };
            let stderr = Some(share.standard_error());
            metrics.insert(name.clone(), Metric { value: share.value(), stderr, n: count.n });
            let (low, high) = share.wilson_95();
            intervals.insert(name, Interval { method: "wilson", level: 0.95, low, high });
        }
        let missing = Metric { value: f64::from(self.n_missing), stderr: None, n: self.all.n };
        metrics.insert("missing".to_owned(), missing);
        Report { metrics, intervals, config, samples, samples_left_out }
    }
}

impl Count {
    fn add(&mut self, outcome: Outcome) {
        self.n += 1;
        self.n_correct += u32::from(outcome == Outcome::Correct);
    }
}
