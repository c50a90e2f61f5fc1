//! `get_development_utilities`: what can be called to build, test and run the repository.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;

use super::NoArguments;
use crate::repo::{BuildTool, Command, RepoPath};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

pub(in crate::tools) struct DevelopmentUtilities;

#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::tools) struct Answer {
    utilities: Vec<Utility>,
    /// Whether a limit of time or size left something out.
    truncated: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Utility {
    tool: &'static str,
    /// The file that says so.
    manifest: RepoPath,
    package: Option<String>,
    /// To be called in the directory of the manifest.
    commands: Vec<Shown>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Shown {
    name: String,
    command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    runs: Option<String>,
}

impl From<BuildTool> for Utility {
    fn from(found: BuildTool) -> Self {
        let BuildTool { tool, manifest, package, commands } = found;
        let shown = |Command { name, command, runs }| Shown { name, command, runs };
        Self { tool, manifest, package, commands: commands.into_iter().map(shown).collect() }
    }
}

#[async_trait]
impl Tool for DevelopmentUtilities {
    const NAME: &'static str = "get_development_utilities";
    const TITLE: &'static str = "How the repository is built";
    const DESCRIPTION: &'static str = "Names the build tools of the repository and the commands \
        that its manifests declare: Cargo.toml, package.json, pyproject.toml, go.mod, Makefile, \
        justfile and CMakeLists.txt. Nothing is run.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = NoArguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        NoArguments {}: NoArguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let survey = doors.repo.survey(false).await?;
        let utilities = survey.build_tools.into_iter().map(Utility::from).collect();
        Ok(Reply::Answer(Answer { utilities, truncated: survey.is_cut }))
    }
}
