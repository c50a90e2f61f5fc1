//! `repo://{path}`: the files of the repository, as far as its root lets them be read.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::events::Watchable;
use crate::repo::content::{Encoding, Shown, file_id, mime_type};
use crate::repo::root::{EntryKind, FileError};
use crate::repo::{InDirectory, LARGEST_FILE, RepoError, RepoErrorKind, RepoPath};
use crate::resources::completion::{self, CompletionRequest, is_no_directory};
use crate::resources::description::{Annotations, Description, Template};
use crate::resources::document::LARGEST;
use crate::resources::family::no_variable;
use crate::resources::uri::ResourceUri;
use crate::resources::{Asking, Completion, Listed, ResourceError, ResourceFamily};
use crate::tools::{Call, Doors};

const TEMPLATE: Template = Template {
    uri: "repo://{path}",
    name: "file",
    title: "File of the repository",
    description: "A file of the repository, by its path from the root: text as it is, anything \
        else in base64. list_dir and find_files list paths.",
    mime_type: None,
};

/// The directory with what is written for readers.
const DOCS: &str = "docs";

pub(super) struct Files;

#[async_trait]
impl ResourceFamily for Files {
    fn templates(&self) -> Vec<Value> {
        vec![TEMPLATE.to_value()]
    }

    async fn list(
        &self,
        Asking { doors, .. }: Asking<'_>,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Listed>, ResourceError> {
        let mut files = Vec::new();
        let docs = RepoPath::parse(DOCS).ok();
        for directory in [None, docs] {
            let entries = in_directory(doors, directory).await?;
            files.extend(entries.into_iter().filter_map(|entry| {
                let rank = rank(&entry)?;
                Some((format!("{rank} {}", entry.path), rank, entry))
            }));
        }
        files.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        let rest = files
            .into_iter()
            .filter(|(place, ..)| after.is_none_or(|after| after < place.as_str()));
        let listed = |(place, rank, entry)| listed(place, rank, entry);
        Ok(rest.take(most).map(listed).collect())
    }

    async fn read(
        &self,
        Call { doors, .. }: Call<'_>,
        uri: &str,
    ) -> Result<Option<Vec<Value>>, ResourceError> {
        let Some(ResourceUri::File(path)) = ResourceUri::parse(uri) else { return Ok(None) };
        let file = doors.repo.read_at_most(&path, LARGEST).await;
        let file = file.map_err(|error| unreadable(uri, error))?;
        let Shown { text, encoding } = Shown::of(file.bytes);
        let is_text = encoding == Encoding::Utf8;
        let member = if is_text { "text" } else { "blob" };
        let kind = mime_type(&path, is_text);
        Ok(Some(vec![json!({ "uri": uri, "mimeType": kind, member: text })]))
    }

    fn watchable(&self, uri: &str) -> Option<Watchable> {
        ResourceUri::parse(uri).filter(|uri| matches!(uri, ResourceUri::File(_)))?.watchable()
    }

    async fn complete(
        &self,
        Asking { doors, .. }: Asking<'_>,
        template: &str,
        request: CompletionRequest<'_>,
    ) -> Result<Completion, ResourceError> {
        if request.argument != "path" {
            return Err(no_variable(template, "path", request.argument));
        }
        completion::paths(doors, request.value).await
    }
}

/// What is in a directory; nothing if there is none of that name.
async fn in_directory(
    doors: &Doors,
    directory: Option<RepoPath>,
) -> Result<Vec<InDirectory>, ResourceError> {
    match doors.repo.directory(directory, String::new()).await {
        Ok(names) => Ok(names.entries),
        Err(error) if is_no_directory(&error) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// How early somebody would read a file who does not know the repository; nothing for files that
/// only somebody reads who looks for them.
fn rank(entry: &InDirectory) -> Option<u8> {
    let path = &entry.path;
    if entry.kind != EntryKind::File {
        return None;
    }
    let name = path.file_name().to_ascii_lowercase();
    let is_prose = matches!(path.extension(), Some("md" | "rst"));
    match path.parent() {
        None if name.starts_with("readme") => Some(0),
        None if is_prose => Some(1),
        None => is_manifest(&name).then_some(2),
        Some(_docs) if !is_prose => None,
        Some(_docs) if name.starts_with("readme") || name.starts_with("index") => Some(3),
        Some(_docs) => Some(4),
    }
}

/// Whether a file says what the repository is made of, and how it is built.
fn is_manifest(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "build.gradle",
        "cargo.toml",
        "cmakelists.txt",
        "compose.yaml",
        "dockerfile",
        "docker-compose.yml",
        "go.mod",
        "justfile",
        "makefile",
        "package.json",
        "pom.xml",
        "pyproject.toml",
    ];
    NAMES.contains(&name)
}

fn listed(place: String, rank: u8, InDirectory { path, seen, .. }: InDirectory) -> Listed {
    let priority = if rank == 0 { 0.8 } else { 0.4 };
    let description = Description {
        name: path.to_string(),
        title: path.file_name().to_owned(),
        text: format!("The file {path} of the repository."),
        // What its name says; the contents may turn out to be otherwise when they are read.
        mime_type: mime_type(&path, true),
        size: Some(seen.size),
        annotations: Annotations::new(priority, Some(seen.modified.to_string())),
        uri: ResourceUri::File(path).to_string(),
    };
    Listed { place, resource: description.to_value() }
}

fn unreadable(uri: &str, error: RepoError) -> ResourceError {
    match error {
        RepoError::File(FileError::TooLarge { path, size, .. }) if size <= LARGEST_FILE => {
            ResourceError::Invalid(format!(
                "{path} has {size} bytes, and a resource has at most {LARGEST}; read it in parts \
                 with the tool fetch: id {}, and lines",
                file_id(&path)
            ))
        }
        RepoError::File(FileError::TooLarge { path, size, .. }) => ResourceError::Invalid(format!(
            "{path} has {size} bytes, and files of more than {LARGEST_FILE} are not read; search \
             finds lines in it"
        )),
        RepoError::File(FileError::NotFound(_) | FileError::NotADirectory(_)) => {
            ResourceError::unknown(uri)
        }
        error if error.kind() == RepoErrorKind::Invalid => ResourceError::unknown(uri),
        error => error.into(),
    }
}
