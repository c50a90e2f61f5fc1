//! `get_code_analysis`: how much of which language.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;

use super::NoArguments;
use crate::repo::{Language, RepoPath};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

pub(in crate::tools) struct CodeAnalysis;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::tools) struct Answer {
    files: u64,
    bytes: u64,
    /// Those in a known language.
    lines: u64,
    languages: Vec<Shown>,
    largest_files: Vec<Sized>,
    /// Whether a limit of time or size left something out.
    truncated: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Shown {
    language: &'static str,
    files: u64,
    bytes: u64,
    lines: u64,
    /// In how many of the files lines were counted.
    files_counted: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Sized {
    path: RepoPath,
    size: u64,
}

impl From<Language> for Shown {
    fn from(found: Language) -> Self {
        let Language { name, files, bytes, lines, counted } = found;
        Self { language: name, files, bytes, lines, files_counted: counted }
    }
}

#[async_trait]
impl Tool for CodeAnalysis {
    const NAME: &'static str = "get_code_analysis";
    const TITLE: &'static str = "What the code is made of";
    const DESCRIPTION: &'static str = "Counts the files, bytes and lines of the repository by \
        language, and names the largest files; what git ignores is not counted.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = NoArguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        NoArguments {}: NoArguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let survey = doors.repo.survey(true).await?;
        let sized = |(path, size)| Sized { path, size };
        Ok(Reply::Answer(Answer {
            files: survey.files,
            bytes: survey.bytes,
            lines: survey.languages.iter().map(|language| language.lines).sum(),
            languages: survey.languages.into_iter().map(Shown::from).collect(),
            largest_files: survey.largest.into_iter().map(sized).collect(),
            truncated: survey.is_cut,
        }))
    }
}
