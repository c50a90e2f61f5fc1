//! `git_commit`: the files that were changed, for good.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{invalid, paths_schema};
use crate::repo::git::{CommitMessage, Paths};
use crate::repo::{CommitOrder, Committed, RepoPath};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

pub(in crate::tools) struct GitCommit;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// What the commit says; up to 64 KiB.
    #[schemars(length(min = 1, max = 65_536))]
    message: String,
    /// The files to commit, relative to the root of the repository; one that is not there any more
    /// is removed. What others have staged stays staged.
    #[schemars(schema_with = "paths_schema")]
    #[serde(default)]
    add: Vec<RepoPath>,
    /// Whether `Signed-off-by:` with the configured author is added.
    #[serde(default)]
    signoff: bool,
    /// Whether all changes are committed instead, new files included, without what git ignores.
    #[serde(default)]
    stage_all: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::tools) struct Answer {
    commit: String,
    message: String,
    /// The files that the commit changes.
    staged: Vec<String>,
    stage_all: bool,
    branch: String,
}

#[async_trait]
impl Tool for GitCommit {
    const NAME: &'static str = "git_commit";
    const TITLE: &'static str = "Commit files";
    const DESCRIPTION: &'static str = "Commits the named files, or with stageAll all that changed, \
        to the branch that is checked out. No hook, filter or other program runs, and nothing is \
        pushed.";
    const EFFECT: Effect = Effect::Changes;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let Arguments { message, add, signoff, stage_all } = arguments;
        let paths = match (add.is_empty(), stage_all) {
            (false, false) => Paths::Named(add),
            (true, true) => Paths::All,
            // Named files may be such as are left out of all, and that must be said.
            (false, true) => {
                return Err(invalid::<Self>("add and stageAll exclude one another; send one"));
            }
            (true, false) => {
                return Err(invalid::<Self>("name the files in add, or set stageAll"));
            }
        };
        let message = CommitMessage::parse(&message)
            .map_err(|error| invalid::<Self>(format!("message: {error}")))?;
        // As it was asked for; the sign-off is known to whoever asked for that.
        let said = message.as_str().trim_end().to_owned();
        let order = CommitOrder { paths, message, signoff };
        let Committed { id, branch, changes, .. } =
            doors.repo.commit(&caller.principal, order).await?;
        Ok(Reply::Answer(Answer {
            commit: id.to_string(),
            message: said,
            staged: changes.into_iter().map(|change| change.path).collect(),
            stage_all,
            branch,
        }))
    }
}
