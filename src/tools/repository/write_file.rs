//! `write_file`: a file, new or replaced.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NamedTwice, decoded, path_schema, unless_there};
use crate::repo::content::Encoding;
use crate::repo::{ContentDigest, Existing, RepoPath, WriteRequest, WriteTool, Written};
use crate::tools::{Call, Caller, Doors, Effect, Reply, Tool, ToolError};

pub(in crate::tools) struct WriteFile;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// The file, relative to the root of the repository; missing directories are made.
    #[schemars(schema_with = "path_schema")]
    pub(super) path: RepoPath,
    /// What it is to hold, as `encoding` says; up to 4 MiB.
    pub(super) contents: String,
    /// Whether a file that is there is replaced; otherwise the call is refused.
    #[serde(default)]
    pub(super) overwrite: bool,
    /// `utf8` for text as it is, the default, or `base64` for any bytes.
    #[serde(default)]
    pub(super) encoding: Encoding,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::tools) struct Answer {
    #[serde(flatten)]
    name: NamedTwice,
    size: u64,
    sha256: ContentDigest,
    /// When the file that stands there now was made: each write makes a new one and puts it in the
    /// place of the old.
    created: String,
    modified: String,
    encoding: Encoding,
    overwritten: bool,
}

impl Answer {
    pub(super) fn of(written: Written, encoding: Encoding) -> Self {
        let modified = written.modified.to_string();
        Self {
            name: written.path.into(),
            size: written.size,
            sha256: written.digest,
            created: modified.clone(),
            modified,
            encoding,
            overwritten: written.previous.is_some(),
        }
    }
}

/// Writes a file as the arguments say.
pub(super) async fn write<T: Tool>(
    doors: &Doors,
    caller: &Caller,
    arguments: Arguments,
) -> Result<Written, ToolError> {
    let Arguments { path, contents, overwrite, encoding } = arguments;
    let request = WriteRequest {
        tool: WriteTool::WriteFile,
        path,
        bytes: decoded::<T>(contents, encoding)?,
        existing: if overwrite { Existing::Replace } else { Existing::Refuse },
    };
    let written = doors.repo.write(&caller.principal, request).await;
    written.map_err(|error| unless_there(error, "set overwrite to replace it"))
}

#[async_trait]
impl Tool for WriteFile {
    const NAME: &'static str = "write_file";
    const TITLE: &'static str = "Write a file";
    const DESCRIPTION: &'static str = "Writes a whole file of the repository, with the directories \
        it needs; an existing one only with overwrite. To change part of a file, use apply_patch; to \
        replace what you have read, update_file.";
    const EFFECT: Effect = Effect::Changes;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let encoding = arguments.encoding;
        let written = write::<Self>(doors, caller, arguments).await?;
        Ok(Reply::Answer(Answer::of(written, encoding)))
    }
}
