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
    /// Whether more changed than is shown; what is shown ends with a whole hunk.
    pub is_cut: bool,
}

/// A file before or after a change.
struct Side {
    entry: Entry,
    /// None if it is too large to be compared, or has no content.
    bytes: Option<Vec<u8>>,
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
        let surveyed = self.survey(&repository, tree.as_ref(), &index)?;
        let until = Instant::now() + LONGEST;
        let mut diff = Diff::default();
        for entry in status::entries(&surveyed) {
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
                sections(&entry.path, before.as_ref(), after.as_ref(), request.context)?
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
        let committed = |entry: Option<&Entry>| {
            entry.map(|entry| self.committed(repository, *entry)).transpose()
        };
        let staged = committed(surveyed.staged.get(bytes))?;
        if request.staged {
            return Ok((committed(surveyed.head.get(bytes))?, staged));
        }
        let there = match surveyed.files.get(path) {
            Some(There::File(entry)) => match self.root.read(path, self.largest) {
                Ok(file) => {
                    let id = Oid::hash_object(ObjectType::Blob, &file.bytes)?;
                    Some(Side { entry: Entry { id, ..*entry }, bytes: Some(file.bytes) })
                }
                // It was there a moment ago.
                Err(FileError::NotFound(_)) => None,
                Err(error) => return Err(error.into()),
            },
            // Of a link only its absence as a file is shown.
            Some(There::Gone | There::Replaced) | None => None,
        };
        Ok((staged, there))
    }

    fn committed(&self, repository: &Repository, entry: Entry) -> Result<Side, GitError> {
        if entry.mode == Mode::Submodule {
            return Ok(Side { entry, bytes: None });
        }
        let (size, _) = repository.odb()?.read_header(entry.id)?;
        let is_small = u64::try_from(size).is_ok_and(|size| size <= self.largest);
        let read = || repository.find_blob(entry.id).map(|blob| blob.content().to_owned());
        Ok(Side { entry, bytes: is_small.then(read).transpose()? })
    }
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

/// The diff of one file: its head with the first hunk, then each further hunk.
fn sections(
    path: &RepoPath,
    before: Option<&Side>,
    after: Option<&Side>,
    context: u32,
) -> Result<Vec<String>, GitError> {
    let mut head = head_of(path, before, after);
    let bytes = |side: Option<&'_ Side>| match side {
        None => Some(Vec::new()),
        Some(side) => side.bytes.clone(),
    };
    let (Some(old), Some(new)) = (bytes(before), bytes(after)) else {
        return Ok(vec![format!("{head}Files a/{path} and b/{path} differ\n")]);
    };
    let mut options = DiffOptions::new();
    options.context_lines(context.min(MOST_CONTEXT));
    let changes = Patch::from_buffers(&old, None, &new, None, Some(&mut options))?;
    if changes.delta().flags().is_binary() || is_binary(&old) || is_binary(&new) {
        return Ok(vec![format!("{head}Binary files a/{path} and b/{path} differ\n")]);
    }
    if changes.num_hunks() == 0 {
        return Ok(vec![head]);
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
    Ok(sections)
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
    let mode = |side: &Side| format!("{:06o}", side.entry.mode.bits());
    let id = |side: Option<&Side>| {
        let id = side.map_or(Oid::ZERO_SHA1, |side| side.entry.id).to_string();
        id.get(..SHOWN_DIGITS).unwrap_or(&id).to_owned()
    };
    let modes = match (before, after) {
        (None, Some(after)) => format!("new file mode {}\n", mode(after)),
        (Some(before), None) => format!("deleted file mode {}\n", mode(before)),
        (Some(before), Some(after)) if before.entry.mode != after.entry.mode => {
            format!("old mode {}\nnew mode {}\n", mode(before), mode(after))
        }
        (Some(_), Some(_)) | (None, None) => String::new(),
    };
    let (old, new) = (id(before), id(after));
    let ids = if old == new { String::new() } else { format!("index {old}..{new}\n") };
    format!("diff --git a/{path} b/{path}\n{modes}{ids}")
}

/// As git decides it.
fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(8000).any(|byte| *byte == 0)
}
