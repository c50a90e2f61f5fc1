//! All tools by name: schemas out, checked arguments in.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use serde_json::value::RawValue;

use crate::ids::Entity;
use crate::tools::page::{InvalidCursor, Page, cursor_after, entry_before};
use crate::tools::repository::{
    CreateFileAlias, WriteFileAlias, append_file, apply_patch, code_analysis, create_file,
    delete_file, development_utilities, fetch, find_files, git_commit, git_diff, git_log,
    git_status, list_dir, module_structure, rename_file, search, update_file, write_file,
};
use crate::tools::result::CallResult;
use crate::tools::typed::{AnyTool, hidden, typed};
use crate::tools::{
    Call, Effect, Role, ToolError, backtest_policy, canary_commands, canary_status, cancel_job,
    chat, get_recent_events, infrastructure_status, job_logs, list_canaries, list_jobs,
    list_models, model_history, promote_model, replay_decision, rollback_model, run_eval,
    start_canary, status, why, why_math,
};

/// The list that cursors of tools belong to.
const LIST: &str = "tools";

/// The most tools on a page: all of them today, because many clients read only one.
const PAGE: usize = 100;

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

/// What a call gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The answer.
    pub result: CallResult,
    /// The work that goes on after it, if it began some.
    pub began: Option<Entity>,
}

/// All tools, in the order in which clients see them.
pub struct Registry {
    tools: Vec<Box<dyn AnyTool>>,
    /// What clients are told of each, in the same order; made when first asked for.
    descriptions: OnceLock<Vec<Value>>,
    /// The most tools on a page.
    page: usize,
    calls: Vec<Calls>,
    by_name: HashMap<&'static str, usize>,
}

impl Default for Registry {
    fn default() -> Self {
        Self::new(false)
    }
}

impl Registry {
    /// All tools; with those of the chat, where there is one.
    pub fn new(has_chat: bool) -> Self {
        let mut tools = vec![
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
            typed::<get_recent_events::GetRecentEvents>(),
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
        if has_chat {
            tools.extend(chat::all());
        }
        Self::of(tools)
    }

    fn of(tools: Vec<Box<dyn AnyTool>>) -> Self {
        let by_name = tools.iter().enumerate().map(|(n, tool)| (tool.name(), n)).collect();
        let calls = tools.iter().map(|_| Calls::default()).collect();
        Self { tools, descriptions: OnceLock::new(), page: PAGE, calls, by_name }
    }

    /// The same with more tools, which come after those that are there.
    #[cfg(feature = "conformance")]
    pub(crate) fn with(self, pack: Vec<Box<dyn AnyTool>>) -> Self {
        Self::of(self.tools.into_iter().chain(pack).collect())
    }

    /// The tools that callers of this role may call, with what clients are told of each.
    fn shown_to(&self, role: Role) -> impl Iterator<Item = (&'static str, &Value)> {
        let describe = || self.tools.iter().map(|tool| tool.describe()).collect();
        let all = self.tools.iter().zip(self.descriptions.get_or_init(describe));
        let shown = all.filter(move |(tool, _)| tool.is_listed() && role.may(tool.effect()));
        shown.map(|(tool, description)| (tool.name(), description))
    }

    /// What all pages of `tools/list` together give to callers of this role.
    pub fn describe(&self, role: Role) -> Vec<Value> {
        self.shown_to(role).map(|(_, description)| description.clone()).collect()
    }

    /// What `tools/list` gives to callers of this role: the first tools that they may call, or those
    /// that follow a cursor.
    ///
    /// # Errors
    /// No page that such a caller saw gave this cursor.
    pub fn page(&self, role: Role, cursor: Option<&str>) -> Result<Page, InvalidCursor> {
        let mut shown = self.shown_to(role);
        if let Some(cursor) = cursor {
            let last = entry_before(LIST, cursor)?;
            shown.find(|(name, _)| *name == last).ok_or(InvalidCursor)?;
        }
        let mut shown = shown.peekable();
        let (mut items, mut last) = (Vec::new(), "");
        for (name, description) in shown.by_ref().take(self.page) {
            items.push(description.clone());
            last = name;
        }
        let next_cursor = shown.peek().map(|_| cursor_after(LIST, last));
        Ok(Page { items, next_cursor })
    }

    /// The names of all tools, without those that stay callable for old clients only.
    pub fn names(&self) -> Vec<&'static str> {
        self.tools.iter().filter(|tool| tool.is_listed()).map(|tool| tool.name()).collect()
    }

    /// The title of a tool, and what it does to the world.
    pub fn effect(&self, name: &str) -> Option<(&'static str, Effect)> {
        let tool = &self.tools[*self.by_name.get(name)?];
        Some((tool.title(), tool.effect()))
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
    ) -> Result<Called, ToolError> {
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

// The tools of the conformance suite are not ours to judge.
#[cfg(all(test, not(feature = "conformance")))]
mod tests;
