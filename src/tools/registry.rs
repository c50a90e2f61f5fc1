//! All tools by name: schemas out, checked arguments in.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use schemars::generate::SchemaSettings;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::tools::result::{CallResult, Reply};
use crate::tools::{
    Caller, Doors, Effect, Tool, ToolError, backtest_policy, canary_commands, canary_status,
    cancel_job, job_logs, list_canaries, list_jobs, list_models, model_history, promote_model,
    replay_decision, rollback_model, run_eval, start_canary, status, why, why_math,
};

/// A tool with its types rubbed out, so that a list can hold it.
#[async_trait]
trait AnyTool: Send + Sync {
    fn name(&self) -> &'static str;
    fn describe(&self) -> Value;
    async fn call(
        &self,
        doors: &Doors,
        caller: &Caller,
        arguments: &str,
    ) -> Result<CallResult, ToolError>;
}

struct Typed<T>(PhantomData<fn() -> T>);

#[async_trait]
impl<T: Tool> AnyTool for Typed<T> {
    fn name(&self) -> &'static str {
        T::NAME
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
        let (reads, ends) = (T::EFFECT == Effect::Reads, T::EFFECT == Effect::Ends);
        json!({
            "name": T::NAME,
            "title": T::TITLE,
            "description": T::DESCRIPTION,
            "inputSchema": schema,
            "annotations": {
                "title": T::TITLE,
                "readOnlyHint": reads,
                "destructiveHint": ends,
                "idempotentHint": reads || ends,
                "openWorldHint": false,
            },
        })
    }

    async fn call(
        &self,
        doors: &Doors,
        caller: &Caller,
        arguments: &str,
    ) -> Result<CallResult, ToolError> {
        fail::fail_point!("tool-call");
        let arguments: T::Arguments =
            serde_json::from_str(arguments).map_err(|_| invalid::<T>(arguments))?;
        let made = match T::call(doors, caller, arguments).await? {
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

fn typed<T: Tool>() -> Box<dyn AnyTool> {
    Box::new(Typed::<T>(PhantomData))
}

/// How often a tool was called, by how that went.
#[derive(Debug, Default)]
struct Calls {
    answered: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
}

/// How often a tool was called since the start, by how that went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallCounts {
    /// The tool.
    pub tool: &'static str,
    /// Calls that gave an answer.
    pub answered: u64,
    /// Calls that were refused for what they asked.
    pub refused: u64,
    /// Calls that failed on our side, or found no place.
    pub failed: u64,
}

/// All tools, in the order in which clients see them.
pub struct Registry {
    tools: Vec<Box<dyn AnyTool>>,
    calls: Vec<Calls>,
    by_name: HashMap<&'static str, usize>,
}

impl Default for Registry {
    fn default() -> Self {
        let tools = vec![
            typed::<run_eval::RunEval>(),
            typed::<status::Status>(),
            typed::<list_jobs::ListJobs>(),
            typed::<cancel_job::CancelJob>(),
            typed::<job_logs::JobLogs>(),
            typed::<promote_model::PromoteModel>(),
            typed::<rollback_model::RollbackModel>(),
            typed::<list_models::ListModels>(),
            typed::<model_history::ModelHistory>(),
            typed::<start_canary::StartCanary>(),
            typed::<canary_status::CanaryStatusTool>(),
            typed::<list_canaries::ListCanaries>(),
            typed::<canary_commands::AbortCanary>(),
            typed::<canary_commands::PauseCanary>(),
            typed::<canary_commands::ResumeCanary>(),
            typed::<canary_commands::ApproveCanary>(),
            typed::<canary_commands::PromoteCanaryNow>(),
            typed::<backtest_policy::BacktestPolicy>(),
            typed::<replay_decision::ReplayDecision>(),
            typed::<why::Why>(),
            typed::<why_math::WhyMath>(),
        ];
        let by_name = tools.iter().enumerate().map(|(n, tool)| (tool.name(), n)).collect();
        let calls = tools.iter().map(|_| Calls::default()).collect();
        Self { tools, calls, by_name }
    }
}

impl Registry {
    /// What `tools/list` gives.
    pub fn describe(&self) -> Vec<Value> {
        self.tools.iter().map(|tool| tool.describe()).collect()
    }

    /// The names of all tools.
    pub fn names(&self) -> Vec<&'static str> {
        self.tools.iter().map(|tool| tool.name()).collect()
    }

    /// How often each tool was called.
    pub fn call_counts(&self) -> impl Iterator<Item = CallCounts> + '_ {
        self.tools.iter().zip(&self.calls).map(|(tool, calls)| CallCounts {
            tool: tool.name(),
            answered: calls.answered.load(Ordering::Relaxed),
            refused: calls.refused.load(Ordering::Relaxed),
            failed: calls.failed.load(Ordering::Relaxed),
        })
    }

    /// Calls a tool by name. `arguments` is what the client sent, unparsed; nothing sent means no
    /// arguments.
    ///
    /// # Errors
    /// There is no such tool, the arguments do not fit it, or it said no.
    pub async fn call(
        &self,
        doors: &Doors,
        caller: &Caller,
        name: &str,
        arguments: Option<&RawValue>,
    ) -> Result<CallResult, ToolError> {
        let Some(&n) = self.by_name.get(name) else {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            return Err(ToolError::UnknownTool(shown));
        };
        let arguments = arguments.map_or("{}", RawValue::get);
        // A struct would also take an array, by position.
        let outcome = if arguments.starts_with('{') {
            self.tools[n].call(doors, caller, arguments).await
        } else {
            Err(ToolError::InvalidArguments(format!("{name}: arguments must be an object")))
        };
        let calls = &self.calls[n];
        let count = match &outcome {
            Ok(_) => &calls.answered,
            Err(ToolError::Overloaded(_) | ToolError::Failed { .. }) => &calls.failed,
            Err(_) => &calls.refused,
        };
        count.fetch_add(1, Ordering::Relaxed);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_named_once_and_described_in_full() {
        let registry = Registry::default();
        assert_eq!(registry.by_name.len(), registry.tools.len());
        for tool in registry.describe() {
            let schema = &tool["inputSchema"];
            assert_eq!(schema["type"], "object", "{tool}");
            assert_eq!(schema["additionalProperties"], false, "{tool}");
            for (name, property) in schema["properties"].as_object().unwrap() {
                assert!(property["description"].is_string(), "{} {name}", tool["name"]);
            }
            assert!(tool["description"].as_str().unwrap().ends_with('.'), "{tool}");
        }
    }
}
