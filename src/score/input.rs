//! Reading references and predictions: one JSON object a line, blank lines skipped.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::{BufRead, Read};

use serde::de::{DeserializeOwned, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::config::json_fault;
use super::error::{Input, LineFault, ScoreError};
use super::rule::Rule;

/// The longest line, in bytes.
const MAX_LINE: usize = 1 << 20;

/// The most groups; each becomes a metric.
const MAX_GROUPS: usize = 200;

/// A question and its right answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// Which line of the references it is on, from 1.
    pub(super) line: usize,
    pub(super) id: String,
    pub(super) group: Option<String>,
    /// At least one.
    pub(super) references: Vec<String>,
    pub(super) rule: Option<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReferenceLine {
    id: String,
    #[serde(default)]
    group: Option<String>,
    /// What the model was asked. Scoring has no use for it; readers have.
    #[serde(default, rename = "prompt")]
    _prompt: Option<IgnoredAny>,
    reference: Answers,
    #[serde(default, rename = "match")]
    rule: Option<Rule>,
    #[serde(default, rename = "metadata")]
    _metadata: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PredictionLine {
    id: String,
    prediction: String,
    #[serde(default, rename = "metadata")]
    _metadata: Option<IgnoredAny>,
}

/// One answer, or several of which any will do.
struct Answers(Vec<String>);

impl<'de> Deserialize<'de> for Answers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OneOrMore;

        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Answers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E>(self, text: &str) -> Result<Answers, E> {
                Ok(Answers(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Answers, A::Error> {
                let mut answers = Vec::new();
                while let Some(answer) = list.next_element()? {
                    answers.push(answer);
                }
                Ok(Answers(answers))
            }
        }

        from.deserialize_any(OneOrMore)
    }
}

/// Reads the references, in their order.
pub(super) fn read_references(reader: impl BufRead) -> Result<Vec<Sample>, ScoreError> {
    let mut samples = Vec::new();
    let mut first_lines = HashMap::new();
    let mut groups = HashSet::new();
    for_each_line(reader, Input::References, |line, text| {
        let parsed: ReferenceLine = parse(text)?;
        if !(1..=256).contains(&parsed.id.len()) {
            return Err(LineFault::BadId);
        }
        if let Some(group) = &parsed.group {
            if !is_group(group) {
                return Err(LineFault::BadGroup);
            }
            groups.insert(group.clone());
            if groups.len() > MAX_GROUPS {
                return Err(LineFault::TooManyGroups { limit: MAX_GROUPS });
            }
        }
        if parsed.reference.0.is_empty() {
            return Err(LineFault::NoReference);
        }
        if let Some(first_line) = first_lines.insert(parsed.id.clone(), line) {
            return Err(LineFault::DuplicateId { id: parsed.id, first_line });
        }
        samples.push(Sample {
            line,
            id: parsed.id,
            group: parsed.group,
            references: parsed.reference.0,
            rule: parsed.rule,
        });
        Ok(())
    })?;
    Ok(samples)
}

/// Reads the predictions, and puts each at the place that its sample has; `None` where there is
/// no prediction.
pub(super) fn read_predictions(
    reader: impl BufRead,
    samples: &[Sample],
) -> Result<Vec<Option<String>>, ScoreError> {
    let places: HashMap<&str, usize> =
        samples.iter().enumerate().map(|(place, sample)| (sample.id.as_str(), place)).collect();
    let mut predictions: Vec<Option<(usize, String)>> = vec![None; samples.len()];
    for_each_line(reader, Input::Predictions, |line, text| {
        let PredictionLine { id, prediction, .. } = parse(text)?;
        let Some(place) = places.get(id.as_str()) else {
            return Err(LineFault::UnknownId(id));
        };
        match &predictions[*place] {
            Some((first_line, _)) => Err(LineFault::DuplicateId { id, first_line: *first_line }),
            None => {
                predictions[*place] = Some((line, prediction));
                Ok(())
            }
        }
    })?;
    Ok(predictions.into_iter().map(|found| found.map(|(_, prediction)| prediction)).collect())
}

fn is_group(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn parse<T: DeserializeOwned>(line: &str) -> Result<T, LineFault> {
    serde_json::from_str(line)
        .map_err(|err| LineFault::NotASample { why: json_fault(&err), column: err.column() })
}

fn for_each_line(
    mut reader: impl BufRead,
    file: Input,
    mut take: impl FnMut(usize, &str) -> Result<(), LineFault>,
) -> Result<(), ScoreError> {
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        // One byte more than a line may have, and its end, tell a long line from a longest one.
        let mut limited = reader.by_ref().take(MAX_LINE as u64 + 2);
        let n_read = limited
            .read_until(b'\n', &mut bytes)
            .map_err(|source| ScoreError::Unreadable { file, source })?;
        if n_read == 0 {
            break;
        }
        let fault = |fault| ScoreError::Line { file, line, fault };
        let text = without_end(&bytes);
        if text.len() > MAX_LINE {
            return Err(fault(LineFault::TooLong { limit: MAX_LINE }));
        }
        let text = std::str::from_utf8(text).map_err(|_invalid| fault(LineFault::NotUtf8))?;
        // Some editors begin a file with a byte order mark, which JSON has no place for.
        let text = if line == 1 { text.trim_start_matches('\u{feff}') } else { text };
        if !text.trim().is_empty() {
            take(line, text).map_err(fault)?;
        }
    }
    Ok(())
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
