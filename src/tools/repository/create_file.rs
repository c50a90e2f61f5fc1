//! `create_file`: a file that is not there yet.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{decoded, path_schema, unless_there, write_file};
use crate::repo::content::Encoding;
use crate::repo::{Existing, RepoPath, Template, WriteRequest, WriteTool, Written};
use crate::tools::{Call, Caller, Doors, Effect, Reply, Tool, ToolError};

pub(in crate::tools) struct CreateFile;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// The file, relative to the root of the repository; missing directories are made.
    #[schemars(schema_with = "path_schema")]
    pub(super) path: RepoPath,
    /// What it is to hold, as `encoding` says; up to 4 MiB.
    pub(super) contents: String,
    /// A header in this language that is put before the contents, with a title made of the file's
    /// name.
    pub(super) template: Option<Template>,
    /// `utf8` for text as it is, the default, or `base64` for any bytes.
    #[serde(default)]
    pub(super) encoding: Encoding,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::tools) struct Answer {
    #[serde(flatten)]
    written: write_file::Answer,
    template: Option<Template>,
}

/// Creates a file as the arguments say.
pub(super) async fn create<T: Tool>(
    doors: &Doors,
    caller: &Caller,
    arguments: Arguments,
) -> Result<Written, ToolError> {
    let Arguments { path, contents, template, encoding } = arguments;
    let mut bytes = decoded::<T>(contents, encoding)?;
    if let Some(template) = template {
        bytes.splice(..0, template.header(&path).into_bytes());
    }
    let (tool, existing) = (WriteTool::CreateFile, Existing::Refuse);
    let request = WriteRequest { tool, path, bytes, existing };
    let written = doors.repo.write(&caller.principal, request).await;
    written.map_err(|error| unless_there(error, "change it with update_file or apply_patch"))
}

#[async_trait]
impl Tool for CreateFile {
    const NAME: &'static str = "create_file";
    const TITLE: &'static str = "Create a file";
    const DESCRIPTION: &'static str = "Creates a file in the repository, with the directories it \
        needs; refused if the file exists. A template puts a header before the contents.";
    const EFFECT: Effect = Effect::Adds;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let (template, encoding) = (arguments.template, arguments.encoding);
        let written = create::<Self>(doors, caller, arguments).await?;
        let written = write_file::Answer::of(written, encoding);
        Ok(Reply::Answer(Answer { written, template }))
    }
}
