//! What can be done to a file, and what must be true for it to be done.

use super::change::{Change, RemoveTool};
use super::mutation::Plan;
use super::patch::{Content, Patch};
use super::root::{File, FileError, Over, Seen, TemporaryName};
use super::{ContentDigest, Deps, LARGEST_FILE, Repo, RepoError, RepoPath};
use crate::clock::Timestamp;

pub use super::change::WriteTool;

/// What may stand where a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Nothing.
    Refuse,
    /// Nothing, or any file, which is replaced.
    Replace,
    /// A file that holds this.
    Exactly(ContentDigest),
}

/// A file to be written as a whole.
#[derive(Debug, Clone)]
pub struct WriteRequest {
    /// Through which tool.
    pub tool: WriteTool,
    /// Where.
    pub path: RepoPath,
    /// What it is to hold.
    pub bytes: Vec<u8>,
    /// What may stand there.
    pub existing: Existing,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where.
    pub path: RepoPath,
    /// What it holds now.
    pub digest: ContentDigest,
    /// In bytes.
    pub size: u64,
    /// When, by the file system's clock.
    pub modified: Timestamp,
    /// What it held before; `None` if it was not there.
    pub previous: Option<ContentDigest>,
}

/// A file to which something was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The whole.
    pub written: Written,
    /// How many bytes the file grew by, line ends that were added included.
    pub grown: u64,
}

/// A file to be renamed.
#[derive(Debug, Clone)]
pub struct RenameRequest {
    /// Its name.
    pub from: RepoPath,
    /// The new one.
    pub to: RepoPath,
    /// Whether a file of the new name is replaced.
    pub overwrite: bool,
}

/// A file that was renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// In bytes.
    pub size: u64,
    /// What it holds.
    pub digest: ContentDigest,
    /// What stood at the new name.
    pub displaced: Option<ContentDigest>,
}

/// A patch to be applied.
#[derive(Debug, Clone)]
pub struct PatchRequest {
    /// To which file.
    pub path: RepoPath,
    /// The patch, as a unified diff.
    pub patch: String,
    /// What the file must hold: needed where there is a file, and not looked at where there is none.
    pub expected: Option<ContentDigest>,
    /// Whether the file may be made by it.
    pub allow_create: bool,
}

/// A file that was patched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched {
    /// What it holds now; `None` if the patch removed it.
    pub digest: Option<ContentDigest>,
    /// In bytes.
    pub size: u64,
    /// What it held before; `None` if the patch made it.
    pub previous: Option<ContentDigest>,
    /// Whether the patch lacked a prefix that its counts made up for.
    pub repaired: bool,
}

/// A file as a plan found it.
struct Found {
    file: File,
    digest: ContentDigest,
}

