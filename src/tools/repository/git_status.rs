//! `git_status`: what is not as the last commit has it.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::within;
use crate::repo::RepoPath;
use crate::repo::git::{FileChange, StatusEntry};
use crate::tools::words::{file_change, operation};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

const MOST: u16 = 100;
const MOST_MOST: u16 = 500;

pub(in crate::tools) struct GitStatus;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// How many files to list, 1 to 500; 100 when absent.
    #[schemars(range(min = 1, max = 500))]
    max: Option<u16>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::tools) struct Answer {
    /// The branch that is checked out, if one is.
    branch: Option<String>,
    /// The newest commit, if there is one.
    head: Option<String>,
    /// What somebody is in the middle of, such as a merge.
    #[schemars(schema_with = "operation")]
    operation: Option<&'static str>,
    clean: bool,
    items: Vec<Item>,
    truncated: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Item {
    path: RepoPath,
    #[schemars(schema_with = "file_change")]
    staged: Option<&'static str>,
    #[schemars(schema_with = "file_change")]
    unstaged: Option<&'static str>,
    untracked: bool,
    conflicted: bool,
}

impl From<StatusEntry> for Item {
    fn from(entry: StatusEntry) -> Self {
        let StatusEntry { path, staged, unstaged, is_untracked, is_conflicted } = entry;
        Self {
            path,
            staged: staged.map(FileChange::as_str),
            unstaged: unstaged.map(FileChange::as_str),
            untracked: is_untracked,
            conflicted: is_conflicted,
        }
    }
}

#[async_trait]
impl Tool for GitStatus {
    const NAME: &'static str = "git_status";
    const TITLE: &'static str = "What changed";
    const DESCRIPTION: &'static str = "Lists the files of the repository that are not as the last \
        commit has them, staged, unstaged or new, with the branch and its newest commit.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let most = within::<Self>("max", arguments.max, MOST, MOST_MOST)?;
        let status = doors.repo.git_status(most).await?;
        Ok(Reply::Answer(Answer {
            branch: status.branch,
            head: status.head.map(|commit| commit.to_string()),
            operation: status.operation.map(crate::repo::git::Operation::as_str),
            clean: status.entries.is_empty(),
            items: status.entries.into_iter().map(Item::from).collect(),
            truncated: status.is_cut,
        }))
    }
}
