//! What an eval must have shown before a model may enter a gate. Pure: the same jobs at the same
//! moment always give the same report.
//!
//! The question is not whether the measured value is good enough, but whether the true one is. So
//! the value is lowered by 1.645 standard errors, the one-sided lower 95 % confidence bound of a
//! value that is about normally distributed, and the bound has to reach the minimum. A metric
//! without a standard error has no bound and proves nothing, whatever its value: the eval has to
//! report one.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::Metric;
use crate::clock::Timestamp;
use crate::ids::{ConfigId, TaskId};
use crate::store::jobs::JobRow;

/// The 95th percentile of the standard normal distribution.
const Z_95: f64 = 1.645;

/// How many rules a promotion may have.
pub const MOST_RULES: usize = 20;

/// The longest name of a metric, in characters.
const LONGEST_METRIC: usize = 200;

/// The oldest a job may be allowed to be, in seconds: ten years.
const OLDEST: u64 = 315_360_000;

/// What an eval must have shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EvidenceRule {
    /// The eval task whose newest completed job counts.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9._-]{1,128}$"))]
    pub task_id: TaskId,
    /// Only jobs with this configuration; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", regex(pattern = r"^[A-Za-z0-9._-]{1,128}$"))]
    pub config_id: Option<ConfigId>,
    /// The metric, as the eval names it. It needs a standard error.
    #[schemars(length(min = 1, max = 200))]
    pub metric: String,
    /// What the lower 95 % confidence bound of the metric (value - 1.645 * stderr) must reach.
    pub min: f64,
    /// How old the job may be, in seconds, counted from its completion; 7 days when absent.
    #[serde(default = "a_week")]
    #[schemars(range(min = 1, max = 315_360_000))]
    pub max_age_seconds: u64,
    /// How many samples the metric must rest on at least; when absent, their number may be unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub min_samples: Option<u64>,
}

fn a_week() -> u64 {
    604_800
}

/// Why rules are refused. The words may be shown to a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// There are too many.
    #[error("requires must have at most {MOST_RULES} entries")]
    TooMany,
    /// One says what no eval can meet or be named by.
    #[error("requires[{index}].{what}")]
    Entry {
        /// Which one.
        index: usize,
        /// The member, and what it must be.
        what: &'static str,
    },
}

/// Checks of rules what their types cannot.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(rules: &[EvidenceRule]) -> Result<(), InvalidRule> {
    if MOST_RULES < rules.len() {
        return Err(InvalidRule::TooMany);
    }
    for (index, rule) in rules.iter().enumerate() {
        let wrong = |what| Err(InvalidRule::Entry { index, what });
        if !(1..=LONGEST_METRIC).contains(&rule.metric.chars().count()) {
            return wrong("metric must have 1 to 200 characters");
        }
        if !rule.min.is_finite() {
            return wrong("min must be a finite number");
        }
        if !(1..=OLDEST).contains(&rule.max_age_seconds) {
            return wrong("maxAgeSeconds must be between 1 and 315360000");
        }
        if rule.min_samples == Some(0) {
            return wrong("minSamples must be at least 1");
        }
    }
    Ok(())
}

/// How one rule was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The rule holds.
    Holds,
    /// There is no completed job.
    NoJob,
    /// The newest completed job is too old.
    TooOld,
    /// The job's result does not have the metric.
    NoMetric,
    /// The metric has no standard error, so that it has no bound.
    NoStandardError,
    /// The metric rests on too few samples, or on an unknown number.
    TooFewSamples,
    /// The bound is below the minimum.
    TooLow,
}

/// One rule and what was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceItem {
    /// The rule.
    #[serde(flatten)]
    pub rule: EvidenceRule,
    /// The job that counts.
    pub job_id: Option<String>,
    /// The measured value.
    pub value: Option<f64>,
    /// Its standard error.
    pub stderr: Option<f64>,
    /// The lower bound: the value less 1.645 standard errors.
    pub bound: Option<f64>,
    /// The number of samples.
    pub n: Option<u64>,
    /// How old the job is, in seconds.
    pub age_seconds: Option<i64>,
    /// Whether the rule holds, and if not, why not.
    pub verdict: Verdict,
    /// The same as a sentence.
    pub sentence: String,
}

/// All rules and what was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceReport {
    /// Whether every rule holds.
    pub holds: bool,
    /// One item a rule, in the order of the rules.
    pub items: Vec<EvidenceItem>,
}

