//! Writing checkpoints down where the database's owner does not reach alone: as lines of a file on a
//! branch of a git repository.
//!
//! Each line is `size head ts public-key signature`, with `-` for what there is not; the file is
//! `audit-checkpoints/<day>.txt`, by the day of the checkpoint. Lines are only added, and the
//! branch's history shows when.

mod actor;
mod book;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;

use crate::adapters::git::{Author, GitBranch, GitError, GitSettings};
use crate::clock::Timestamp;
use crate::store::checkpoints::Checkpoint;

pub use self::actor::{AnchorCounts, Anchorer};
use self::book::{add_lines, anchored_in, path_of, paths_between};

/// A branch that holds checkpoints.
#[derive(Debug, Clone)]
pub struct AnchorBranch(GitBranch);

/// Why checkpoints and anchors do not agree.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The branch cannot be read or written.
    #[error("the anchor branch cannot be used: {0}")]
    Git(#[from] GitError),
    /// A file of the branch has a line that is none of ours.
    #[error("{0} on the anchor branch has a line that is no checkpoint")]
    Line(String),
    /// The database has another checkpoint than was anchored, or none.
    #[error("row {0} was anchored with another hash than it has, or is missing")]
    Differs(i64),
    /// The database says that a checkpoint was anchored, and the branch has it not.
    #[error("the anchor of row {0} is not on the branch any more")]
    Missing(i64),
}

impl AnchorBranch {
    /// The branch of a repository on this machine.
    ///
    /// # Errors
    /// There is no such repository, or the branch cannot be written.
    pub fn open(repository: &Path, branch: &str) -> Result<Self, AnchorError> {
        let author =
            Author { name: "lukhas-mcp".to_owned(), email: "lukhas-mcp@localhost".to_owned() };
        let (repository, branch) = (repository.to_owned(), branch.to_owned());
        Ok(Self(GitBranch::open(GitSettings { repository, branch, author })?))
    }

    /// Adds the first of these checkpoints and those of the same day, each once, in one commit.
    /// Returns which they are, and the commit that holds them. Blocks.
    ///
    /// # Errors
    /// The branch cannot be written, or moved meanwhile.
    fn add(
        &self,
        checkpoints: &[Checkpoint],
        at: Timestamp,
    ) -> Result<Option<(Vec<i64>, String)>, AnchorError> {
        let Some(path) = checkpoints.first().map(path_of) else { return Ok(None) };
        let of_day = checkpoints.iter().filter(|checkpoint| path_of(checkpoint) == path);
        let of_day: Vec<&Checkpoint> = of_day.collect();
        let sizes = of_day.iter().map(|checkpoint| checkpoint.size).collect();
        let now = self.0.read(&path)?;
        let content = now.content.unwrap_or_default();
        let (content, added) = add_lines(content, &of_day);
        // A daemon that died after the commit finds its lines there.
        if let (0, Some(head)) = (added, now.head) {
            return Ok(Some((sizes, head.to_string())));
        }
        let last = of_day.last().map_or(0, |checkpoint| checkpoint.size);
        let message = format!("audit: anchor the chain up to row {last}\n");
        let commit = self.0.commit(&crate::adapters::git::Change {
            path: &path,
            content: Some(&content),
            message: &message,
            parent: now.head,
            at,
        })?;
        Ok(Some((sizes, commit.to_string())))
    }

    /// Compares the checkpoints of a chain that was verified with what was anchored, and says how
    /// many of them were. Blocks.
    ///
    /// # Errors
    /// They do not agree, or the branch cannot be read.
    pub fn compare(
        &self,
        checkpoints: &[Checkpoint],
        now: Timestamp,
    ) -> Result<usize, AnchorError> {
        let mut anchored = BTreeSet::new();
        for path in paths_between(checkpoints.first().map(|first| first.ts.as_str()), now) {
            let content = self.0.read(&path)?.content.unwrap_or_default();
            for (size, head) in anchored_in(&content).ok_or(AnchorError::Line(path))? {
                let known = checkpoints.binary_search_by_key(&size, |known| known.size);
                let is_same = known.ok().and_then(|place| checkpoints.get(place));
                if is_same.is_none_or(|known| known.head != head) {
                    return Err(AnchorError::Differs(size));
                }
                anchored.insert(size);
            }
        }
        let claimed = checkpoints.iter().filter(|checkpoint| checkpoint.anchored_at.is_some());
        match claimed.map(|checkpoint| checkpoint.size).find(|size| !anchored.contains(size)) {
            Some(size) => Err(AnchorError::Missing(size)),
            None => Ok(anchored.len()),
        }
    }
}
