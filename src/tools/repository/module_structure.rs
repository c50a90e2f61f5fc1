//! `get_module_structure`: which parts there are, and where.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;

use super::NoArguments;
use crate::repo::{BuildTool, Directory, RepoPath};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

pub(in crate::tools) struct ModuleStructure;

#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::tools) struct Answer {
    /// What the manifests call packages.
    packages: Vec<Package>,
    /// The upper directories, in the order of their paths.
    directories: Vec<Shown>,
    /// Whether a limit of time or size left something out.
    truncated: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Package {
    name: String,
    tool: &'static str,
    manifest: RepoPath,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Shown {
    path: RepoPath,
    files: u64,
    bytes: u64,
    /// The language with the most bytes.
    language: Option<&'static str>,
}

impl From<Directory> for Shown {
    fn from(found: Directory) -> Self {
        let Directory { path, files, bytes, language } = found;
        Self { path, files, bytes, language }
    }
}

fn package(found: BuildTool) -> Option<Package> {
    let BuildTool { tool, manifest, package, .. } = found;
    Some(Package { name: package?, tool, manifest })
}

#[async_trait]
impl Tool for ModuleStructure {
    const NAME: &'static str = "get_module_structure";
    const TITLE: &'static str = "Parts of the repository";
    const DESCRIPTION: &'static str = "Names the packages of the repository and its upper \
        directories, three levels deep, with what is in them; what git ignores is left out.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = NoArguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        NoArguments {}: NoArguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let survey = doors.repo.survey(false).await?;
        Ok(Reply::Answer(Answer {
            packages: survey.build_tools.into_iter().filter_map(package).collect(),
            directories: survey.directories.into_iter().map(Shown::from).collect(),
            truncated: survey.is_cut,
        }))
    }
}
