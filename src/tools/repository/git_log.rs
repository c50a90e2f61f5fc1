//! `git_log`: what was committed.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{optional_path_schema, within};
use crate::repo::RepoPath;
use crate::repo::git::{CommitId, LogRequest, LoggedCommit};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

const LIMIT: u16 = 20;
const LIMIT_MOST: u16 = 200;

pub(in crate::tools) struct GitLog;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// Only commits that changed this file, or what is below this directory.
    #[schemars(schema_with = "optional_path_schema")]
    #[serde(default)]
    path: Option<RepoPath>,
    /// How many commits to list, 1 to 200; 20 when absent.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u16>,
    /// Only commits that come after this one in the log: the last of the page before, all 40
    /// digits.
    #[schemars(with = "Option<String>", regex(pattern = "^[0-9a-f]{40}$"))]
    before: Option<After>,
}

/// A commit to go on from.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct After(CommitId);

impl TryFrom<String> for After {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        CommitId::parse(&text).map(Self).ok_or("a commit is named by its 40 hexadecimal digits")
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::tools) struct Answer {
    /// Newest first.
    commits: Vec<Shown>,
    /// Whether there may be more.
    truncated: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Shown {
    commit: String,
    author: String,
    at: String,
    subject: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    body: String,
}

impl From<LoggedCommit> for Shown {
    fn from(logged: LoggedCommit) -> Self {
        let LoggedCommit { id, author, at, subject, body } = logged;
        Self { commit: id.to_string(), author, at: at.to_string(), subject, body }
    }
}

#[async_trait]
impl Tool for GitLog {
    const NAME: &'static str = "git_log";
    const TITLE: &'static str = "What was committed";
    const DESCRIPTION: &'static str = "Lists the commits of the branch that is checked out, newest \
        first; of one file or directory if path is given. Go on with the last commit in before.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let Arguments { path, limit, before } = arguments;
        let limit = within::<Self>("limit", limit, LIMIT, LIMIT_MOST)?;
        let request = LogRequest { path, limit, before: before.map(|After(commit)| commit) };
        let log = doors.repo.git_log(request).await?;
        let commits = log.commits.into_iter().map(Shown::from).collect();
        Ok(Reply::Answer(Answer { commits, truncated: log.is_cut }))
    }
}