/// Reads what stands at a path, if anything does. Blocks.
fn find(deps: &Deps, path: &RepoPath) -> Result<Option<Found>, RepoError> {
    match deps.root.read(path, LARGEST_FILE) {
        Ok(file) => {
            let digest = ContentDigest::of(&file.bytes);
            Ok(Some(Found { file, digest }))
        }
        Err(FileError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn found(deps: &Deps, path: &RepoPath) -> Result<Found, RepoError> {
    find(deps, path)?.ok_or_else(|| FileError::NotFound(path.clone()).into())
}

impl Found {
    /// The compare of compare-and-swap.
    fn must_be(&self, path: &RepoPath, expected: ContentDigest) -> Result<(), RepoError> {
        if self.digest == expected {
            return Ok(());
        }
        Err(RepoError::Changed { path: path.clone(), expected, found: self.digest })
    }
}

/// The plan to have a file hold these bytes.
fn write_plan(
    deps: &Deps,
    (tool, path): (WriteTool, RepoPath),
    bytes: Vec<u8>,
    before: Option<&Found>,
) -> Result<Plan<Written>, RepoError> {
    deps.root.check_change(&path, over(before.map(|found| &found.file.seen)))?;
    let size = bytes.len() as u64;
    if LARGEST_FILE < size {
        return Err(RepoError::TooLarge { path, size, limit: LARGEST_FILE });
    }
    let (digest, previous) = (ContentDigest::of(&bytes), before.map(|found| found.digest));
    let (seen, temporary) = (before.map(|found| found.file.seen), TemporaryName::random());
    let change = Change::Write {
        tool,
        path: path.clone(),
        before: previous,
        after: digest,
        size,
        temporary: temporary.to_string(),
    };
    let effect = move |deps: &Deps| {
        let over = over(seen.as_ref());
        let Seen { modified, .. } = deps.root.write(&path, &bytes, &temporary, over)?;
        Ok(Written { path, digest, size, modified, previous })
    };
    Ok(Plan { change, effect: Box::new(effect) })
}

fn over(seen: Option<&Seen>) -> Over<'_> {
    seen.map_or(Over::Nothing, Over::Exactly)
}

fn remove_plan(
    deps: &Deps,
    (tool, path): (RemoveTool, RepoPath),
    found: &Found,
) -> Result<Plan<ContentDigest>, RepoError> {
    deps.root.check_change(&path, Over::Exactly(&found.file.seen))?;
    let (seen, before) = (found.file.seen, found.digest);
    let change = Change::Remove { tool, path: path.clone(), before };
    let effect = move |deps: &Deps| {
        deps.root.remove(&path, &seen)?;
        Ok(before)
    };
    Ok(Plan { change, effect: Box::new(effect) })
}

impl<T: 'static> Plan<T> {
    fn map<U>(self, answer: impl FnOnce(T) -> U + Send + 'static) -> Plan<U> {
        let Self { change, effect } = self;
        Plan { change, effect: Box::new(move |deps| effect(deps).map(answer)) }
    }
}

impl Repo {
    /// Writes a file.
    ///
    /// # Errors
    /// What stands there may not, or the file cannot be written; it is then as it was.
    pub async fn write(&self, actor: &str, request: WriteRequest) -> Result<Written, RepoError> {
        let WriteRequest { tool, path, bytes, existing } = request;
        let locked = vec![path.clone()];
        let plan = move |deps: &Deps| {
            let before = find(deps, &path)?;
            match (existing, &before) {
                (Existing::Refuse, Some(_)) => return Err(FileError::Exists(path).into()),
                (Existing::Exactly(_), None) => return Err(FileError::NotFound(path).into()),
                (Existing::Exactly(expected), Some(found)) => found.must_be(&path, expected)?,
                (Existing::Refuse, None) | (Existing::Replace, _) => {}
            }
            write_plan(deps, (tool, path), bytes, before.as_ref())
        };
        self.mutate(actor, locked, plan).await
    }

    /// Adds to the end of a file. With `ensure_newline`, what is added begins and ends a line.
    ///
    /// # Errors
    /// There is no such file, or it cannot be written; it is then as it was.
    pub async fn append(
        &self,
        actor: &str,
        path: RepoPath,
        bytes: Vec<u8>,
        ensure_newline: bool,
    ) -> Result<Appended, RepoError> {
        let locked = vec![path.clone()];
        let plan = move |deps: &Deps| {
            let before = found(deps, &path)?;
            let whole = appended(&before.file.bytes, &bytes, ensure_newline);
            let grown = (whole.len() - before.file.bytes.len()) as u64;
            let plan = write_plan(deps, (WriteTool::AppendFile, path), whole, Some(&before))?;
            Ok(plan.map(move |written| Appended { written, grown }))
        };
        self.mutate(actor, locked, plan).await
    }

    /// Gives a file another name.
    ///
    /// # Errors
    /// There is no such file, or one of the new name, or it cannot be renamed; all is then as it
    /// was.
    pub async fn rename(&self, actor: &str, request: RenameRequest) -> Result<Renamed, RepoError> {
        let RenameRequest { from, to, overwrite } = request;
        if from == to {
            return Err(RepoError::SameName(from));
        }
        let locked = vec![from.clone(), to.clone()];
        let plan = move |deps: &Deps| {
            let Found { file, digest } = found(deps, &from)?;
            let there = find(deps, &to)?;
            if there.is_some() && !overwrite {
                return Err(FileError::Exists(to).into());
            }
            let (size, displaced) = (file.seen.size, there.as_ref().map(|there| there.digest));
            let over_seen = there.map(|there| there.file.seen);
            deps.root.check_change(&from, Over::Exactly(&file.seen))?;
            deps.root.check_change(&to, over(over_seen.as_ref()))?;
            let names = (from.clone(), to.clone());
            let change = Change::Rename { from: names.0, to: names.1, digest, displaced, size };
            let effect = move |deps: &Deps| {
                deps.root.rename(&from, &to, &file.seen, over(over_seen.as_ref()))?;
                Ok(Renamed { size, digest, displaced })
            };
            Ok(Plan { change, effect: Box::new(effect) })
        };
        self.mutate(actor, locked, plan).await
    }

    /// Removes a file that holds this, and returns what it held.
    ///
    /// # Errors
    /// There is no such file, it holds something else, or it cannot be removed; it is then as it
    /// was.
    pub async fn delete(
        &self,
        actor: &str,
        path: RepoPath,
        expected: ContentDigest,
    ) -> Result<ContentDigest, RepoError> {
        let locked = vec![path.clone()];
        let plan = move |deps: &Deps| {
            let before = found(deps, &path)?;
            before.must_be(&path, expected)?;
            remove_plan(deps, (RemoveTool::DeleteFile, path), &before)
        };
        self.mutate(actor, locked, plan).await
    }

    /// Applies a patch to a file.
    ///
    /// # Errors
    /// The patch does not fit the file to the last byte, or the file cannot be written; it is then
    /// as it was.
    pub async fn patch(&self, actor: &str, request: PatchRequest) -> Result<Patched, RepoError> {
        let locked = vec![request.path.clone()];
        self.mutate(actor, locked, move |deps| patch_plan(deps, request)).await
    }
}

fn patch_plan(deps: &Deps, request: PatchRequest) -> Result<Plan<Patched>, RepoError> {
    let PatchRequest { path, patch, expected, allow_create } = request;
    let before = find(deps, &path)?;
    match (&before, expected) {
        (Some(found), Some(expected)) => found.must_be(&path, expected)?,
        (Some(_), None) => return Err(RepoError::NoDigest(path)),
        (None, _) if !allow_create => return Err(FileError::NotFound(path).into()),
        (None, _) => {}
    }
    let patch = Patch::parse(patch.as_bytes(), path.as_str())?;
    let applied = patch.apply(before.as_ref().map(|found| found.file.bytes.as_slice()))?;
    let repaired = applied.repaired;
    match (applied.content, &before) {
        (Content::Holds(bytes), _) => {
            let plan = write_plan(deps, (WriteTool::ApplyPatch, path), bytes, before.as_ref())?;
            Ok(plan.map(move |written| Patched {
                digest: Some(written.digest),
                size: written.size,
                previous: written.previous,
                repaired,
            }))
        }
        (Content::Gone, Some(found)) => {
            let plan = remove_plan(deps, (RemoveTool::ApplyPatch, path), found)?;
            Ok(plan.map(move |held| Patched {
                digest: None,
                size: 0,
                previous: Some(held),
                repaired,
            }))
        }
        (Content::Gone, None) => Err(FileError::NotFound(path).into()),
    }
}

/// What a file holds when something was added to its end.
fn appended(before: &[u8], added: &[u8], ensure_newline: bool) -> Vec<u8> {
    let is_open = |bytes: &[u8]| ensure_newline && bytes.last().is_some_and(|&last| last != b'\n');
    let mut whole = Vec::with_capacity(before.len() + added.len() + 2);
    whole.extend_from_slice(before);
    if is_open(before) {
        whole.push(b'\n');
    }
    whole.extend_from_slice(added);
    if is_open(added) {
        whole.push(b'\n');
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_begins_and_ends_a_line_if_that_is_wanted() {
        for (before, added, ensure, whole) in [
            ("body2\n", "tail", true, "body2\ntail\n"),
            ("body2", "tail", true, "body2\ntail\n"),
            ("body2", "tail\n", true, "body2\ntail\n"),
            ("body2\ntail\n", "tail2", false, "body2\ntail\ntail2"),
            ("a", "b", false, "ab"),
            ("", "b", true, "b\n"),
            ("a", "", true, "a\n"),
            ("", "", true, ""),
        ] {
            let bytes = appended(before.as_bytes(), added.as_bytes(), ensure);
            assert_eq!(String::from_utf8(bytes).unwrap(), whole);
        }
    }
}
