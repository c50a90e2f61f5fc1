//! What an operator would have an assistant asked: prompts with the facts they take, gathered when
//! they are asked for.
//!
//! A prompt is a type that implements [`Prompt`]. Each names the tools to go on with, and puts what
//! others wrote before the model as data and never as a part of the task.

mod error;
mod explain_rollback;
mod messages;
mod prepare_promotion;
mod prompt;
mod signature;
#[cfg(test)]
mod tests;
mod triage_failed_evals;
mod write_patch;

use serde_json::{Map, Value};

pub use self::error::PromptError;
pub use self::prompt::Prompt;
use crate::resources::{Asking, Completion, CompletionRequest};
use crate::tools::{Call, Caller, Doors, Page, cursor_after, entry_before};

/// How many prompts are on a page.
const PAGE: usize = 100;

/// Whose cursors they are.
const LIST: &str = "prompts";

/// All prompts.
pub struct Prompts {
    doors: Doors,
    all: Vec<Box<dyn Prompt>>,
}

impl Prompts {
    /// The prompts of the daemon.
    pub fn new(doors: Doors) -> Self {
        let all: Vec<Box<dyn Prompt>> = vec![
            Box::new(explain_rollback::ExplainRollback),
            Box::new(prepare_promotion::PreparePromotion),
            Box::new(triage_failed_evals::TriageFailedEvals),
            Box::new(write_patch::WritePatch),
        ];
        Self { doors, all }
    }

    /// The same with more prompts, which come after those that are there.
    #[must_use]
    pub fn with(mut self, pack: impl IntoIterator<Item = Box<dyn Prompt>>) -> Self {
        self.all.extend(pack);
        self
    }

    /// The names of all prompts.
    pub fn names(&self) -> Vec<&'static str> {
        self.all.iter().map(|prompt| prompt.name()).collect()
    }

    /// A page of the list; everybody is shown all, because none changes anything.
    ///
    /// # Errors
    /// The cursor is none of this list.
    pub fn list(&self, _: &Caller, cursor: Option<&str>) -> Result<Page, PromptError> {
        let from = match cursor {
            None => 0,
            Some(cursor) => self.after(cursor).ok_or(PromptError::InvalidCursor)?,
        };
        let shown: Vec<_> = self.all.iter().skip(from).take(PAGE).collect();
        let more = from + shown.len() < self.all.len();
        Ok(Page {
            items: shown.iter().map(|prompt| prompt.describe()).collect(),
            next_cursor: shown
                .last()
                .filter(|_| more)
                .map(|prompt| cursor_after(LIST, prompt.name())),
        })
    }

    /// The messages of a prompt: a result of `prompts/get`.
    ///
    /// # Errors
    /// There is no such prompt, an argument is wrong, or what it is made of could not be had.
    pub async fn get(
        &self,
        call: Call<'_>,
        name: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Value, PromptError> {
        self.named(name)?.get(call, arguments).await
    }

    /// What an argument of a prompt can be completed to. `context` has what was put into others.
    ///
    /// # Errors
    /// There is no such prompt or argument, or nothing can be looked up.
    pub async fn complete(
        &self,
        caller: &Caller,
        name: &str,
        argument: &str,
        value: &str,
        context: &Map<String, Value>,
    ) -> Result<Completion, PromptError> {
        let asking = Asking { doors: &self.doors, caller };
        let (prompt, request) = (self.named(name)?, CompletionRequest { argument, value, context });
        if request.is_too_long() {
            return Ok(Completion::of(Vec::new()));
        }
        prompt.complete(asking, request).await
    }

    /// How many prompts there are up to the one that a cursor stands behind.
    fn after(&self, cursor: &str) -> Option<usize> {
        let last = entry_before(LIST, cursor).ok()?;
        Some(self.all.iter().position(|prompt| prompt.name() == last)? + 1)
    }

    fn named(&self, name: &str) -> Result<&dyn Prompt, PromptError> {
        let found = self.all.iter().find(|prompt| prompt.name() == name);
        found.map(AsRef::as_ref).ok_or_else(|| PromptError::unknown(name))
    }
}