impl EvidenceReport {
    /// Gathers items.
    pub fn new(items: Vec<EvidenceItem>) -> Self {
        let holds = items.iter().all(|item| item.verdict == Verdict::Holds);
        Self { holds, items }
    }

    /// Why the evidence does not do, in one sentence.
    pub fn refusal(&self) -> String {
        let failed = self.items.iter().filter(|item| item.verdict != Verdict::Holds);
        let mut text = "the evidence asked for is not there".to_owned();
        for (n, item) in failed.enumerate() {
            // Writing to a string cannot fail.
            let _ = write!(text, "{} {}", if n == 0 { ":" } else { ";" }, item.sentence);
        }
        text
    }
}

/// Judges one rule by the newest completed job of its task, if there is one.
pub fn judge(rule: &EvidenceRule, job: Option<&JobRow>, now: Timestamp) -> EvidenceItem {
    let mut item = EvidenceItem {
        rule: rule.clone(),
        job_id: job.map(|job| job.job_id.clone()),
        value: None,
        stderr: None,
        bound: None,
        n: None,
        age_seconds: None,
        verdict: Verdict::NoJob,
        sentence: String::new(),
    };
    let metric = job.and_then(|job| metric_of(job, &rule.metric));
    let age = job.and_then(|job| Some(now.since(Timestamp::parse(&job.updated_at).ok()?)));
    item.age_seconds = age.map(time::Duration::whole_seconds);
    if let Some(Metric { value, stderr, n }) = metric {
        (item.value, item.stderr, item.n) = (Some(value), stderr, n);
        item.bound = stderr.map(|stderr| value - Z_95 * stderr);
    }
    item.verdict = verdict(rule, &item, metric.is_some());
    item.sentence = sentence(rule, &item);
    item
}

fn verdict(rule: &EvidenceRule, item: &EvidenceItem, has_metric: bool) -> Verdict {
    // A job from the future is a clock that was set back, and its age is unknown.
    let fresh = |age: i64| u64::try_from(age).is_ok_and(|age| age <= rule.max_age_seconds);
    if item.job_id.is_none() {
        Verdict::NoJob
    } else if !item.age_seconds.is_some_and(fresh) {
        Verdict::TooOld
    } else if !has_metric {
        Verdict::NoMetric
    } else if rule.min_samples.is_some_and(|least| item.n.is_none_or(|n| n < least)) {
        Verdict::TooFewSamples
    } else {
        match item.bound {
            None => Verdict::NoStandardError,
            Some(bound) if rule.min <= bound => Verdict::Holds,
            Some(_) => Verdict::TooLow,
        }
    }
}

fn metric_of(job: &JobRow, name: &str) -> Option<Metric> {
    #[derive(Deserialize)]
    struct Result {
        #[serde(default)]
        statistics: std::collections::BTreeMap<String, Metric>,
    }
    let result: Result = serde_json::from_str(job.result_json.as_deref()?).ok()?;
    let metric = *result.statistics.get(name)?;
    let usable = |number: f64| number.is_finite();
    let stderr = metric.stderr.filter(|stderr| usable(*stderr) && 0.0 <= *stderr);
    usable(metric.value).then_some(Metric { stderr, ..metric })
}

