//! From references and predictions to a report.

use std::collections::BTreeSet;
use std::io::BufRead;

use super::config::{Config, SampleRules};
use super::error::{ConfigFault, Input, LineFault, ScoreError};
use super::input::{Sample, read_predictions, read_references};
use super::report::{Outcome, Report, SampleReport, Tally};
use super::rule::Matcher;

/// How much of the result the samples may take, in bytes of JSON. The runner reads plain results
/// of up to 4 MiB, and the config and the metrics want some of it.
const MAX_SAMPLES_BYTES: usize = 3 << 20;

/// How far scoring has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How many samples are scored.
    pub done: u32,
    /// How many there are.
    pub total: u32,
    /// How many of those scored are correct.
    pub correct: u32,
}

/// Compares predictions with references, both as JSONL, as the config says.
///
/// Everything that can be wrong is found before the first sample is scored. `on_progress` is told
/// the start and then each sample.
///
/// # Errors
/// A reader fails, a line is wrong, an id stands twice or has no reference, or a rule cannot be
/// applied.
pub fn score(
    references: impl BufRead,
    predictions: impl BufRead,
    config: &Config,
    mut on_progress: impl FnMut(Progress),
) -> Result<Report, ScoreError> {
    let samples = read_references(references)?;
    if samples.is_empty() {
        return Err(ScoreError::NoSamples);
    }
    let predictions = read_predictions(predictions, &samples)?;
    check_groups(config, &samples)?;
    let common = config.matcher()?;
    let chosen: Vec<(&Sample, Option<String>)> =
        samples.iter().zip(predictions).filter(|(sample, _)| is_chosen(config, sample)).collect();
    for (sample, _) in &chosen {
        own_matcher(config, sample)?
            .as_ref()
            .unwrap_or(&common)
            .check(&sample.references)
            .map_err(|fault| reference_line(sample, fault.into()))?;
    }

    let total = u32::try_from(chosen.len()).unwrap_or(u32::MAX);
    let mut tally = Tally::default();
    let mut reports = Vec::new();
    let mut bytes_left = if config.samples { MAX_SAMPLES_BYTES } else { 0 };
    on_progress(Progress { done: 0, total, correct: 0 });
    for (sample, prediction) in chosen {
        let own = own_matcher(config, sample)?;
        let report = judge(own.as_ref().unwrap_or(&common), sample, prediction)?;
        tally.add(report.group.as_deref(), report.outcome);
        // The first one that does not fit ends the list, so that what is told has no gaps.
        bytes_left = bytes_left.saturating_sub(size_of_json(&report));
        if bytes_left > 0 {
            reports.push(report);
        }
        on_progress(Progress { done: tally.n(), total, correct: tally.n_correct() });
    }
    Ok(tally.report(config.clone(), reports))
}

fn size_of_json(report: &SampleReport) -> usize {
    let json = serde_json::to_vec(report);
    json.expect("strings and numbers can always be written as JSON").len() + 1
}

fn is_chosen(config: &Config, sample: &Sample) -> bool {
    config.groups.is_empty()
        || sample.group.as_ref().is_some_and(|group| config.groups.contains(group))
}

fn check_groups(config: &Config, samples: &[Sample]) -> Result<(), ScoreError> {
    let known: BTreeSet<&String> =
        samples.iter().filter_map(|sample| sample.group.as_ref()).collect();
    match config.groups.iter().find(|group| !known.contains(group)) {
        None => Ok(()),
        Some(name) => Err(ScoreError::Config(ConfigFault::UnknownGroup {
            name: name.clone(),
            known: known.into_iter().cloned().collect(),
        })),
    }
}

/// The matcher for the rule that the sample brings, if it brings one and that counts.
fn own_matcher(config: &Config, sample: &Sample) -> Result<Option<Matcher>, ScoreError> {
    let rule = match config.sample_rules {
        SampleRules::Honour => sample.rule.as_ref(),
        SampleRules::Ignore => None,
    };
    rule.map(Matcher::new).transpose().map_err(|fault| reference_line(sample, fault.into()))
}

fn reference_line(sample: &Sample, fault: LineFault) -> ScoreError {
    ScoreError::Line { file: Input::References, line: sample.line, fault }
}

fn judge(
    matcher: &Matcher,
    sample: &Sample,
    prediction: Option<String>,
) -> Result<SampleReport, ScoreError> {
    let mut report = SampleReport {
        id: sample.id.clone(),
        group: sample.group.clone(),
        reference: sample.references.clone(),
        prediction,
        outcome: Outcome::Missing,
        matched_by: None,
        read_as: None,
    };
    if let Some(prediction) = &report.prediction {
        let verdict = matcher
            .judge(&sample.references, prediction)
            .map_err(|fault| reference_line(sample, fault.into()))?;
        report.outcome = if verdict.is_correct { Outcome::Correct } else { Outcome::Incorrect };
        report.matched_by = verdict.is_correct.then(|| matcher.mode());
        report.read_as = verdict.read_as;
    }
    Ok(report)
}
