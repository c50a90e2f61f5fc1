//! `fetch`: a file, or the document about a job, a canary or a model, by its id.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::invalid;
use crate::repo::content::{Encoding, Shown, mime_type, parse_file_id};
use crate::repo::{ContentDigest, RepoPath};
use crate::tools::documents::{Document, document};
use crate::tools::words::document_kind;
use crate::tools::{Call, Doors, Effect, Reply, Tool, ToolError};

pub(in crate::tools) struct Fetch;

/// Clients add arguments of their own, which are not looked at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::tools) struct Arguments {
    /// What to fetch: an id that `search` gave, `lukhas-path:` and the path of a file in base64 or
    /// base64url, or the id of a job, a canary or a model.
    id: String,
    /// Which members of the answer are wanted besides `id`; all when absent.
    fields: Option<Vec<Field>>,
    /// Only these lines of a text; `metadata` still tells of the whole file.
    lines: Option<LineRange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Field {
    Id,
    Title,
    Url,
    MimeType,
    Text,
    Metadata,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LineRange {
    /// The first line, counted from 1.
    #[schemars(range(min = 1))]
    from: usize,
    /// The last line; the end of the text when absent.
    #[schemars(range(min = 1))]
    to: Option<usize>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::tools) struct Answer {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[schemars(schema_with = "document_kind")]
    r#type: &'static str,
    sha256: ContentDigest,
    size: u64,
    modified: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<RepoPath>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
    /// Only where the text is not the bytes themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<Encoding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Lines>,
}

/// Which lines were given, and of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
struct Lines {
    from: usize,
    to: usize,
    total: usize,
}

#[async_trait]
impl Tool for Fetch {
    const NAME: &'static str = "fetch";
    const TITLE: &'static str = "Fetch a document";
    const DESCRIPTION: &'static str = "Gives the text and metadata of a file of the repository, or \
        of a job, a canary or a model, by an id that search gave. metadata.sha256 is what \
        update_file, delete_file and apply_patch expect; bytes that are not UTF-8 come in base64.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let Arguments { id, fields, lines } = arguments;
        let wanted = Wanted(fields.unwrap_or_default());
        let answer = match parse_file_id(&id) {
            Some(Ok(path)) => file(doors, id, path, &wanted, lines).await?,
            Some(Err(error)) => return Err(invalid::<Self>(format!("id: {error}"))),
            None => match document(doors, &id).await? {
                Some(document) => of_document(doors, id, document, &wanted, lines)?,
                None => return Err(unknown(&id)),
            },
        };
        Ok(Reply::Answer(answer))
    }
}

fn unknown(id: &str) -> ToolError {
    let shown: String = id.chars().filter(|c| !c.is_control()).take(64).collect();
    ToolError::Refused(format!(
        "there is no document with the id {shown}; search gives ids, and those of files are \
         lukhas-path: and the path in base64"
    ))
}

/// Which members are wanted; none named means all.
struct Wanted(Vec<Field>);

impl Wanted {
    fn has(&self, field: Field) -> bool {
        self.0.is_empty() || self.0.contains(&field)
    }
}

async fn file(
    doors: &Doors,
    id: String,
    path: RepoPath,
    wanted: &Wanted,
    range: Option<LineRange>,
) -> Result<Answer, ToolError> {
    let file = doors.repo.read(&path).await?;
    let sha256 = ContentDigest::of(&file.bytes);
    let size = file.bytes.len() as u64;
    let Shown { text, encoding } = Shown::of(file.bytes);
    let is_text = encoding == Encoding::Utf8;
    let (text, lines) = match range {
        None => (text, None),
        Some(_) if !is_text => {
            return Err(ToolError::Refused(format!(
                "{path} is not text, and lines can be taken of text only; leave lines out"
            )));
        }
        Some(range) => cut(&text, range)?,
    };
    let metadata = wanted.has(Field::Metadata).then(|| Metadata {
        r#type: "file",
        sha256,
        size,
        modified: file.seen.modified.to_string(),
        path: Some(path.clone()),
        updated_at: None,
        encoding: (!is_text).then_some(encoding),
        lines,
    });
    let url = if wanted.has(Field::Url) { Some(doors.url_of(&path).await) } else { None };
    Ok(Answer {
        id,
        title: wanted.has(Field::Title).then(|| path.file_name().to_owned()),
        url,
        mime_type: wanted.has(Field::MimeType).then(|| mime_type(&path, is_text)),
        text: wanted.has(Field::Text).then_some(text),
        metadata,
    })
}

fn of_document(
    doors: &Doors,
    id: String,
    document: Document,
    wanted: &Wanted,
    range: Option<LineRange>,
) -> Result<Answer, ToolError> {
    let Document { kind, title, text, updated_at } = document;
    let (sha256, size) = (ContentDigest::of(text.as_bytes()), text.len() as u64);
    let (text, lines) = match range {
        None => (text, None),
        Some(range) => cut(&text, range)?,
    };
    let metadata = wanted.has(Field::Metadata).then(|| Metadata {
        r#type: kind.as_str(),
        sha256,
        size,
        modified: updated_at.clone(),
        path: None,
        updated_at: Some(updated_at),
        encoding: None,
        lines,
    });
    Ok(Answer {
        title: wanted.has(Field::Title).then_some(title),
        url: wanted.has(Field::Url).then(|| doors.links.document(&id)),
        mime_type: wanted.has(Field::MimeType).then_some("text/markdown"),
        text: wanted.has(Field::Text).then_some(text),
        metadata,
        id,
    })
}

/// The lines of a text that were asked for, with their line ends.
fn cut(text: &str, range: LineRange) -> Result<(String, Option<Lines>), ToolError> {
    let LineRange { from, to } = range;
    if from == 0 || to.is_some_and(|to| to < from) {
        return Err(invalid::<Fetch>("lines: from must be at least 1, and to not before it"));
    }
    let total = text.split_inclusive('\n').count();
    if total < from {
        return Err(ToolError::Refused(format!(
            "the text has {total} lines, and none from {from}"
        )));
    }
    let to = to.map_or(total, |to| to.min(total));
    let cut = text.split_inclusive('\n').skip(from - 1).take(to - from + 1).collect();
    Ok((cut, Some(Lines { from, to, total })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_ends() {
        let text = "one\r\ntwo\n\nfour";
        for (from, to, cut_out, last) in [
            (1, None, text, 4),
            (1, Some(1), "one\r\n", 1),
            (2, Some(3), "two\n\n", 3),
            (4, Some(9), "four", 4),
        ] {
            let (found, lines) = cut(text, LineRange { from, to }).unwrap();
            assert_eq!(
                (found.as_str(), lines),
                (cut_out, Some(Lines { from, to: last, total: 4 }))
            );
        }
        for (from, to) in [(0, None), (3, Some(2)), (5, None)] {
            assert!(cut(text, LineRange { from, to }).is_err(), "{from} {to:?}");
        }
    }
}
