//! What can be put where somebody has begun to write: real ids, gates and paths.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::ids::GateId;
use crate::repo::root::EntryKind;
use crate::repo::{RepoError, RepoErrorKind, RepoPath};
use crate::resources::ResourceError;
use crate::store::beginning::Beginning;
use crate::store::canaries::CanaryStatus;
use crate::tools::Doors;

/// How many values the protocol allows.
pub const MOST: u16 = 100;

/// The longest text that anything begins with, in bytes: a path.
const LONGEST: usize = 4096;

/// What somebody has begun to write.
#[derive(Debug, Clone, Copy)]
pub struct CompletionRequest<'a> {
    /// The argument, or the variable of a template.
    pub argument: &'a str,
    /// What of it was written.
    pub value: &'a str,
    /// What was put into other arguments.
    pub context: &'a Map<String, Value>,
}

impl CompletionRequest<'_> {
    /// Whether nothing can begin so, because it is longer than all there is.
    pub fn is_too_long(&self) -> bool {
        LONGEST < self.value.len()
    }

    /// What was put into another argument.
    pub fn other(&self, argument: &str) -> Option<&str> {
        self.context.get(argument)?.as_str()
    }
}

/// What it can be completed to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Completion {
    /// At most a hundred values, the likeliest first.
    pub values: Vec<String>,
    /// How many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<usize>,
    /// Whether there are more than are given.
    pub has_more: bool,
}

impl Completion {
    /// Those candidates that begin so, in their order.
    pub fn among<T: Into<String>>(candidates: impl IntoIterator<Item = T>, value: &str) -> Self {
        let candidates = candidates.into_iter().map(Into::into);
        Self::of(candidates.filter(|candidate| candidate.starts_with(value)).collect())
    }

    /// All of these that there is room for.
    pub fn of(mut values: Vec<String>) -> Self {
        let total = values.len();
        values.truncate(MOST.into());
        Self { has_more: values.len() < total, values, total: Some(total) }
    }

    /// These, and then those.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.values.extend(other.values);
        self.values.truncate(MOST.into());
        self.total = self.total.zip(other.total).map(|(one, two)| one + two);
        self.has_more |= other.has_more || self.total.is_none_or(|total| self.values.len() < total);
        self
    }
}

impl From<Beginning> for Completion {
    fn from(Beginning { ids, total }: Beginning) -> Self {
        Self { has_more: ids.len() < total, values: ids, total: Some(total) }
    }
}

/// Jobs, the newest first.
pub async fn jobs(doors: &Doors, value: &str) -> Result<Completion, ResourceError> {
    Ok(doors.jobs.beginning(value, MOST).await?.into())
}

/// Canaries with one of these statuses, or with any, the newest first.
pub async fn canaries(
    doors: &Doors,
    value: &str,
    statuses: &[CanaryStatus],
) -> Result<Completion, ResourceError> {
    Ok(doors.canaries.beginning(value, statuses, MOST).await?.into())
}

/// Models, the last promoted first; without those that stand in `not_in`.
pub async fn models(
    doors: &Doors,
    value: &str,
    not_in: Option<&GateId>,
) -> Result<Completion, ResourceError> {
    Ok(doors.models.beginning(value, not_in, MOST).await?.into())
}

/// Gates that are known, but for `without`.
pub async fn gates(
    doors: &Doors,
    value: &str,
    without: &BTreeSet<String>,
) -> Result<Completion, ResourceError> {
    let gates = doors.models.gates().await?;
    Ok(Completion::among(gates.into_iter().filter(|gate| !without.contains(gate)), value))
}

/// Files and directories of the repository. A directory ends with a slash, after which what is in it
/// can be asked for.
pub async fn paths(doors: &Doors, value: &str) -> Result<Completion, ResourceError> {
    let (directory, name) = match value.rsplit_once('/') {
        None => (None, value),
        Some((directory, name)) => match RepoPath::parse(directory) {
            Ok(directory) => (Some(directory), name),
            Err(_no_directory) => return Ok(Completion::of(Vec::new())),
        },
    };
    let names = match doors.repo.directory(directory, name.to_owned()).await {
        Ok(names) => names,
        Err(error) if is_no_directory(&error) => return Ok(Completion::of(Vec::new())),
        Err(error) => return Err(error.into()),
    };
    let shown = |entry: crate::repo::InDirectory| match entry.kind {
        EntryKind::Directory => format!("{}/", entry.path),
        EntryKind::File => entry.path.to_string(),
    };
    let mut completion = Completion::of(names.entries.into_iter().map(shown).collect());
    if names.is_cut {
        (completion.total, completion.has_more) = (None, true);
    }
    Ok(completion)
}

/// Whether there is no such directory to be looked into.
pub(super) fn is_no_directory(error: &RepoError) -> bool {
    matches!(error.kind(), RepoErrorKind::Invalid | RepoErrorKind::Refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_may_be_are_given_and_all_are_counted() {
        let numbers = || (0..250).map(|n| format!("n{n:03}"));
        let found = Completion::among(numbers(), "n1");
        assert_eq!((found.values.len(), found.total, found.has_more), (100, Some(100), false));
        let found = Completion::among(numbers(), "n");
        assert_eq!((found.values.len(), found.total, found.has_more), (100, Some(250), true));
        assert_eq!(found.values[0], "n000");
        let both = Completion::among(numbers(), "n00").and(Completion::among(numbers(), "n2"));
        assert_eq!((both.values.len(), both.total, both.has_more), (60, Some(60), false));
        assert!(both.clone().and(found.clone()).has_more);
        assert_eq!(both.and(Completion { total: None, ..found }).total, None);
        let none = serde_json::json!(Completion::among(numbers(), "x"));
        assert_eq!(none, serde_json::json!({ "values": [], "total": 0, "hasMore": false }));
    }
}
