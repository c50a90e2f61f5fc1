//! The extension for long-running work: calls that answer with a task, and the methods about tasks.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tracing::error;

use crate::mcp::answer::Done;
use crate::mcp::fault::Fault;
use crate::mcp::methods::{Asked, need};
use crate::mcp::rounds::{read_answers, requests};
use crate::mcp::server::Server;
use crate::tools::{Answers, Caller, Capability, Task, TaskState, ToolError};

/// The longest id of a task, in bytes.
const ID_LENGTH: usize = 128;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskParams<'a> {
    task_id: String,
    #[serde(borrow, default)]
    input_responses: Option<&'a RawValue>,
}

impl Server {
    /// Whether the client of this request follows tasks, and tasks are given out at all.
    pub(super) fn gives_tasks(&self, asked: Asked<'_>) -> bool {
        let declared = asked.meta.capabilities.is_some_and(|client| client.has(Capability::Tasks));
        self.tasks.is_some() && asked.version.is_stateless() && declared
    }

    /// `tasks/get`, `tasks/update` and `tasks/cancel`.
    pub(super) async fn about_task(&self, asked: Asked<'_>) -> Result<Done, Fault> {
        let Some(tasks) = &self.tasks else { return Err(Fault::unknown_method(asked.method)) };
        if !self.gives_tasks(asked) {
            return Err(Fault::Capability(Capability::Tasks));
        }
        let TaskParams { task_id: id, input_responses } = need(asked.params, "taskId")?;
        let task = self.task(asked.caller, &id).await?;
        let done = match asked.method {
            "tasks/get" => return Ok(Done::value(&whole(&task))),
            "tasks/update" => {
                let answers = match input_responses {
                    Some(responses) => read_answers(responses.get())?,
                    None => Answers::new(),
                };
                match task.state {
                    TaskState::InputRequired(_) => tasks.answer(asked.caller, &id, &answers).await,
                    // An answer that comes late, or again, answers nothing.
                    _ => Ok(()),
                }
            }
            _ => tasks.cancel(asked.caller, &id).await,
        };
        done.map_err(fault)?;
        Ok(Done::complete("{}".into()))
    }

    /// A task of this caller; somebody else's is as unknown as one that there never was.
    pub(super) async fn task(&self, caller: &Caller, id: &str) -> Result<Task, Fault> {
        let found = match &self.tasks {
            Some(tasks) if id.len() <= ID_LENGTH => tasks.find(caller, id).await.map_err(fault)?,
            _ => None,
        };
        found.ok_or_else(|| Fault::Params("taskId names no task of yours".to_owned()))
    }

    /// The task that a call began, as the answer to the call.
    pub(super) async fn began(&self, caller: &Caller, id: &str) -> Result<Done, Fault> {
        let task = self.task(caller, id).await?;
        Ok(Done::value(&Value::Object(head(&task))).of_kind("task"))
    }
}

/// What is said of a task wherever it is named.
fn head(task: &Task) -> Map<String, Value> {
    let status = match task.state {
        TaskState::Working => "working",
        TaskState::InputRequired(_) => "input_required",
        TaskState::Completed(_) => "completed",
        TaskState::Failed(_) => "failed",
        TaskState::Cancelled => "cancelled",
    };
    let mut head = Map::new();
    let mut put = |name: &str, value: Value| drop(head.insert(name.to_owned(), value));
    put("taskId", json!(task.id));
    put("status", json!(status));
    put("createdAt", json!(task.created_at));
    put("lastUpdatedAt", json!(task.updated_at));
    put("ttlMs", json!(task.ttl));
    put("pollIntervalMs", json!(task.poll_interval));
    if let Some(message) = &task.message {
        put("statusMessage", json!(message));
    }
    head
}

/// All that is known of a task.
pub(super) fn whole(task: &Task) -> Value {
    let mut whole = head(task);
    match &task.state {
        TaskState::Working | TaskState::Cancelled => {}
        TaskState::InputRequired(questions) => {
            whole.insert("inputRequests".to_owned(), requests(questions.clone()));
        }
        TaskState::Completed(result) => {
            // As the call would have answered in this revision.
            let mut answer: Value = serde_json::from_slice(result.as_bytes()).unwrap_or_default();
            answer["resultType"] = json!("complete");
            whole.insert("result".to_owned(), answer);
        }
        TaskState::Failed(why) => {
            whole.insert("error".to_owned(), json!({ "code": -32603, "message": why }));
        }
    }
    Value::Object(whole)
}

fn fault(error: ToolError) -> Fault {
    let why = error.to_string();
    match error {
        ToolError::Overloaded(_) => Fault::Overloaded(why),
        ToolError::Failed { source, .. } => {
            error!(error = format!("{source:#}"), "a task could not be read or changed");
            Fault::Internal(why)
        }
        _ => Fault::Params(why),
    }
}