fn sentence(rule: &EvidenceRule, item: &EvidenceItem) -> String {
    let EvidenceRule { task_id, metric, min, .. } = rule;
    let with = rule.config_id.as_ref().map_or_else(String::new, |id| format!(" with {id}"));
    let eval = format!("{task_id}{with}");
    let job = item.job_id.as_deref().unwrap_or_default();
    let value = item.value.unwrap_or(f64::NAN);
    let bound = item.bound.unwrap_or(f64::NAN);
    match item.verdict {
        Verdict::NoJob => format!("no eval of {eval} has completed"),
        Verdict::TooOld => {
            let age = item.age_seconds.map_or_else(String::new, |age| format!(" is {age} s old"));
            let limit = rule.max_age_seconds;
            format!("the newest eval of {eval} ({job}){age}, and {limit} s are allowed")
        }
        Verdict::NoMetric => format!("{job} has no metric {metric}"),
        Verdict::NoStandardError => format!(
            "{metric} of {job} is {value:.4} without a standard error, so that nothing is known \
             about how sure it is"
        ),
        Verdict::TooFewSamples => {
            let n = item.n.map_or_else(|| "an unknown number of".to_owned(), |n| n.to_string());
            let least = rule.min_samples.unwrap_or_default();
            format!("{metric} of {job} rests on {n} samples, and {least} are needed")
        }
        Verdict::TooLow => format!(
            "{metric} of {job} is {value:.4}, surely only above {bound:.4} (95 %), and {min} is \
             needed"
        ),
        Verdict::Holds => format!(
            "{metric} of {job} is {value:.4}, surely above {bound:.4} (95 %), and {min} is needed"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::jobs::JobStatus;

    const AT: &str = "2026-11-21T00:00:00.000Z";

    fn job(statistics: &str) -> JobRow {
        let ids = ("job_a".to_owned(), "safety".to_owned(), "full".to_owned());
        JobRow {
            result_json: Some(format!(r#"{{"statistics":{statistics}}}"#)),
            ..JobRow::accepted(JobStatus::Completed, ids, AT, ("ci", "local"))
        }
    }

    fn rule() -> EvidenceRule {
        EvidenceRule {
            task_id: TaskId::parse("safety").unwrap(),
            config_id: None,
            metric: "accuracy".to_owned(),
            min: 0.9,
            max_age_seconds: 3600,
            min_samples: Some(100),
        }
    }

    #[track_caller]
    fn check(job: Option<&JobRow>, age: i64, expected: Verdict) -> EvidenceItem {
        let now = Timestamp::parse(AT).unwrap().plus(time::Duration::seconds(age));
        let item = judge(&rule(), job, now);
        assert_eq!(item.verdict, expected, "{item:?}");
        assert!(!item.sentence.contains("NaN"), "{}", item.sentence);
        item
    }

    #[test]
    fn the_lower_bound_decides_and_not_the_value() {
        let good = job(r#"{"accuracy":{"value":0.95,"stderr":0.02,"n":100}}"#);
        let item = check(Some(&good), 10, Verdict::Holds);
        assert_eq!(item.bound, Some(0.95 - 1.645 * 0.02));
        let unsure = job(r#"{"accuracy":{"value":0.95,"stderr":0.04,"n":100}}"#);
        let item = check(Some(&unsure), 10, Verdict::TooLow);
        assert_eq!(
            item.sentence,
            "accuracy of job_a is 0.9500, surely only above 0.8842 (95 %), and 0.9 is needed"
        );
    }

    #[test]
    fn what_is_missing_never_holds() {
        check(None, 10, Verdict::NoJob);
        let good = job(r#"{"accuracy":{"value":0.99,"stderr":0.001,"n":100}}"#);
        check(Some(&good), 3600, Verdict::Holds);
        check(Some(&good), 3601, Verdict::TooOld);
        check(Some(&good), -1, Verdict::TooOld);
        check(Some(&job(r#"{"f1":{"value":1.0,"stderr":0.0,"n":100}}"#)), 10, Verdict::NoMetric);
        let few = job(r#"{"accuracy":{"value":1.0,"stderr":0.0,"n":99}}"#);
        check(Some(&few), 10, Verdict::TooFewSamples);
        let unknown = job(r#"{"accuracy":{"value":1.0,"stderr":0.0}}"#);
        check(Some(&unknown), 10, Verdict::TooFewSamples);
        let unsure = job(r#"{"accuracy":{"value":1.0,"n":100}}"#);
        check(Some(&unsure), 10, Verdict::NoStandardError);
        let negative = job(r#"{"accuracy":{"value":0.5,"stderr":-1.0,"n":100}}"#);
        check(Some(&negative), 10, Verdict::NoStandardError);
    }

    #[test]
    fn a_report_holds_only_as_a_whole_and_names_what_does_not() {
        let now = Timestamp::parse(AT).unwrap();
        let good = job(r#"{"accuracy":{"value":0.99,"stderr":0.001,"n":100}}"#);
        let holds = judge(&rule(), Some(&good), now);
        let missing = judge(&rule(), None, now);
        assert!(EvidenceReport::new(vec![holds.clone()]).holds);
        let report = EvidenceReport::new(vec![holds, missing]);
        assert!(!report.holds);
        assert_eq!(
            report.refusal(),
            "the evidence asked for is not there: no eval of safety has completed"
        );
    }
}
