//! `apply_patch`: part of a file, changed by a unified diff.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Before, invalid, path_schema};
use crate::repo::{ContentDigest, PatchRequest, RepoPath};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

pub(in crate::tools) struct ApplyPatch;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// The file, relative to the root of the repository.
    #[schemars(schema_with = "path_schema")]
    path: RepoPath,
    /// A unified diff of this one file: every context line and every removed line must stand in
    /// the file where the hunk says. The names in its header are not used.
    patch: String,
    /// The SHA-256 of what the file holds now, as `fetch` gave it; if the file was changed since,
    /// the call is refused. For a file that is to be made it is not looked at.
    expect_sha256: String,
    /// Whether the patch may make the file, if it is not there.
    #[serde(default)]
    allow_create: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::tools) struct Answer {
    path: RepoPath,
    bytes_written: u64,
    previous_sha256: Before,
    /// None if the patch removed the file.
    sha256: Option<ContentDigest>,
    created: bool,
    #[serde(skip_serializing_if = "is_false")]
    deleted: bool,
    /// Whether lines without a prefix were taken as additions.
    #[serde(skip_serializing_if = "is_false")]
    repaired: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[async_trait]
impl Tool for ApplyPatch {
    const NAME: &'static str = "apply_patch";
    const TITLE: &'static str = "Patch a file";
    const DESCRIPTION: &'static str = "Applies a unified diff to one file of the repository, \
        exactly or not at all, if the file still holds what expectSha256 says. On a mismatch it \
        says which line of which hunk differs. With allowCreate the patch may make the file; one \
        against /dev/null may remove it.";
    const EFFECT: Effect = Effect::Changes;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let Arguments { path, patch, expect_sha256, allow_create } = arguments;
        let expected = match expect_sha256.parse() {
            Ok(digest) => Some(digest),
            // Refused later if the file is there.
            Err(_) if allow_create => None,
            Err(error) => return Err(invalid::<Self>(format!("expectSha256: {error}"))),
        };
        let request = PatchRequest { path: path.clone(), patch, expected, allow_create };
        let patched = doors.repo.patch(&caller.principal, request).await?;
        Ok(Reply::Answer(Answer {
            path,
            bytes_written: patched.size,
            previous_sha256: patched.previous,
            sha256: patched.digest,
            created: patched.previous.is_none(),
            deleted: patched.digest.is_none(),
            repaired: patched.repaired,
        }))
    }
}
