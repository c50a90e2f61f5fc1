//! `list_dir`: what is below a directory.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{optional_glob, within};
use crate::repo::root::EntryKind;
use crate::repo::{Glob, ListRequest, RepoPath};
use crate::tools::words::entry_kind;
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

const MOST: u16 = 50;
const MOST_MOST: u16 = 200;

pub(in crate::tools) struct ListDir;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// The directory, relative to the root of the repository; `.` for the root itself.
    #[schemars(with = "String", length(max = 4096))]
    path: Directory,
    /// Only what matches this, seen from the directory or from the root: `*` stops at a `/`, `**`
    /// does not.
    #[schemars(with = "Option<String>", length(min = 1, max = 256))]
    #[serde(default, deserialize_with = "optional_glob")]
    glob: Option<Glob>,
    /// How many entries to list, 1 to 200; 50 when absent.
    #[schemars(range(min = 1, max = 200))]
    max: Option<u16>,
    /// Whether directories are listed too.
    #[serde(default)]
    include_dirs: bool,
}

/// A directory; none is the root.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Directory(Option<RepoPath>);

impl TryFrom<String> for Directory {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if matches!(text.as_str(), "" | "." | "./") {
            return Ok(Self(None));
        }
        // A directory may be written with a slash at its end, but not a file.
        let name = text.strip_suffix('/').unwrap_or(&text);
        RepoPath::parse(name).map(|path| Self(Some(path))).map_err(|error| error.to_string())
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::tools) struct Answer {
    items: Vec<Item>,
    /// Whether there is more than is listed.
    truncated: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Item {
    #[schemars(schema_with = "entry_kind")]
    r#type: &'static str,
    path: RepoPath,
}

#[async_trait]
impl Tool for ListDir {
    const NAME: &'static str = "list_dir";
    const TITLE: &'static str = "List a directory";
    const DESCRIPTION: &'static str = "Lists the files below a directory of the repository, all \
        the way down and in the order of their paths, without what git ignores.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let Arguments { path: Directory(under), glob, max, include_dirs } = arguments;
        let request = ListRequest {
            under,
            matching: glob,
            most: within::<Self>("max", max, MOST, MOST_MOST)?,
            directories: include_dirs,
        };
        let listing = doors.repo.list(request).await?;
        let item = |entry: crate::repo::Listed| Item {
            r#type: match entry.kind {
                EntryKind::File => "file",
                EntryKind::Directory => "dir",
            },
            path: entry.path,
        };
        let items = listing.entries.into_iter().map(item).collect();
        Ok(Reply::Answer(Answer { items, truncated: listing.is_cut }))
    }
}
