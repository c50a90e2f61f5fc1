//! What changed inside of files, as a unified diff.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use git2::{DiffOptions, ObjectType, Oid, Patch, Repository};

use super::error::GitError;
use super::index;
use super::repository::{GitTree, Head, head};
use super::status::{self, StatusEntry};
use super::survey::{Surveyed, There};
use super::trees::{Entry, Mode};
use crate::repo::RepoPath;
use crate::repo::root::FileError;

/// The most unchanged lines around a change.
const MOST_CONTEXT: u32 = 20;

/// The longest that it may take, after the changed files were found.
const LONGEST: Duration = Duration::from_secs(5);

/// The largest file whose lines are compared, in bytes, and the most lines it may have: what is
/// begun is finished, and takes the longer the more of both there is.
const LARGEST: u64 = 512 * 1024;
const MOST_LINES: usize = 20_000;

/// How many digits of an object's name are shown.
const SHOWN_DIGITS: usize = 10;

/// Which changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffRequest {
    /// Only in these files, and in what is below these directories; all that git knows if there
    /// are none. A new file that git does not know is shown if it is named.
    pub paths: Vec<RepoPath>,
    /// Whether between the last commit and the index; else between the index and the working tree.
    pub staged: bool,
    /// How many unchanged lines are shown around each change; 20 at most.
    pub context: u32,
    /// The most bytes of text.
    pub max_bytes: usize,
}

/// A unified diff.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// The diff, as git writes it. What is no UTF-8 is shown with U+FFFD, and then does not apply.
    pub text: String,
    /// Whether more changed than is shown: there was no room or no time for more, or a file is too
    /// long for its lines to be compared. What is shown ends with a whole hunk.
    pub is_cut: bool,
}

/// A file before or after a change.
struct Side {
    mode: Mode,
    /// None if it was not read.
    id: Option<Oid>,
    content: Content,
}

/// What can be compared of a file.
#[derive(PartialEq, Eq)]
enum Content {
    Text(Vec<u8>),
    Binary,
    /// It has too many bytes or lines.
    TooLong,
    /// Of another repository only the commit is known.
    Commit,
}

impl Content {
    fn of(bytes: Vec<u8>) -> Self {
        if is_binary(&bytes) {
            Self::Binary
        } else if bytes.split(|byte| *byte == b'\n').nth(MOST_LINES + 1).is_some() {
            Self::TooLong
        } else {
            Self::Text(bytes)
        }
    }
}

impl GitTree {
    /// Compares what changed, line by line.
    ///
    /// # Errors
    /// The repository cannot be read, or is too large.
    pub fn diff(&self, request: &DiffRequest) -> Result<Diff, GitError> {
        let repository = self.repository()?;
        let commit = match head(&repository)? {
            Head::Branch(branch) => branch.commit,
            Head::Detached(commit) => Some(commit),
            Head::Other => None,
        };
        let tree = commit.map(|id| repository.find_commit(id)?.tree()).transpose()?;
        let index = index::read(repository.path())?;
        let until = Instant::now() + status::LONGEST;
        let surveyed = self.survey(&repository, tree.as_ref(), &index, until)?;
        let until = Instant::now() + LONGEST;
        let mut diff = Diff { is_cut: surveyed.is_cut, ..Diff::default() };
        for entry in self.entries(&surveyed) {
            if !is_asked_for(request, &entry) {
                continue;
            }
            if until <= Instant::now() {
                diff.is_cut = true;
                break;
            }
            let text = if entry.is_conflicted {
                vec![format!("* Unmerged path {}\n", entry.path)]
            } else {
                let (before, after) = self.sides(&repository, &surveyed, &entry.path, request)?;
                let file = sections(&entry.path, before.as_ref(), after.as_ref(), request.context)?;
                diff.is_cut |= file.is_cut;
                file.sections
            };
            for section in text {
                if request.max_bytes < diff.text.len() + section.len() {
                    diff.is_cut = true;
                    return Ok(diff);
                }
                diff.text.push_str(&section);
            }
        }
        Ok(diff)
    }

    fn sides(
        &self,
        repository: &Repository,
        surveyed: &Surveyed,
        path: &RepoPath,
        request: &DiffRequest,
    ) -> Result<(Option<Side>, Option<Side>), GitError> {
        let bytes = path.as_str().as_bytes();
        let committed =
            |entry: Option<&Entry>| entry.map(|entry| committed(repository, *entry)).transpose();
        let staged = committed(surveyed.staged.get(bytes))?;
        if request.staged {
            return Ok((committed(surveyed.head.get(bytes))?, staged));
        }
        let there = match surveyed.files.get(path) {
            Some(There::File(Entry { mode, .. }) | There::Other(mode)) => self.read(path, *mode)?,
            // Of a link only its absence as a file is shown.
            Some(There::Gone | There::Replaced) | None => None,
        };
        Ok((staged, there))
    }

