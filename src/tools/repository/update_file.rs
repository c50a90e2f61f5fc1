//! `update_file`: a file that the caller has read, replaced as a whole.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{decoded, digest_schema, path_schema};
use crate::repo::content::Encoding;
use crate::repo::{ContentDigest, Existing, RepoPath, WriteRequest, WriteTool, Written};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

pub(in crate::tools) struct UpdateFile;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// The file, relative to the root of the repository.
    #[schemars(schema_with = "path_schema")]
    path: RepoPath,
    /// What it is to hold, as `encoding` says; up to 4 MiB.
    contents: String,
    /// The SHA-256 of what it holds now, as `fetch` gave it; if the file was changed since, the
    /// call is refused.
    #[schemars(schema_with = "digest_schema")]
    expect_sha256: ContentDigest,
    /// `utf8` for text as it is, the default, or `base64` for any bytes.
    #[serde(default)]
    encoding: Encoding,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::tools) struct Answer {
    path: RepoPath,
    sha256: ContentDigest,
    size: u64,
    modified: String,
    previous_sha256: ContentDigest,
}

#[async_trait]
impl Tool for UpdateFile {
    const NAME: &'static str = "update_file";
    const TITLE: &'static str = "Replace a file";
    const DESCRIPTION: &'static str = "Replaces a file of the repository as a whole, if it still \
        holds what expectSha256 says.";
    const EFFECT: Effect = Effect::Changes;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let Arguments { path, contents, expect_sha256, encoding } = arguments;
        let request = WriteRequest {
            tool: WriteTool::UpdateFile,
            path,
            bytes: decoded::<Self>(contents, encoding)?,
            existing: Existing::Exactly(expect_sha256),
        };
        let Written { path, digest, size, modified, previous: _ } =
            doors.repo.write(&caller.principal, request).await?;
        Ok(Reply::Answer(Answer {
            path,
            sha256: digest,
            size,
            modified: modified.to_string(),
            previous_sha256: expect_sha256,
        }))
    }
}
