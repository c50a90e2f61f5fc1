//! Long-running work as clients follow it that wait for it as a task: jobs and canaries, under
//! their own ids.
//!
//! A task is its owner's alone: to everybody else there is none of this id.

mod canary;
mod job;

use async_trait::async_trait;

use crate::ids::{CanaryId, Entity, JobId};
use crate::tools::{Answers, CallResult, Caller, Doors, Question, ToolError};

/// How a task stands.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskState {
    /// It goes on.
    Working,
    /// It waits for its owner's answer to these.
    InputRequired(Vec<Question>),
    /// It is over, with what a call would have answered.
    Completed(CallResult),
    /// It is over, through a fault that is not the work's own; the words say which.
    Failed(String),
    /// It was ended.
    Cancelled,
}

/// A task as its owner sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The id of the job or the canary.
    pub id: String,
    /// How it stands.
    pub state: TaskState,
    /// The same in words.
    pub message: Option<String>,
    /// When it was accepted.
    pub created_at: String,
    /// When it changed last.
    pub updated_at: String,
    /// How long it is kept at least, from its acceptance, in milliseconds; nothing for ever.
    pub ttl: Option<u64>,
    /// How often it is worth asking, in milliseconds.
    pub poll_interval: u64,
}

/// Whoever has tasks.
#[async_trait]
pub trait Tasks: Send + Sync {
    /// The task with this id, if there is one and it is this caller's.
    ///
    /// # Errors
    /// What is known of it cannot be read.
    async fn find(&self, caller: &Caller, id: &str) -> Result<Option<Task>, ToolError>;

    /// Hands in what its owner answered; what was not asked is let go.
    ///
    /// # Errors
    /// It cannot be done, or the caller may not.
    async fn answer(&self, caller: &Caller, id: &str, answers: &Answers) -> Result<(), ToolError>;

    /// Ends it; one that is over stays as it is.
    ///
    /// # Errors
    /// It cannot be done, or the caller may not.
    async fn cancel(&self, caller: &Caller, id: &str) -> Result<(), ToolError>;

    /// What has to be followed to hear of it.
    fn entity(&self, id: &str) -> Option<Entity>;
}

/// The tasks of the daemon: its jobs and its canaries.
pub struct Work {
    doors: Doors,
}

impl Work {
    /// All work behind these doors.
    pub fn new(doors: Doors) -> Self {
        Self { doors }
    }
}

#[async_trait]
impl Tasks for Work {
    async fn find(&self, caller: &Caller, id: &str) -> Result<Option<Task>, ToolError> {
        if let Ok(id) = JobId::parse(id) {
            return job::find(&self.doors, caller, &id).await;
        }
        match CanaryId::parse(id) {
            Ok(id) => canary::find(&self.doors, caller, &id).await,
            Err(_) => Ok(None),
        }
    }

    async fn answer(&self, caller: &Caller, id: &str, answers: &Answers) -> Result<(), ToolError> {
        match CanaryId::parse(id) {
            Ok(id) => canary::answer(&self.doors, caller, &id, answers).await,
            // Jobs ask nothing.
            Err(_) => Ok(()),
        }
    }

    async fn cancel(&self, caller: &Caller, id: &str) -> Result<(), ToolError> {
        if let Ok(id) = JobId::parse(id) {
            return job::cancel(&self.doors, caller, &id).await;
        }
        match CanaryId::parse(id) {
            Ok(id) => canary::cancel(&self.doors, caller, &id).await,
            Err(_) => Ok(()),
        }
    }

    fn entity(&self, id: &str) -> Option<Entity> {
        let kind = if JobId::parse(id).is_ok() {
            "job"
        } else {
            CanaryId::parse(id).ok().map(|_| "canary")?
        };
        Entity::parse(&format!("{kind}/{id}"))
    }
}

/// Ending something takes the same right as ending it by its tool.
fn may_change(caller: &Caller) -> Result<(), ToolError> {
    if caller.role.may(crate::tools::Effect::Ends) {
        return Ok(());
    }
    let why =
        "this changes something and needs a key with the role operate; this key may only read";
    Err(ToolError::Refused(why.to_owned()))
}
