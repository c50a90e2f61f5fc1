//! Gates as files of a git repository: `gates/<gate>.json`, one entry a model name.
//!
//! Each move is one commit, made only if its parent is still the head of the branch. So the log of
//! the file is the gate's history, whoever moved it, and what deploys from the repository sees
//! every gate in one place.

use std::time::Duration;

use anyhow::anyhow;
use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{ChangeNote, ModelRegistry, PlaceChange, RegistryError, Standing};
use crate::adapters::git::{Change, CommitId, GitBranch, GitError, GitSettings};
use crate::ids::{CanaryId, GateId, ModelId};

const NAME: &str = "git";

/// How long the repository may take; it is on a disk of this machine, or of another.
const LIMIT: Duration = Duration::from_secs(30);

/// How often a commit is tried again because somebody else writes to the branch.
const ATTEMPTS: u32 = 20;

/// The wait before that, times the number of attempts so far.
const PAUSE: Duration = Duration::from_millis(5);

/// Keeps the gates on a branch of a git repository.
pub struct GitRegistry {
    branch: GitBranch,
}

/// What a gate's file says of one model name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GateEntry<'a> {
    model_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    canary_id: Option<&'a str>,
    audit_hash: &'a str,
    at: String,
    by: &'a str,
}

impl GitRegistry {
    /// The gates on a branch.
    ///
    /// # Errors
    /// The repository or the branch cannot be used.
    pub fn open(settings: GitSettings) -> Result<Self, GitError> {
        Ok(Self { branch: GitBranch::open(settings)? })
    }

    /// Does something on the blocking pool, within a time.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&GitBranch) -> Result<T, RegistryError> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let branch = self.branch.clone();
        let work = tokio::task::spawn_blocking(move || work(&branch));
        match tokio::time::timeout(LIMIT, work).await {
            Ok(Ok(done)) => done,
            Ok(Err(panicked)) => Err(unavailable(anyhow!(panicked))),
            Err(_elapsed) => Err(unavailable(anyhow!("no answer within {} s", LIMIT.as_secs()))),
        }
    }
}

fn unavailable(source: anyhow::Error) -> RegistryError {
    RegistryError::Unavailable { registry: NAME, source }
}

impl From<GitError> for RegistryError {
    fn from(error: GitError) -> Self {
        if error.is_transient() {
            unavailable(error.into())
        } else {
            Self::Refused(error.to_string())
        }
    }
}

fn path_of(gate: &GateId) -> String {
    format!("gates/{gate}.json")
}

/// A gate's file at one commit.
struct GateFile {
    head: Option<CommitId>,
    entries: Map<String, Value>,
}

impl GateFile {
    fn read(branch: &GitBranch, gate: &GateId) -> Result<Self, RegistryError> {
        let snapshot = branch.read(&path_of(gate))?;
        let entries = match snapshot.content {
            None => Map::new(),
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let path = path_of(gate);
                RegistryError::Refused(format!("{path} is not a JSON object: {error}; mend it"))
            })?,
        };
        Ok(Self { head: snapshot.head, entries })
    }

    fn holder(&self, name: &str, gate: &GateId) -> Result<Option<ModelId>, RegistryError> {
        let Some(entry) = self.entries.get(name) else { return Ok(None) };
        let id = entry.get("modelId").and_then(Value::as_str);
        let id = id.and_then(|id| ModelId::parse(id).ok()).filter(|id| id.name() == name);
        let path = path_of(gate);
        let wrong = || {
            let what = format!(
                "{path} says of {name} what cannot be: its modelId must be a version of it"
            );
            RegistryError::Refused(format!("{what}; mend it"))
        };
        id.map(Some).ok_or_else(wrong)
    }

    /// The file with a change in it. What it says of other models stays.
    fn changed(mut self, change: &PlaceChange) -> Result<Vec<u8>, RegistryError> {
        let name = change.model.name();
        match &change.to {
            None => drop(self.entries.remove(name)),
            Some(model) => {
                let ChangeNote { actor, canary, audit_hash, at, .. } = &change.note;
                let entry = GateEntry {
                    model_id: model.as_str(),
                    version: model.version(),
                    canary_id: canary.as_ref().map(CanaryId::as_str),
                    audit_hash,
                    at: at.to_string(),
                    by: actor,
                };
                let entry =
                    serde_json::to_value(entry).map_err(|error| unavailable(error.into()))?;
                self.entries.insert(name.to_owned(), entry);
            }
        }
        let text = serde_json::to_string_pretty(&self.entries);
        let text = text.map_err(|error| unavailable(error.into()))?;
        Ok((text + "\n").into_bytes())
    }
}

