//! Taking over what the earlier Node server kept in `.mcp-state.json`, once.
//!
//! The file is read and left as it was. Jobs that were not over have nobody who runs them any more:
//! they come in as failed, so that nothing waits for them for ever.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::ids::{ConfigId, Entity, EntityKind, JobId, ModelId, TaskId};
use crate::store::audits::AuditEntry;
use crate::store::jobs::{self, JobRow, JobStatus};
use crate::store::models::{self, ModelRow};
use crate::store::{Numbered, Store, StoreError, Transaction, meta};

/// The fact that says that it was done.
const DONE: &str = "legacy_state";

/// The largest file that is read, in bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Who imports.
const ACTOR: &str = "system";

/// What was taken over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Jobs that came in.
    pub jobs: usize,
    /// Models that came in.
    pub models: usize,
    /// Entries that could not be understood, or were there already.
    pub skipped: usize,
}

/// Why nothing was taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is there and cannot be read.
    #[error("the earlier server's state file cannot be read: {0}")]
    Unreadable(#[source] std::io::Error),
    /// The file is too large to be what it should be.
    #[error("the earlier server's state file is larger than 256 MiB")]
    TooLarge,
    /// The file is not what the earlier server wrote.
    #[error("the earlier server's state file is not valid: {0}; move it aside or mend it")]
    Invalid(#[source] serde_json::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug, Default, Deserialize)]
struct State {
    #[serde(default)]
    jobs: Vec<Value>,
    #[serde(default)]
    models: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldJob {
    job_id: JobId,
    task_id: TaskId,
    config_id: ConfigId,
    status: String,
    started_at: String,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    result: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldModel {
    model_id: String,
    #[serde(default)]
    gates: Vec<String>,
    #[serde(default)]
    promoted: bool,
    #[serde(default)]
    promoted_at: Option<String>,
}

/// Takes the file over if that was not done before; with no file, there is nothing to take over,
/// now or later.
///
/// # Errors
/// The file is there and cannot be used, or the store failed; nothing came in then, and the next
/// start tries again.
pub async fn import_once(store: &Store, path: &Path) -> Result<Option<Imported>, ImportError> {
    if store.read(|conn| meta::find(conn, DONE)).await?.is_some() {
        return Ok(None);
    }
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || read(&path));
    let state = read.await.map_err(|_panicked| StoreError::Panicked)??;
    let Some(state) = state else {
        store.record(|transaction| meta::set(transaction, DONE, "none")).await?;
        return Ok(None);
    };
    let import = store.record(move |transaction| {
        let imported = import(transaction, &state)?;
        meta::set(transaction, DONE, "imported")?;
        Ok(imported)
    });
    Ok(Some(import.await?))
}

fn read(path: &Path) -> Result<Option<State>, ImportError> {
    let size = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ImportError::Unreadable(error)),
    };
    if LARGEST < size {
        return Err(ImportError::TooLarge);
    }
    let text = std::fs::read(path).map_err(ImportError::Unreadable)?;
    serde_json::from_slice(&text).map(Some).map_err(ImportError::Invalid)
}

fn import(transaction: &mut Transaction<'_>, state: &State) -> Result<Imported, StoreError> {
    let mut imported = Imported::default();
    let understood = |job: &Value| serde_json::from_value::<OldJob>(job.clone()).ok();
    let mut jobs: Vec<OldJob> = state.jobs.iter().filter_map(understood).collect();
    imported.skipped += state.jobs.len() - jobs.len();
    // Jobs are listed in the order in which they come in.
    jobs.sort_by_key(|job| Timestamp::parse(&job.started_at).ok());
    for old in &jobs {
        let came_in = import_job(transaction, old)?;
        *if came_in { &mut imported.jobs } else { &mut imported.skipped } += 1;
    }
    for model in &state.models {
        let came_in = match serde_json::from_value::<OldModel>(model.clone()) {
            Ok(old) => import_model(transaction, old)?,
            Err(_) => false,
        };
        *if came_in { &mut imported.models } else { &mut imported.skipped } += 1;
    }
    Ok(imported)
}

fn import_job(transaction: &mut Transaction<'_>, old: &OldJob) -> Result<bool, StoreError> {
    let Some(was) = JobStatus::parse(&old.status) else { return Ok(false) };
    let Ok(started_at) = Timestamp::parse(&old.started_at) else { return Ok(false) };
    if jobs::is_known(transaction, old.job_id.as_str())? {
        return Ok(false);
    }
    let updated_at = old.updated_at.as_deref().and_then(|at| Timestamp::parse(at).ok());
    let lost = !was.is_terminal();
    let status = if lost { JobStatus::Failed } else { was };
    let ids = (old.job_id.to_string(), old.task_id.to_string(), old.config_id.to_string());
    let row = JobRow {
        updated_at: updated_at.unwrap_or(started_at).to_string(),
        result_json: (!old.result.is_null()).then(|| old.result.to_string()),
        error: lost.then(|| "the earlier server stopped before it was over".to_owned()),
        failure_reason: lost.then(|| "lost".to_owned()),
        ..JobRow::accepted(status, ids, &started_at.to_string(), (ACTOR, "earlier server"))
    };
    let mut message = format!(
        "{} came from the earlier server's state, where it was {}",
        row.job_id,
        was.as_str()
    );
    message.push_str(if lost { "; nothing runs it any more, so it failed." } else { "." });
    let payload = json!({
        "jobId": row.job_id, "taskId": row.task_id, "configId": row.config_id,
        "imported": true, "was": was.as_str(), "status": status.as_str(),
    });
    let entity = Entity::job(&old.job_id);
    let fact = (&entity, Numbered::First);
    let number = audit(transaction, fact, "run_eval", &payload, message)?;
    jobs::insert(transaction, number, row)?;
    Ok(true)
}

fn import_model(transaction: &mut Transaction<'_>, old: OldModel) -> Result<bool, StoreError> {
    let promoted_at = old.promoted_at.as_deref().and_then(|at| Timestamp::parse(at).ok());
    let row = ModelRow {
        model_id: old.model_id,
        promoted: old.promoted,
        promoted_at: promoted_at.map(|at| at.to_string()),
    };
    // Whatever it was called comes in; what is no id of ours has no version.
    let name = ModelId::parse(&row.model_id)
        .map_or_else(|_| row.model_id.clone(), |id| id.name().to_owned());
    if row.model_id.is_empty() || !models::insert_if_absent(transaction, (&row, &name), &old.gates)?
    {
        return Ok(false);
    }
    let entity = Entity { kind: EntityKind::Model, id: row.model_id.as_str().into() };
    let message = match old.gates.as_slice() {
        [] => format!("{} came from the earlier server's state, in no gate.", row.model_id),
        gates => {
            let gates = gates.join(", ");
            format!("{} came from the earlier server's state, in {gates}.", row.model_id)
        }
    };
    let payload = json!({ "modelId": row.model_id, "gates": old.gates, "imported": true });
    audit(transaction, (&entity, Numbered::Never), "promote_model", &payload, message)?;
    Ok(true)
}

fn audit(
    transaction: &mut Transaction<'_>,
    (entity, numbered): (&Entity, Numbered),
    action: &'static str,
    payload: &Value,
    message: String,
) -> Result<i64, StoreError> {
    let payload_json = payload.to_string();
    transaction.audit(AuditEntry { actor: ACTOR, action, entity, numbered, payload_json, message })
}
