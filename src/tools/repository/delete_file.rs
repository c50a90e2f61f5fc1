//! `delete_file`: a file that the caller has read, removed.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{digest_schema, path_schema};
use crate::repo::{ContentDigest, RepoPath};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

pub(in crate::tools) struct DeleteFile;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// The file, relative to the root of the repository.
    #[schemars(schema_with = "path_schema")]
    path: RepoPath,
    /// The SHA-256 of what it holds now, as `fetch` gave it; if the file was changed since, the
    /// call is refused.
    #[schemars(schema_with = "digest_schema")]
    expect_sha256: ContentDigest,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::tools) struct Answer {
    path: RepoPath,
    deleted: bool,
    previous_sha256: ContentDigest,
}

#[async_trait]
impl Tool for DeleteFile {
    const NAME: &'static str = "delete_file";
    const TITLE: &'static str = "Delete a file";
    const DESCRIPTION: &'static str = "Removes a file of the repository, if it still holds what \
        expectSha256 says; git keeps what was committed.";
    const EFFECT: Effect = Effect::Ends;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let Arguments { path, expect_sha256 } = arguments;
        let removed = doors.repo.delete(&caller.principal, path.clone(), expect_sha256);
        let previous_sha256 = removed.await?;
        Ok(Reply::Answer(Answer { path, deleted: true, previous_sha256 }))
    }
}
