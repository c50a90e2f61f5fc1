//! What a prompt must be able to do.

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::prompts::PromptError;
use crate::resources::{Asking, Completion, CompletionRequest};
use crate::tools::Call;

/// Something that a person can have an assistant asked, with the facts that it takes.
#[async_trait]
pub trait Prompt: Send + Sync + 'static {
    /// The name, as on the wire; never changed once shipped.
    fn name(&self) -> &'static str;

    /// What it is and takes, as the protocol describes a prompt.
    fn describe(&self) -> Value;

    /// The messages, as the protocol has them in the result of `prompts/get`.
    ///
    /// # Errors
    /// [`PromptError::Invalid`], which names the argument, or what it is made of could not be had.
    async fn get(
        &self,
        call: Call<'_>,
        arguments: &Map<String, Value>,
    ) -> Result<Value, PromptError>;

    /// What an argument can be completed to.
    ///
    /// # Errors
    /// There is no such argument, or nothing can be looked up.
    async fn complete(
        &self,
        asking: Asking<'_>,
        request: CompletionRequest<'_>,
    ) -> Result<Completion, PromptError>;
}
