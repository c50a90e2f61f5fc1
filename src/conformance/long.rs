//! Tools whose work goes on after their answer, and the tasks by which it is followed.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::asking::form;
use super::fixture::{Outcome, plain, text, with};
use crate::ids::Entity;
use crate::tools::{
    Answers, AnyTool, Call, CallResult, Called, Caller, Capability, Doors, Question, Task,
    TaskState, Tasks, ToolError, Work,
};

static BEGUN: LazyLock<Mutex<HashMap<String, Begun>>> = LazyLock::new(Mutex::default);

fn begun() -> MutexGuard<'static, HashMap<String, Begun>> {
    BEGUN.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Begun {
    principal: String,
    at: Instant,
    stamp: String,
    is_cancelled: bool,
    work: Kind,
}

enum Kind {
    /// Over after this time, with this text.
    Timed(Duration, String),
    Failing,
    Broken,
    /// Over when all of these are answered.
    Asking(Vec<Question>),
}

fn begin(call: Call<'_>, work: Kind) -> Outcome {
    let id = format!("task_{}", nanoid::nanoid!());
    let entity = Entity::parse(&format!("job/{id}"));
    let now = call.doors.infrastructure.clock.now().to_string();
    let principal = call.caller.principal.clone();
    let new = Begun { principal, at: Instant::now(), stamp: now, is_cancelled: false, work };
    begun().insert(id, new);
    let result =
        CallResult::of(&json!({})).map_err(|error| ToolError::Refused(error.to_string()))?;
    Ok(Called { result, began: entity })
}

/// Only clients that follow tasks can have these.
fn need_tasks(call: Call<'_>) -> Result<(), ToolError> {
    let has = call.client.has(Capability::Tasks);
    if has { Ok(()) } else { Err(ToolError::MissingCapability(Capability::Tasks)) }
}

fn confirm(key: &str) -> Question {
    let properties = json!({ "confirm": { "type": "boolean" } });
    form(key, "Please confirm", &properties, &["confirm"])
}

pub(super) fn tools() -> Vec<Box<dyn AnyTool>> {
    let schema = |properties: Value| json!({ "type": "object", "properties": properties });
    vec![
        with("greet", schema(json!({ "name": { "type": "string" } })), |_, arguments| {
            Box::pin(async move {
                text(&format!("Hello, {}!", arguments["name"].as_str().unwrap_or_default()))
            })
        }),
        with(
            "slow_compute",
            schema(json!({ "seconds": { "type": "number" }, "label": { "type": "string" } })),
            |call, arguments| {
                Box::pin(async move {
                    let wait =
                        Duration::from_secs_f64(arguments["seconds"].as_f64().unwrap_or(0.0));
                    let said = format!("Computed for {} s", wait.as_secs_f64());
                    if call.client.has(Capability::Tasks) {
                        return begin(call, Kind::Timed(wait, said));
                    }
                    tokio::time::sleep(wait).await;
                    text(&said)
                })
            },
        ),
        plain("failing_job", |call, _| {
            Box::pin(async move {
                need_tasks(call)?;
                begin(call, Kind::Failing)
            })
        }),
        plain("protocol_error_job", |call, _| Box::pin(async move { begin(call, Kind::Broken) })),
        with("confirm_delete", schema(json!({ "filename": { "type": "string" } })), |call, _| {
            Box::pin(async move { begin(call, Kind::Asking(vec![confirm("confirm")])) })
        }),
        plain("multi_input", |call, _| {
            Box::pin(
                async move { begin(call, Kind::Asking(vec![confirm("first"), confirm("second")])) },
            )
        }),
        plain("test_tool_with_task", |call, _| {
            Box::pin(async move {
                need_tasks(call)?;
                let properties = json!({ "name": { "type": "string" } });
                let question = form("user_name", "What is your name?", &properties, &["name"]);
                let answers = call.client.ask(vec![question], None).await?;
                let name = answers["user_name"]["content"]["name"].as_str().unwrap_or("stranger");
                let said = format!("Hello, {name}!");
                begin(call, Kind::Timed(Duration::from_millis(300), said))
            })
        }),
    ]
}

/// The tasks of the suite, beside those of the daemon.
pub(crate) struct LongWork(Work);

impl LongWork {
    pub(crate) fn new(doors: Doors) -> Self {
        Self(Work::new(doors))
    }
}

fn said(text: &str) -> CallResult {
    let result = json!({ "content": [{ "type": "text", "text": text }] });
    CallResult::from_bytes(result.to_string().into())
}

impl Begun {
    fn state(&self) -> TaskState {
        let over = |after: Duration| self.is_cancelled || after <= self.at.elapsed();
        let soon = Duration::from_millis(200);
        match &self.work {
            _ if self.is_cancelled => TaskState::Cancelled,
            Kind::Timed(after, text) if over(*after) => TaskState::Completed(said(text)),
            Kind::Failing if over(soon) => {
                TaskState::Completed(CallResult::failure("The job failed, as it was to."))
            }
            Kind::Broken if over(soon) => {
                TaskState::Failed("the job broke, as it was to".to_owned())
            }
            Kind::Asking(questions) if questions.is_empty() => {
                TaskState::Completed(said("All was answered."))
            }
            Kind::Asking(questions) => TaskState::InputRequired(questions.clone()),
            Kind::Timed(..) | Kind::Failing | Kind::Broken => TaskState::Working,
        }
    }
}

#[async_trait]
impl Tasks for LongWork {
    async fn find(&self, caller: &Caller, id: &str) -> Result<Option<Task>, ToolError> {
        let found =
            begun().get(id).filter(|one| one.principal == caller.principal).map(|one| Task {
                id: id.to_owned(),
                state: one.state(),
                message: None,
                created_at: one.stamp.clone(),
                updated_at: one.stamp.clone(),
                ttl: Some(3_600_000),
                poll_interval: 100,
            });
        match found {
            Some(task) => Ok(Some(task)),
            None => self.0.find(caller, id).await,
        }
    }

    async fn answer(&self, caller: &Caller, id: &str, answers: &Answers) -> Result<(), ToolError> {
        if let Some(Begun { work: Kind::Asking(questions), .. }) = begun().get_mut(id) {
            questions.retain(|question| !answers.contains_key(&question.key));
            return Ok(());
        }
        self.0.answer(caller, id, answers).await
    }

    async fn cancel(&self, caller: &Caller, id: &str) -> Result<(), ToolError> {
        if let Some(one) = begun().get_mut(id) {
            if one.state() == TaskState::Working {
                one.is_cancelled = true;
            }
            return Ok(());
        }
        self.0.cancel(caller, id).await
    }

    fn entity(&self, id: &str) -> Option<Entity> {
        self.0.entity(id)
    }
}
