//! A canary as a task.

use serde_json::json;

use crate::canaries::{ABORTED, CanaryError, CanaryView, Command};
use crate::ids::CanaryId;
use crate::store::canaries::{CanaryStatus, Phase};
use crate::tools::canary_status::status;
use crate::tools::task::{Task, TaskState, may_change};
use crate::tools::{Answers, CallResult, Caller, Doors, Question, ToolError, failed_to_write};

/// How often it is worth asking, in milliseconds; a canary looks at most every second.
const POLL: u64 = 5_000;

/// The key of the question whether it may go on.
const DECISION: &str = "decision";

/// What a canary is for who waits for its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Somebody has to say whether it may go on.
    Asks,
    /// Nobody has to do anything.
    GoesOn,
    /// There is a decision.
    Ended,
    /// Somebody ended it.
    Aborted,
    /// It could not be carried out.
    Failed,
}

impl Standing {
    fn of(status: CanaryStatus, phase: Phase, reason: Option<&str>) -> Self {
        match (status, phase) {
            (_, Phase::AwaitingStart | Phase::AwaitingApproval) => Self::Asks,
            (CanaryStatus::RolledBack, _) if reason == Some(ABORTED) => Self::Aborted,
            // A dry run stays PENDING when it is over: nothing was promoted, and nothing rolled back.
            (CanaryStatus::Promoted | CanaryStatus::RolledBack, _)
            | (CanaryStatus::Pending, Phase::Over) => Self::Ended,
            (CanaryStatus::Pending | CanaryStatus::Running | CanaryStatus::Paused, _) => {
                Self::GoesOn
            }
            (CanaryStatus::Failed, _) => Self::Failed,
        }
    }
}

pub(super) async fn find(
    doors: &Doors,
    caller: &Caller,
    id: &CanaryId,
) -> Result<Option<Task>, ToolError> {
    let view = match doors.canaries.find(id).await {
        Err(CanaryError::Unknown(_)) => return Ok(None),
        found => found?,
    };
    let row = &view.row;
    if row.principal != caller.principal {
        return Ok(None);
    }
    let state = match Standing::of(row.status, row.phase, row.reason.as_deref()) {
        Standing::Asks => TaskState::InputRequired(vec![question(&view)]),
        Standing::GoesOn => TaskState::Working,
        Standing::Ended => {
            let answer = CallResult::of(&status(doors, &view).await?);
            TaskState::Completed(answer.map_err(failed_to_write)?)
        }
        Standing::Aborted => TaskState::Cancelled,
        Standing::Failed => {
            let why = row.reason.as_deref().unwrap_or("it failed");
            TaskState::Failed(format!("{}: {why}; ask why for its story", row.canary_id))
        }
    };
    let phase = row.phase.as_str().replace('_', " ");
    let message = match &row.reason {
        Some(reason) => format!("{phase}: {reason}"),
        None => phase,
    };
    Ok(Some(Task {
        id: row.canary_id.clone(),
        state,
        message: Some(message),
        created_at: row.created_at.clone(),
        updated_at: row.updated_at.clone(),
        ttl: None,
        poll_interval: POLL,
    }))
}

fn question(view: &CanaryView) -> Question {
    let row = &view.row;
    let what = if row.phase == Phase::AwaitingStart {
        "waits for somebody to let it begin"
    } else {
        "has come to the end of its window and waits for somebody to decide"
    };
    Question {
        key: key(row.phase).to_owned(),
        method: "elicitation/create",
        params: json!({
            "mode": "form",
            "message": format!(
                "The canary {} of {} in {} {what}.", row.canary_id, row.model_id, row.to_gate
            ),
            "requestedSchema": {
                "type": "object",
                "properties": {
                    "decision": {
                        "type": "string",
                        "title": "What shall become of it?",
                        "enum": ["approve", "abort"],
                    },
                    "reason": {
                        "type": "string",
                        "title": "Why?",
                        "description": "Stays in the audit, beside your name.",
                        "maxLength": 500,
                    },
                },
                "required": ["decision"],
            },
        }),
    }
}

/// The key of the question in a phase; a canary can ask twice, and never the same.
fn key(phase: Phase) -> &'static str {
    if phase == Phase::AwaitingStart { "start" } else { "promotion" }
}

pub(super) async fn answer(
    doors: &Doors,
    caller: &Caller,
    id: &CanaryId,
    answers: &Answers,
) -> Result<(), ToolError> {
    let view = doors.canaries.find(id).await?;
    // What is not asked now was answered before, or will be asked by another name.
    if !matches!(view.row.phase, Phase::AwaitingStart | Phase::AwaitingApproval) {
        return Ok(());
    }
    let answer = answers.get(key(view.row.phase));
    let Some(answer) = answer.filter(|answer| answer["action"] == "accept") else {
        // Who does not answer leaves it waiting.
        return Ok(());
    };
    let content = &answer["content"];
    let command = match content[DECISION].as_str() {
        Some("approve") => Command::Approve,
        Some("abort") => Command::Abort,
        _ => {
            let why = format!("{DECISION} must be approve or abort");
            return Err(ToolError::InvalidArguments(why));
        }
    };
    may_change(caller)?;
    let reason = content["reason"].as_str().map(|reason| reason.chars().take(500).collect());
    carry_out(doors, caller, id, command, reason).await
}

pub(super) async fn cancel(doors: &Doors, caller: &Caller, id: &CanaryId) -> Result<(), ToolError> {
    may_change(caller)?;
    let reason = Some("its task was cancelled".to_owned());
    carry_out(doors, caller, id, Command::Abort, reason).await
}

async fn carry_out(
    doors: &Doors,
    caller: &Caller,
    id: &CanaryId,
    command: Command,
    reason: Option<String>,
) -> Result<(), ToolError> {
    match doors.canaries.command(id, command, &caller.principal, reason).await {
        // It was over before anybody could say anything.
        Ok(_) | Err(CanaryError::Over { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A letter for each phase, from the first to the last: it asks, goes on, is ended, is aborted
    /// (`x`), has failed.
    #[test]
    fn every_status_and_phase_is_one_state_of_a_task() {
        let breach = Some("error_rate_breach");
        let rows = [
            (CanaryStatus::Pending, None, "aggga gge"),
            (CanaryStatus::Running, None, "aggga ggg"),
            (CanaryStatus::Paused, None, "aggga ggg"),
            (CanaryStatus::Promoted, Some("conformance"), "aeeea eee"),
            (CanaryStatus::RolledBack, breach, "aeeea eee"),
            (CanaryStatus::RolledBack, Some(ABORTED), "axxxa xxx"),
            (CanaryStatus::Failed, Some("displaced"), "afffa fff"),
        ];
        let all = CanaryStatus::ALL.iter().all(|status| rows.iter().any(|row| row.0 == *status));
        assert!(all, "a status is in no row");
        for (status, reason, states) in rows {
            let found: String = Phase::ALL
                .iter()
                .map(|phase| match Standing::of(status, *phase, reason) {
                    Standing::Asks => 'a',
                    Standing::GoesOn => 'g',
                    Standing::Ended => 'e',
                    Standing::Aborted => 'x',
                    Standing::Failed => 'f',
                })
                .collect();
            assert_eq!(found, states.replace(' ', ""), "{status:?} {reason:?}");
        }
    }
}
