//! `write_patch`: change a file of the repository by a diff that applies.

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::prompts::messages::{DATA, MOST, Messages};
use crate::prompts::signature::{Parameter, Signature};
use crate::prompts::{Prompt, PromptError};
use crate::repo::content::{file_id, mime_type};
use crate::repo::root::FileError;
use crate::repo::{ContentDigest, RepoError, RepoErrorKind, RepoPath};
use crate::resources::{Asking, Completion, CompletionRequest, ResourceUri, complete_paths};
use crate::tools::{Call, ToolError};

const SIGNATURE: Signature = Signature {
    name: "write_patch",
    title: "Write a patch",
    description: "Changes a file of the repository: reads it, and asks for a unified diff that \
        apply_patch takes and git_commit commits.",
    parameters: &[
        Parameter {
            name: "path",
            title: "File",
            description: "The file to change, by its path from the root of the repository.",
            required: true,
        },
        Parameter {
            name: "goal",
            title: "Goal",
            description: "What the change is to achieve, in your own words.",
            required: true,
        },
    ],
};

pub(super) struct WritePatch;

#[async_trait]
impl Prompt for WritePatch {
    fn name(&self) -> &'static str {
        SIGNATURE.name
    }

    fn describe(&self) -> Value {
        SIGNATURE.to_value()
    }

    async fn get(
        &self,
        Call { doors, .. }: Call<'_>,
        arguments: &Map<String, Value>,
    ) -> Result<Value, PromptError> {
        let given = SIGNATURE.read(arguments)?;
        let invalid = |why: String| PromptError::Invalid(format!("path: {why}"));
        let path = RepoPath::parse(given.required("path"))
            .and_then(|path| path.check_writable().map(|()| path))
            .map_err(|error| invalid(error.to_string()))?;
        let file = match doors.repo.read_at_most(&path, MOST as u64).await {
            Ok(file) => file,
            Err(error) => return Err(unreadable(&path, error)),
        };
        let sha256 = ContentDigest::of(&file.bytes);
        let text = String::from_utf8(file.bytes).map_err(|_not_text| {
            invalid(format!("{path} is not text, and a patch changes lines of text"))
        })?;

        let mut messages = Messages::default();
        // The goal is the operator's, and the only words of others that are no data.
        let goal: Vec<_> = given.required("goal").lines().map(|line| format!("> {line}")).collect();
        messages.say(format!(
            "Change the file {path} of the repository. The goal, in the operator's words:\n\n{}\n\n\
             The file is attached as it is now: {} lines, SHA-256 {sha256}.\n\n{DATA}",
            goal.join("\n"),
            text.lines().count()
        ));
        let uri = ResourceUri::File(path.clone()).to_string();
        messages.attach(&uri, mime_type(&path, true), &text);
        messages.say(steps(&path, sha256));
        Ok(messages.finish(&format!("Change {path}")))
    }

    async fn complete(
        &self,
        Asking { doors, .. }: Asking<'_>,
        request: CompletionRequest<'_>,
    ) -> Result<Completion, PromptError> {
        match SIGNATURE.parameter(request.argument)?.name {
            "path" => Ok(complete_paths(doors, request.value).await?),
            _own_words => Ok(Completion::of(Vec::new())),
        }
    }
}

fn unreadable(path: &RepoPath, error: RepoError) -> PromptError {
    let why = match &error {
        RepoError::File(FileError::TooLarge { size, limit, .. }) => format!(
            "{path} has {size} bytes, and at most {limit} fit here; read the lines in question \
             with fetch (id {}, lines) and change them with apply_patch",
            file_id(path)
        ),
        RepoError::File(FileError::NotFound(_)) => {
            format!("{path} does not exist; create_file makes a new file")
        }
        error if matches!(error.kind(), RepoErrorKind::Invalid | RepoErrorKind::Refused) => {
            error.to_string()
        }
        _failed => return ToolError::from(error).into(),
    };
    PromptError::Invalid(format!("path: {why}"))
}

fn steps(path: &RepoPath, sha256: ContentDigest) -> String {
    let id = file_id(path);
    format!(
        "Now make the change:\n\n\
         1. Write a unified diff of this one file that does what the goal asks and nothing else. \
         Keep its style, its indentation and its line ends. Each context line and each removed \
         line must stand in the file exactly as you write it and where the hunk says; count the \
         lines of each hunk for its header.\n\
         2. Show the diff to the operator, with a sentence on what it does.\n\
         3. When the operator agrees, call `apply_patch` with the path {path}, the diff as `patch`, \
         and `expectSha256` {sha256}. If it is refused, it says which line differs: read the file \
         again with `fetch` (id {id}) and write the diff anew.\n\
         4. Look at the outcome with `git_diff`, and commit it with `git_commit` if the operator \
         wants that, with {path} in `add`."
    )
}
