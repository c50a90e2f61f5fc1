//! What a kind of resources must be able to do.

use async_trait::async_trait;
use serde_json::Value;

use crate::events::Watchable;
use crate::resources::{Completion, CompletionRequest, Listed, ResourceError};
use crate::tools::{Call, Caller, Doors};

/// Who asks, and what can be looked at for them.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// What can be looked at.
    pub doors: &'a Doors,
    /// Who asks.
    pub caller: &'a Caller,
}

/// A kind of resources: those whose URIs it understands.
#[async_trait]
pub trait ResourceFamily: Send + Sync + 'static {
    /// The forms of their URIs, each as the protocol describes a resource template.
    fn templates(&self) -> Vec<Value>;

    /// Those that a client is shown, in an order that stays the same: at most `most`, after a place
    /// that was listed or from the beginning. Fewer only at the end of the list, which need not have
    /// all that can be read.
    ///
    /// # Errors
    /// They cannot be listed just now.
    async fn list(
        &self,
        asking: Asking<'_>,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Listed>, ResourceError>;

    /// The contents of one, each as the protocol has it; nothing if the URI is none of this family.
    ///
    /// # Errors
    /// [`ResourceError::Unknown`] if there is no such resource, or it cannot be read.
    async fn read(&self, call: Call<'_>, uri: &str) -> Result<Option<Vec<Value>>, ResourceError>;

    /// What a subscription to one follows in the log of events; nothing if that does not tell of it.
    fn watchable(&self, uri: &str) -> Option<Watchable>;

    /// Whether one stays what it is while the daemon runs, and is the same for everybody.
    fn is_settled(&self, _: &str) -> bool {
        false
    }

    /// What the variable of one of the templates can be completed to.
    ///
    /// # Errors
    /// The template has no such variable, or nothing can be looked up.
    async fn complete(
        &self,
        asking: Asking<'_>,
        template: &str,
        request: CompletionRequest<'_>,
    ) -> Result<Completion, ResourceError>;
}

/// Says that a template has no such variable.
pub(super) fn no_variable(template: &str, variable: &str, asked: &str) -> ResourceError {
    let asked: String = asked.chars().filter(|c| !c.is_control()).take(64).collect();
    ResourceError::Invalid(format!(
        "argument: {template} has the variable {variable}, and none named {asked}"
    ))
}
