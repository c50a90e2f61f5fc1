//! A tool of the suite: a name, a schema and a function.

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::tools::{AnyTool, Call, CallResult, Called, Effect, ToolError};

/// What calling a fixture comes to.
pub(super) type Outcome = Result<Called, ToolError>;

/// Does what a fixture does.
type Run = for<'a> fn(Call<'a>, Value) -> BoxFuture<'a, Outcome>;

struct Fixture {
    name: &'static str,
    schema: Value,
    run: Run,
}

/// A tool without arguments.
pub(super) fn plain(name: &'static str, run: Run) -> Box<dyn AnyTool> {
    with(name, json!({ "type": "object", "properties": {} }), run)
}

/// A tool whose arguments have this schema.
pub(super) fn with(name: &'static str, schema: Value, run: Run) -> Box<dyn AnyTool> {
    Box::new(Fixture { name, schema, run })
}

/// An answer that is nothing but content.
#[expect(clippy::unnecessary_wraps, reason = "what a fixture comes to may be an error")]
pub(super) fn content(items: &Value) -> Outcome {
    let result = json!({ "content": items }).to_string();
    Ok(Called { result: CallResult::from_bytes(result.into()), began: None })
}

/// An answer that is one text.
pub(super) fn text(text: &str) -> Outcome {
    content(&json!([{ "type": "text", "text": text }]))
}

#[async_trait]
impl AnyTool for Fixture {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.name
    }

    fn effect(&self) -> Effect {
        Effect::Adds
    }

    fn is_listed(&self) -> bool {
        true
    }

    fn describe(&self) -> Value {
        json!({
            "name": self.name,
            "title": self.name,
            "description": "A tool of the conformance suite.",
            "inputSchema": self.schema,
            "annotations": {
                "title": self.name,
                "readOnlyHint": false,
                "destructiveHint": false,
                "idempotentHint": false,
                "openWorldHint": false,
            },
        })
    }

    async fn call(&self, call: Call<'_>, arguments: &str) -> Result<Called, ToolError> {
        let arguments = serde_json::from_str(arguments)
            .map_err(|error| ToolError::InvalidArguments(format!("{}: {error}", self.name)))?;
        (self.run)(call, arguments).await
    }
}
