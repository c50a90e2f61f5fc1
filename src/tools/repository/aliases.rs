//! `writeFile` and `createFile`: the names and answers of earlier clients, which are not listed.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NamedTwice, create_file, path_schema, write_file};
use crate::clock::Timestamp;
use crate::repo::content::Encoding;
use crate::repo::{ContentDigest, RepoPath, Template, Written};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

pub(in crate::tools) struct WriteFileAlias;

pub(in crate::tools) struct CreateFileAlias;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::tools) struct WriteArguments {
    /// The file, relative to the root of the repository.
    #[schemars(schema_with = "path_schema")]
    path: RepoPath,
    /// What it is to hold, as `encoding` says.
    #[serde(alias = "contents")]
    content: String,
    /// Whether a file that is there is replaced.
    #[serde(default)]
    overwrite: bool,
    /// `utf8` or `base64`.
    #[serde(default)]
    encoding: Encoding,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::tools) struct CreateArguments {
    /// The file, relative to the root of the repository.
    #[schemars(schema_with = "path_schema")]
    path: RepoPath,
    /// What it is to hold, as `encoding` says.
    #[serde(alias = "contents")]
    content: String,
    /// A header that is put before the content.
    template: Option<Template>,
    /// `utf8` or `base64`.
    #[serde(default)]
    encoding: Encoding,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::tools) struct Answer<More> {
    success: bool,
    operation: &'static str,
    #[serde(flatten)]
    name: NamedTwice,
    size: u64,
    sha256: ContentDigest,
    encoding: Encoding,
    #[serde(flatten)]
    more: More,
    timestamp: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::tools) struct Overwritten {
    overwritten: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::tools) struct Templated {
    template: Option<Template>,
}

impl<More> Answer<More> {
    fn of<T: Tool>(written: Written, encoding: Encoding, more: More) -> Self {
        let Written { path, digest, size, modified, .. } = written;
        Self {
            success: true,
            operation: T::NAME,
            name: path.into(),
            size,
            sha256: digest,
            encoding,
            more,
            timestamp: Timestamp::to_string(&modified),
        }
    }
}

#[async_trait]
impl Tool for WriteFileAlias {
    const NAME: &'static str = "writeFile";
    const TITLE: &'static str = "Write a file";
    const DESCRIPTION: &'static str = "The earlier name of write_file.";
    const EFFECT: Effect = Effect::Changes;
    type Arguments = WriteArguments;
    type Answer = Answer<Overwritten>;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: WriteArguments,
    ) -> Result<Reply<Self::Answer>, ToolError> {
        let WriteArguments { path, content: contents, overwrite, encoding } = arguments;
        let arguments = write_file::Arguments { path, contents, overwrite, encoding };
        let written = write_file::write::<Self>(doors, caller, arguments).await?;
        let more = Overwritten { overwritten: written.previous.is_some() };
        Ok(Reply::Answer(Answer::of::<Self>(written, encoding, more)))
    }
}

#[async_trait]
impl Tool for CreateFileAlias {
    const NAME: &'static str = "createFile";
    const TITLE: &'static str = "Create a file";
    const DESCRIPTION: &'static str = "The earlier name of create_file.";
    const EFFECT: Effect = Effect::Adds;
    type Arguments = CreateArguments;
    type Answer = Answer<Templated>;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: CreateArguments,
    ) -> Result<Reply<Self::Answer>, ToolError> {
        let CreateArguments { path, content: contents, template, encoding } = arguments;
        let arguments = create_file::Arguments { path, contents, template, encoding };
        let written = create_file::create::<Self>(doors, caller, arguments).await?;
        Ok(Reply::Answer(Answer::of::<Self>(written, encoding, Templated { template })))
    }
}
