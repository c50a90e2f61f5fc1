//! `append_file`: something at the end of a file.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Before, decoded, path_schema};
use crate::repo::content::Encoding;
use crate::repo::{ContentDigest, RepoPath};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

pub(in crate::tools) struct AppendFile;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// The file, relative to the root of the repository.
    #[schemars(schema_with = "path_schema")]
    path: RepoPath,
    /// What is added, as `encoding` says.
    contents: String,
    /// Whether what is added begins on a line of its own and ends with a line end; true when
    /// absent.
    #[serde(default = "yes")]
    ensure_newline: bool,
    /// `utf8` for text as it is, the default, or `base64` for any bytes.
    #[serde(default)]
    encoding: Encoding,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::tools) struct Answer {
    path: RepoPath,
    sha256: ContentDigest,
    size: u64,
    /// How many bytes of the contents were added.
    appended: usize,
    /// How many bytes the file grew by, line ends included.
    grown: u64,
    modified: String,
    previous_sha256: Before,
}

#[async_trait]
impl Tool for AppendFile {
    const NAME: &'static str = "append_file";
    const TITLE: &'static str = "Append to a file";
    const DESCRIPTION: &'static str = "Adds to the end of a file of the repository, on a line of \
        its own unless ensureNewline is false.";
    const EFFECT: Effect = Effect::Changes;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let Arguments { path, contents, ensure_newline, encoding } = arguments;
        let bytes = decoded::<Self>(contents, encoding)?;
        let appended = bytes.len();
        let done = doors.repo.append(&caller.principal, path, bytes, ensure_newline).await?;
        Ok(Reply::Answer(Answer {
            path: done.written.path,
            sha256: done.written.digest,
            size: done.written.size,
            appended,
            grown: done.grown,
            modified: done.written.modified.to_string(),
            previous_sha256: done.written.previous,
        }))
    }
}
