//! A tool as the registry holds it: its types read and written, and no longer seen.

use std::marker::PhantomData;

use async_trait::async_trait;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::tools::result::{CallResult, Reply};
use crate::tools::{Call, Effect, Tool, ToolError};

/// A tool with its types rubbed out, so that a list can hold it.
#[async_trait]
pub(super) trait AnyTool: Send + Sync {
    fn name(&self) -> &'static str;
    fn effect(&self) -> Effect;
    /// Whether clients are told of it.
    fn is_listed(&self) -> bool;
    fn describe(&self) -> Value;
    async fn call(&self, call: Call<'_>, arguments: &str) -> Result<CallResult, ToolError>;
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

    fn effect(&self) -> Effect {
        T::EFFECT
    }

    fn is_listed(&self) -> bool {
        self.is_listed
    }

    fn describe(&self) -> Value {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.meta_schema = None;
            settings.inline_subschemas = true;
        });
        let mut schema = settings.into_generator().into_root_schema_for::<T::Arguments>();
        // The root's title and text are about the Rust type; clients have the tool's own.
        schema.remove("title");
        schema.remove("description");
        // Some clients do not take an object without members for one.
        if schema.get("properties").is_none() {
            schema.insert("properties".to_owned(), json!({}));
        }
        let (reads, ends) = (T::EFFECT == Effect::Reads, T::EFFECT == Effect::Ends);
        let destroys = ends || T::EFFECT == Effect::Changes;
        json!({
            "name": T::NAME,
            "title": T::TITLE,
            "description": T::DESCRIPTION,
            "inputSchema": schema,
            "annotations": {
                "title": T::TITLE,
                "readOnlyHint": reads,
                "destructiveHint": destroys,
                "idempotentHint": reads || ends,
                "openWorldHint": false,
            },
        })
    }

    async fn call(&self, call: Call<'_>, arguments: &str) -> Result<CallResult, ToolError> {
        fail::fail_point!("tool-call");
        let arguments: T::Arguments =
            serde_json::from_str(arguments).map_err(|_| invalid::<T>(arguments))?;
        let made = match T::call(call, arguments).await? {
            Reply::Answer(answer) => CallResult::of(&answer),
            Reply::Texts(texts, answer) => CallResult::of_texts(&texts, &answer),
            Reply::Made(result) => Ok(result),
        };
        made.map_err(|error| ToolError::Failed {
            what: "the answer could not be written as JSON".to_owned(),
            source: error.into(),
        })
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
