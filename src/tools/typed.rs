//! A tool as the registry holds it: its types read and written, and no longer seen.

use std::marker::PhantomData;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::tools::registry::Called;
use crate::tools::result::{CallResult, Reply};
use crate::tools::{Call, Effect, Tool, ToolError, app, failed_to_write, schema};

/// A tool with its types rubbed out, so that a list can hold it.
#[async_trait]
pub(crate) trait AnyTool: Send + Sync {
    fn name(&self) -> &'static str;
    fn title(&self) -> &'static str;
    fn effect(&self) -> Effect;
    /// Whether clients are told of it.
    fn is_listed(&self) -> bool;
    fn describe(&self) -> Value;
    async fn call(&self, call: Call<'_>, arguments: &str) -> Result<Called, ToolError>;
}

struct Typed<T> {
    is_listed: bool,
    tool: PhantomData<fn() -> T>,
}

#[async_trait]
impl<T: Tool> AnyTool for Typed<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn title(&self) -> &'static str {
        T::TITLE
    }

    fn effect(&self) -> Effect {
        T::EFFECT
    }

    fn is_listed(&self) -> bool {
        self.is_listed
    }

    fn describe(&self) -> Value {
        let destroys = matches!(T::EFFECT, Effect::Changes | Effect::Ends);
        let once = matches!(T::EFFECT, Effect::Reads | Effect::Sets | Effect::Ends);
        let mut described = json!({
            "name": T::NAME,
            "title": T::TITLE,
            "description": T::DESCRIPTION,
            "inputSchema": schema::of_arguments::<T::Arguments>(),
            "outputSchema": schema::of_answer::<T::Answer>(),
            "annotations": {
                "title": T::TITLE,
                "readOnlyHint": T::EFFECT == Effect::Reads,
                "destructiveHint": destroys,
                "idempotentHint": once,
                "openWorldHint": T::REACHES_OUT,
            },
        });
        if T::OPENS_APP {
            described["_meta"] = app::meta();
        }
        described
    }

    async fn call(&self, call: Call<'_>, arguments: &str) -> Result<Called, ToolError> {
        fail::fail_point!("tool-call");
        let arguments: T::Arguments =
            serde_json::from_str(arguments).map_err(|_| invalid::<T>(arguments))?;
        let (made, began) = match T::call(call, arguments).await? {
            Reply::Answer(answer) => (CallResult::of(&answer), None),
            Reply::Texts(texts, answer) => (CallResult::of_texts(&texts, &answer), None),
            Reply::Began(work, answer) => (CallResult::of(&answer), Some(work)),
            Reply::Made(result) => (Ok(result), None),
        };
        Ok(Called { result: made.map_err(failed_to_write)?, began })
    }
}

/// Says which argument is wrong. Parses again, because the plain parser does not know where it is;
/// only calls that fail pay for that.
fn invalid<T: Tool>(arguments: &str) -> ToolError {
    let parser = &mut serde_json::Deserializer::from_str(arguments);
    let parsed: Result<T::Arguments, _> = serde_path_to_error::deserialize(parser);
    let Err(error) = parsed else {
        return ToolError::InvalidArguments(format!("{}: trailing characters", T::NAME));
    };
    let path = error.path().to_string();
    let reason = error.into_inner().to_string();
    // The place in the text is of no use to someone who sent an object.
    let reason = reason.rsplit_once(" at line ").map_or(reason.as_str(), |(reason, _)| reason);
    let place = if path == "." { String::new() } else { format!("{path}: ") };
    ToolError::InvalidArguments(format!("{}: {place}{reason}", T::NAME))
}

/// A tool that clients are told of.
pub(super) fn typed<T: Tool>() -> Box<dyn AnyTool> {
    Box::new(Typed::<T> { is_listed: true, tool: PhantomData })
}

/// A tool that stays callable for clients that know it already.
pub(super) fn hidden<T: Tool>() -> Box<dyn AnyTool> {
    Box::new(Typed::<T> { is_listed: false, tool: PhantomData })
}
