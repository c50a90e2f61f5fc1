//! `rename_file`: another name for a file.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{path_schema, unless_there};
use crate::repo::{ContentDigest, RenameRequest, RepoPath};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

pub(in crate::tools) struct RenameFile;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// The file, relative to the root of the repository.
    #[schemars(schema_with = "path_schema")]
    from: RepoPath,
    /// Its new name, relative to the root of the repository; missing directories are made.
    #[schemars(schema_with = "path_schema")]
    to: RepoPath,
    /// Whether a file that has the new name is replaced; otherwise the call is refused.
    #[serde(default)]
    overwrite: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::tools) struct Answer {
    from: RepoPath,
    to: RepoPath,
    size: u64,
    moved: bool,
    sha256: ContentDigest,
    overwritten: bool,
}

#[async_trait]
impl Tool for RenameFile {
    const NAME: &'static str = "rename_file";
    const TITLE: &'static str = "Rename a file";
    const DESCRIPTION: &'static str = "Gives a file of the repository another name, in another \
        directory if that is wanted; refused if the new name is taken, unless overwrite is set.";
    const EFFECT: Effect = Effect::Changes;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let Arguments { from, to, overwrite } = arguments;
        let request = RenameRequest { from: from.clone(), to: to.clone(), overwrite };
        let renamed = doors.repo.rename(&caller.principal, request).await;
        let advice = "set overwrite to replace it";
        let renamed = renamed.map_err(|error| unless_there(error, advice))?;
        Ok(Reply::Answer(Answer {
            from,
            to,
            size: renamed.size,
            moved: true,
            sha256: renamed.digest,
            overwritten: renamed.displaced.is_some(),
        }))
    }
}
