//! `git_diff`: what changed inside of files.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{invalid, paths_schema};
use crate::repo::RepoPath;
use crate::repo::git::DiffRequest;
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

const CONTEXT: u32 = 3;
const CONTEXT_MOST: u32 = 20;

const BYTES: usize = 64 * 1024;
const BYTES_MOST: usize = 256 * 1024;

pub(in crate::tools) struct GitDiff;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// Only these files, and what is below these directories; all that git knows when absent. A new
    /// file is shown if it is named.
    #[schemars(schema_with = "paths_schema")]
    #[serde(default)]
    paths: Vec<RepoPath>,
    /// Whether what is staged for the next commit is shown, instead of what is not staged yet.
    #[serde(default)]
    staged: bool,
    /// How many unchanged lines are shown around each change, 0 to 20; 3 when absent.
    #[schemars(range(max = 20))]
    context_lines: Option<u32>,
    /// The most bytes of diff, 1 to 262144; 65536 when absent. It ends with a whole hunk.
    #[schemars(range(min = 1, max = 262_144))]
    max_bytes: Option<usize>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::tools) struct Answer {
    diff: String,
    /// Whether more changed than is shown.
    truncated: bool,
}

#[async_trait]
impl Tool for GitDiff {
    const NAME: &'static str = "git_diff";
    const TITLE: &'static str = "What changed inside of files";
    const DESCRIPTION: &'static str = "Shows the changes of the working tree, or what is staged, \
        as a unified diff.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let Arguments { paths, staged, context_lines, max_bytes } = arguments;
        let context = context_lines.unwrap_or(CONTEXT);
        if CONTEXT_MOST < context {
            return Err(invalid::<Self>(format!(
                "contextLines must be between 0 and {CONTEXT_MOST}"
            )));
        }
        let max_bytes = max_bytes.unwrap_or(BYTES);
        if !(1..=BYTES_MOST).contains(&max_bytes) {
            return Err(invalid::<Self>(format!("maxBytes must be between 1 and {BYTES_MOST}")));
        }
        let request = DiffRequest { paths, staged, context, max_bytes };
        let diff = doors.repo.git_diff(request).await?;
        Ok(Reply::Answer(Answer { diff: diff.text, truncated: diff.is_cut }))
    }
}
