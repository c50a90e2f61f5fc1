//! The metrics of a result, and what holds for all of them.

use std::collections::BTreeMap;

use super::ResultProblem;
use crate::adapters::Metric;

/// The most metrics that a result may have.
pub(super) const MAX_METRICS: usize = 256;

/// The longest name of a metric.
const MAX_NAME_BYTES: usize = 128;

/// What a run measured, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::adapters::local) struct Metrics(BTreeMap<String, Metric>);

impl Metrics {
    /// Adds a metric; two of one name are refused, because either may be the one that was meant.
    pub(super) fn add(&mut self, name: String, metric: Metric) -> Result<(), ResultProblem> {
        check(&name, metric)?;
        if self.0.len() == MAX_METRICS {
            let message = format!("it has more than {MAX_METRICS} metrics");
            return Err(ResultProblem::Invalid(message));
        }
        if self.0.contains_key(&name) {
            let message = format!("it has the metric `{name}` twice");
            return Err(ResultProblem::Invalid(message));
        }
        self.0.insert(name, metric);
        Ok(())
    }

    /// Refuses a result that measured nothing.
    pub(super) fn checked(self) -> Result<Self, ResultProblem> {
        if self.0.is_empty() {
            return Err(ResultProblem::invalid("it has no metrics"));
        }
        Ok(self)
    }

    pub(in crate::adapters::local) fn into_map(self) -> BTreeMap<String, Metric> {
        self.0
    }
}

fn check(name: &str, metric: Metric) -> Result<(), ResultProblem> {
    if !(1..=MAX_NAME_BYTES).contains(&name.len()) || !name.bytes().all(is_name_byte) {
        let shown: String = name.chars().take(40).collect();
        let message =
            format!("`{shown}` is no name of a metric; it must match [A-Za-z0-9_.,:/@ -]{{1,128}}");
        return Err(ResultProblem::Invalid(message));
    }
    if !metric.value.is_finite() {
        return Err(ResultProblem::Invalid(format!("the value of `{name}` is not finite")));
    }
    if metric.stderr.is_some_and(|stderr| !stderr.is_finite() || stderr < 0.0) {
        let message = format!("the stderr of `{name}` is not a number from 0 on");
        return Err(ResultProblem::Invalid(message));
    }
    Ok(())
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.,:/@ -".contains(&byte)
}

/// Makes a name that a tool chose into one of a metric: what is not allowed becomes `_`.
pub(super) fn made_of(name: &str) -> String {
    let allowed = |character: char| u8::try_from(character).is_ok_and(is_name_byte);
    let name = name.chars().map(|character| if allowed(character) { character } else { '_' });
    name.take(MAX_NAME_BYTES).collect()
}

/// Names a metric of one of several parts of an eval; a lone part needs no mention.
pub(super) fn of_part(part: &str, is_lone: bool, metric: &str) -> String {
    if is_lone { made_of(metric) } else { made_of(&format!("{part}/{metric}")) }
}
