//! The tools that read, search, change and commit the repository.

mod aliases;
pub(super) mod append_file;
pub(super) mod apply_patch;
pub(super) mod code_analysis;
pub(super) mod create_file;
pub(super) mod delete_file;
pub(super) mod development_utilities;
pub(super) mod fetch;
pub(super) mod find_files;
pub(super) mod git_commit;
pub(super) mod git_diff;
pub(super) mod git_log;
pub(super) mod git_status;
pub(super) mod list_dir;
pub(super) mod module_structure;
pub(super) mod rename_file;
pub(super) mod search;
pub(super) mod update_file;
pub(super) mod write_file;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use crate::repo::content::Encoding;
use crate::repo::root::FileError;
use crate::repo::{ContentDigest, Glob, RepoError, RepoPath};
use crate::tools::{Tool, ToolError};

pub(super) use self::aliases::{CreateFileAlias, WriteFileAlias};

/// What a tool takes that takes nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoArguments {}

/// A path as an argument.
fn path_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "minLength": 1, "maxLength": 4096 })
}

/// A path as an argument that need not be there.
fn optional_path_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "minLength": 1, "maxLength": 4096 })
}

/// Paths as an argument.
fn paths_schema(schemas: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": path_schema(schemas) })
}

/// A SHA-256 as an argument.
fn digest_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^[0-9A-Fa-f]{64}$" })
}

/// Says what is wrong with a call.
fn invalid<T: Tool>(what: impl std::fmt::Display) -> ToolError {
    ToolError::InvalidArguments(format!("{}: {what}", T::NAME))
}

/// A number of entries within its bounds.
fn within<T: Tool>(
    name: &str,
    asked: Option<u16>,
    default: u16,
    most: u16,
) -> Result<usize, ToolError> {
    let number = asked.unwrap_or(default);
    if (1..=most).contains(&number) {
        return Ok(number.into());
    }
    Err(invalid::<T>(format!("{name} must be between 1 and {most}")))
}

/// What a client sent as the contents of a file.
fn decoded<T: Tool>(contents: String, encoding: Encoding) -> Result<Vec<u8>, ToolError> {
    encoding.decode(contents).map_err(|error| invalid::<T>(format!("contents: {error}")))
}

/// Reads a pattern of paths.
fn glob<'de, D: Deserializer<'de>>(from: D) -> Result<Glob, D::Error> {
    Glob::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
}

/// Reads a pattern of paths that need not be there.
fn optional_glob<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Glob>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| Glob::parse(&text).map_err(serde::de::Error::custom)).transpose()
}

/// The failure of a write, which says what to do about a file that is there already.
fn unless_there(error: RepoError, advice: &str) -> ToolError {
    match error {
        RepoError::File(FileError::Exists(path)) => {
            ToolError::Refused(format!("{path} exists; {advice}"))
        }
        error => error.into(),
    }
}

/// A path twice over, as the earlier server named it: it gave away where the repository is in the
/// first one.
#[derive(Debug, serde::Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NamedTwice {
    path: RepoPath,
    relative_path: RepoPath,
}

impl From<RepoPath> for NamedTwice {
    fn from(path: RepoPath) -> Self {
        Self { relative_path: path.clone(), path }
    }
}

/// What a digest was, in an answer that always says so.
type Before = Option<ContentDigest>;
