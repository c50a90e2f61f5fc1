//! All tools by name: schemas out, checked arguments in.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use serde_json::value::RawValue;

use crate::tools::repository::{
    CreateFileAlias, WriteFileAlias, append_file, apply_patch, code_analysis, create_file,
    delete_file, development_utilities, fetch, find_files, git_commit, git_diff, git_log,
    git_status, list_dir, module_structure, rename_file, search, update_file, write_file,
};
use crate::tools::result::CallResult;
use crate::tools::typed::{AnyTool, hidden, typed};
use crate::tools::{
    Call, Role, ToolError, backtest_policy, canary_commands, canary_status, cancel_job,
    infrastructure_status, job_logs, list_canaries, list_jobs, list_models, model_history,
    promote_model, replay_decision, rollback_model, run_eval, start_canary, status, why, why_math,
};

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
            typed::<search::Search>(),
            typed::<fetch::Fetch>(),
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
            typed::<list_dir::ListDir>(),
            typed::<find_files::FindFiles>(),
            typed::<write_file::WriteFile>(),
            typed::<create_file::CreateFile>(),
            typed::<update_file::UpdateFile>(),
            typed::<append_file::AppendFile>(),
            typed::<rename_file::RenameFile>(),
            typed::<delete_file::DeleteFile>(),
            typed::<apply_patch::ApplyPatch>(),
            typed::<git_status::GitStatus>(),
            typed::<git_diff::GitDiff>(),
            typed::<git_log::GitLog>(),
            typed::<git_commit::GitCommit>(),
            typed::<infrastructure_status::InfrastructureStatus>(),
            typed::<code_analysis::CodeAnalysis>(),
            typed::<development_utilities::DevelopmentUtilities>(),
            typed::<module_structure::ModuleStructure>(),
            hidden::<WriteFileAlias>(),
            hidden::<CreateFileAlias>(),
        ];
        let by_name = tools.iter().enumerate().map(|(n, tool)| (tool.name(), n)).collect();
        let calls = tools.iter().map(|_| Calls::default()).collect();
        Self { tools, calls, by_name }
    }
}

impl Registry {
    /// What `tools/list` gives to callers of this role: the tools that they may call.
    pub fn describe(&self, role: Role) -> Vec<Value> {
        let listed = self.tools.iter().filter(|tool| tool.is_listed() && role.may(tool.effect()));
        listed.map(|tool| tool.describe()).collect()
    }

    /// The names of all tools, without those that stay callable for old clients only.
    pub fn names(&self) -> Vec<&'static str> {
        self.tools.iter().filter(|tool| tool.is_listed()).map(|tool| tool.name()).collect()
    }

    /// What calling a tool does to the world, if there is such a tool.
    pub fn effect_of(&self, name: &str) -> Option<crate::tools::Effect> {
        self.by_name.get(name).map(|n| self.tools[*n].effect())
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
    /// There is no such tool, the caller may not call it, the arguments do not fit it, or it said
    /// no.
    pub async fn call(
        &self,
        call: Call<'_>,
        name: &str,
        arguments: Option<&RawValue>,
    ) -> Result<CallResult, ToolError> {
        let Some(&n) = self.by_name.get(name) else {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            return Err(ToolError::UnknownTool(shown));
        };
        let arguments = arguments.map_or("{}", RawValue::get);
        // A struct would also take an array, by position.
        let outcome = if !call.caller.role.may(self.tools[n].effect()) {
            Err(ToolError::Refused(format!(
                "{name} changes something and needs a key with the role operate; this key may \
                 only read"
            )))
        } else if arguments.starts_with('{') {
            self.tools[n].call(call, arguments).await
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
        for tool in registry.describe(Role::Operate) {
            let schema = &tool["inputSchema"];
            assert_eq!(schema["type"], "object", "{tool}");
            // Clients of the first two add arguments of their own, which are not looked at.
            let strict = !["search", "fetch"].map(Value::from).contains(&tool["name"]);
            let refuses_more = schema.get("additionalProperties") == Some(&Value::Bool(false));
            assert_eq!(refuses_more, strict, "{tool}");
            for (name, property) in schema["properties"].as_object().unwrap() {
                assert!(property["description"].is_string(), "{} {name}", tool["name"]);
            }
            assert!(tool["description"].as_str().unwrap().ends_with('.'), "{tool}");
        }
    }

    #[test]
    fn a_key_for_reading_is_shown_what_reads() {
        let registry = Registry::default();
        let all = registry.describe(Role::Operate);
        let shown = registry.describe(Role::Read);
        let reads = all.iter().filter(|tool| tool["annotations"]["readOnlyHint"] == true);
        assert!(reads.eq(&shown));
        assert!(!shown.is_empty() && shown.len() < all.len());
    }
}
