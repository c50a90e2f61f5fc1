//! `find_files`: the files whose paths match.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{glob, within};
use crate::repo::{Glob, ListRequest, RepoPath};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

const MOST: u16 = 100;
const MOST_MOST: u16 = 500;

pub(in crate::tools) struct FindFiles;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// What the path must match, seen from the root of the repository: `*` stops at a `/`, `**`
    /// does not, so that `**/*.md` is all Markdown and `*.md` only that of the root.
    #[schemars(with = "String", length(min = 1, max = 256))]
    #[serde(deserialize_with = "glob")]
    glob: Glob,
    /// How many files to list, 1 to 500; 100 when absent.
    #[schemars(range(min = 1, max = 500))]
    max: Option<u16>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::tools) struct Answer {
    items: Vec<Item>,
    /// Whether there is more than is listed.
    truncated: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Item {
    path: RepoPath,
}

#[async_trait]
impl Tool for FindFiles {
    const NAME: &'static str = "find_files";
    const TITLE: &'static str = "Find files by path";
    const DESCRIPTION: &'static str = "Lists the files of the repository whose paths match a glob, \
        in the order of their paths, without what git ignores. To find files by what they hold, use \
        search.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let Arguments { glob, max } = arguments;
        let most = within::<Self>("max", max, MOST, MOST_MOST)?;
        let request = ListRequest { under: None, matching: Some(glob), most, directories: false };
        let listing = doors.repo.list(request).await?;
        let items = listing.entries.into_iter().map(|entry| Item { path: entry.path }).collect();
        Ok(Reply::Answer(Answer { items, truncated: listing.is_cut }))
    }
}