fn change_once(branch: &GitBranch, change: &PlaceChange) -> Result<CommitId, ChangeError> {
    let file = GateFile::read(branch, &change.gate)?;
    if file.holder(change.model.name(), &change.gate)? != change.from.holder {
        return Err(RegistryError::Moved.into());
    }
    let parent = file.head;
    let content = file.changed(change)?;
    branch
        .commit(&Change {
            path: &path_of(&change.gate),
            content: Some(&content),
            message: &message(change),
            parent,
            at: change.note.at,
        })
        .map_err(|error| match error {
            GitError::Moved | GitError::Locked => ChangeError::Busy,
            other => ChangeError::Failed(other.into()),
        })
}

enum ChangeError {
    /// Somebody commits something, perhaps about another gate.
    Busy,
    Failed(RegistryError),
}

impl From<RegistryError> for ChangeError {
    fn from(error: RegistryError) -> Self {
        Self::Failed(error)
    }
}

/// A line of a message: what others wrote must not look like a line of ours.
fn line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn message(change: &PlaceChange) -> String {
    let PlaceChange { gate, from, to, note, key, .. } = change;
    let subject = match to {
        Some(model) => format!("Put {model} into gate {gate} in place of {from}"),
        None => format!("Take {from} out of gate {gate}"),
    };
    let mut parts = vec![subject];
    parts.extend(note.reason.as_deref().map(line).filter(|reason| !reason.is_empty()));
    let mut trailers = vec![format!("Lukhas-Actor: {}", line(&note.actor))];
    trailers.extend(note.canary.as_ref().map(|canary| format!("Lukhas-Canary: {canary}")));
    trailers.push(format!("Lukhas-Audit-Hash: {}", note.audit_hash));
    trailers.push(format!("Lukhas-Move: {key}"));
    parts.push(trailers.join("\n"));
    parts.join("\n\n") + "\n"
}

#[async_trait]
impl ModelRegistry for GitRegistry {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self, _: &ModelId, _: &GateId) -> Result<(), RegistryError> {
        // Their alphabet has nothing that a path or JSON would take for something else.
        Ok(())
    }

    async fn standing(&self, model: &ModelId, gate: &GateId) -> Result<Standing, RegistryError> {
        let (model, gate) = (model.clone(), gate.clone());
        self.blocking(move |branch| {
            let file = GateFile::read(branch, &gate)?;
            let holder = file.holder(model.name(), &gate)?;
            Ok(Standing { holder, version: file.head.map(|head| head.to_string()) })
        })
        .await
    }

    async fn change(&self, change: &PlaceChange) -> Result<Option<String>, RegistryError> {
        for attempt in 0..ATTEMPTS {
            let asked = change.clone();
            match self.blocking(move |branch| Ok(change_once(branch, &asked))).await? {
                Ok(commit) => return Ok(Some(commit.to_string())),
                // Whoever writes just now is done in a moment.
                Err(ChangeError::Busy) => tokio::time::sleep(PAUSE * attempt).await,
                Err(ChangeError::Failed(error)) => return Err(error),
            }
        }
        Err(unavailable(anyhow!("others write to the branch all the time")))
    }
}