    /// A file of the working tree; none if it is not there any more.
    fn read(&self, path: &RepoPath, mode: Mode) -> Result<Option<Side>, GitError> {
        match self.root.read(path, LARGEST) {
            Ok(file) => {
                let id = Some(Oid::hash_object(ObjectType::Blob, &file.bytes)?);
                Ok(Some(Side { mode, id, content: Content::of(file.bytes) }))
            }
            Err(FileError::TooLarge { .. }) => {
                Ok(Some(Side { mode, id: None, content: Content::TooLong }))
            }
            Err(FileError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// What HEAD or the index has.
fn committed(repository: &Repository, entry: Entry) -> Result<Side, GitError> {
    let Entry { id, mode } = entry;
    let content = if mode == Mode::Submodule {
        Content::Commit
    } else {
        let (size, _) = repository.odb()?.read_header(id)?;
        if u64::try_from(size).is_ok_and(|size| size <= LARGEST) {
            Content::of(repository.find_blob(id)?.content().to_owned())
        } else {
            Content::TooLong
        }
    };
    Ok(Side { mode, id: Some(id), content })
}

fn is_asked_for(request: &DiffRequest, entry: &StatusEntry) -> bool {
    let path = entry.path.as_str();
    let is_named = request.paths.iter().any(|named| {
        path.strip_prefix(named.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    let is_changed = if request.staged {
        entry.staged.is_some()
    } else {
        entry.unstaged.is_some() || (entry.is_untracked && is_named)
    };
    (is_changed || entry.is_conflicted) && (is_named || request.paths.is_empty())
}

/// The diff of one file.
struct FileDiff {
    /// Its head with the first hunk, then each further hunk.
    sections: Vec<String>,
    /// Whether its lines were not compared.
    is_cut: bool,
}

impl FileDiff {
    fn of(text: String) -> Self {
        Self { sections: vec![text], is_cut: false }
    }
}

fn sections(
    path: &RepoPath,
    before: Option<&Side>,
    after: Option<&Side>,
    context: u32,
) -> Result<FileDiff, GitError> {
    let mut head = head_of(path, before, after);
    let nothing = Content::Text(Vec::new());
    let old = before.map_or(&nothing, |side| &side.content);
    let new = after.map_or(&nothing, |side| &side.content);
    let (old, new) = match (old, new) {
        _ if id_of(before) == id_of(after) && id_of(before).is_some() => {
            return Ok(FileDiff::of(head));
        }
        (Content::Text(old), Content::Text(new)) => (old, new),
        (Content::TooLong, _) | (_, Content::TooLong) => {
            let why = "more than 512 KiB or 20,000 lines are not compared line by line";
            let _written = writeln!(head, "Files a/{path} and b/{path} differ ({why})");
            return Ok(FileDiff { sections: vec![head], is_cut: true });
        }
        (Content::Commit, _) | (_, Content::Commit) => {
            return Ok(FileDiff::of(format!("{head}Files a/{path} and b/{path} differ\n")));
        }
        (Content::Binary, _) | (_, Content::Binary) => {
            return Ok(FileDiff::of(format!("{head}Binary files a/{path} and b/{path} differ\n")));
        }
    };
    let mut options = DiffOptions::new();
    options.context_lines(context.min(MOST_CONTEXT));
    let changes = Patch::from_buffers(old, None, new, None, Some(&mut options))?;
    if changes.num_hunks() == 0 {
        return Ok(FileDiff::of(head));
    }
    let name = |side: Option<&Side>, letter| match side {
        Some(_) => format!("{letter}/{path}"),
        None => "/dev/null".to_owned(),
    };
    let (old_name, new_name) = (name(before, 'a'), name(after, 'b'));
    let _written = writeln!(head, "--- {old_name}\n+++ {new_name}");
    let mut sections = Vec::new();
    for hunk in 0..changes.num_hunks() {
        let text = hunk_text(&changes, hunk)?;
        sections.push(std::mem::take(&mut head) + &text);
    }
    Ok(FileDiff { sections, is_cut: false })
}

fn hunk_text(patch: &Patch<'_>, hunk: usize) -> Result<String, GitError> {
    let (header, lines) = patch.hunk(hunk)?;
    let mut text = header.header().to_vec();
    for line in 0..lines {
        let line = patch.line_in_hunk(hunk, line)?;
        // Others have no mark: the note that the last line has no line feed.
        if let mark @ (' ' | '+' | '-') = line.origin() {
            text.push(mark as u8);
        }
        text.extend(line.content());
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn head_of(path: &RepoPath, before: Option<&Side>, after: Option<&Side>) -> String {
    let mode = |side: &Side| format!("{:06o}", side.mode.bits());
    let modes = match (before, after) {
        (None, Some(after)) => format!("new file mode {}\n", mode(after)),
        (Some(before), None) => format!("deleted file mode {}\n", mode(before)),
        (Some(before), Some(after)) if before.mode != after.mode => {
            format!("old mode {}\nnew mode {}\n", mode(before), mode(after))
        }
        (Some(_), Some(_)) | (None, None) => String::new(),
    };
    let ids = match (id_of(before), id_of(after)) {
        (Some(old), Some(new)) if old != new => format!("index {}..{}\n", short(old), short(new)),
        _ => String::new(),
    };
    format!("diff --git a/{path} b/{path}\n{modes}{ids}")
}

/// What a content is called; none if nobody read it.
fn id_of(side: Option<&Side>) -> Option<Oid> {
    side.map_or(Some(Oid::ZERO_SHA1), |side| side.id)
}

fn short(id: Oid) -> String {
    let id = id.to_string();
    id.get(..SHOWN_DIGITS).unwrap_or(&id).to_owned()
}

/// As git decides it.
fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(8000).any(|byte| *byte == 0)
}
