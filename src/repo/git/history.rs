//! What was committed: the log, and whether a commit is in it.

use std::time::{Duration, Instant};

use git2::{Commit, ErrorCode, Oid, Repository, Sort};
use time::OffsetDateTime;

use super::error::GitError;
use super::repository::{GitTree, Head, head};
use super::trees::{self, Found};
use crate::adapters::git::CommitId;
use crate::clock::Timestamp;
use crate::repo::RepoPath;

/// The most commits that a log holds.
const MOST_LOGGED: usize = 200;

/// The most commits that are looked at for a log.
const MOST_WALKED: usize = 50_000;

/// The longest that may take.
const LONGEST: Duration = Duration::from_secs(2);

/// The most commits among which one is looked for.
const MOST_SEARCHED: usize = 10_000;

/// The longest body of a message that is shown, in bytes.
const LONGEST_BODY: usize = 4096;

/// Which commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogRequest {
    /// Only those that changed this file or what is below this directory.
    pub path: Option<RepoPath>,
    /// At most so many; more than 200 are never told.
    pub limit: usize,
    /// Only those that come after this one in the log.
    pub before: Option<CommitId>,
}

/// Commits, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The commits.
    pub commits: Vec<LoggedCommit>,
    /// Whether there may be more.
    pub is_cut: bool,
}

/// A commit, as a log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedCommit {
    /// Which.
    pub id: CommitId,
    /// The name of who wrote it.
    pub author: String,
    /// When it was written.
    pub at: Timestamp,
    /// The first line of its message.
    pub subject: String,
    /// The rest of its message, at most 4 KiB of it.
    pub body: String,
}

impl GitTree {
    /// Tells what was committed, from HEAD back.
    ///
    /// # Errors
    /// The commit to go on from is not there, or the repository cannot be read.
    pub fn log(&self, request: &LogRequest) -> Result<Log, GitError> {
        let repository = self.repository()?;
        let mut log = Log { commits: Vec::new(), is_cut: false };
        let limit = request.limit.min(MOST_LOGGED);
        let until = Instant::now() + LONGEST;
        let mut is_behind = request.before.is_none();
        let Some(newest) = newest(&repository)? else {
            return request.before.map_or(Ok(log), |id| Err(GitError::UnknownCommit(id)));
        };
        for (walked, id) in walk(&repository, newest)?.enumerate() {
            let id = id?;
            if limit <= log.commits.len() || MOST_WALKED <= walked || until <= Instant::now() {
                log.is_cut = true;
                break;
            }
            if !is_behind {
                is_behind = request.before.is_some_and(|before| before.oid() == id);
                continue;
            }
            let commit = repository.find_commit(id)?;
            if match &request.path {
                // What is the daemon's own is as if it had never been.
                Some(path) if self.root.hides(path) => false,
                Some(path) => changes(&repository, &commit, path)?,
                None => true,
            } {
                log.commits.push(logged(&commit));
            }
        }
        match request.before {
            Some(id) if !is_behind => Err(GitError::UnknownCommit(id)),
            _ => Ok(log),
        }
    }

    /// Whether a commit was made the newest of the branch that is checked out, now or at some time:
    /// whether it is among the last 10,000 commits, or in the log of what HEAD was.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub fn holds(&self, commit: CommitId) -> Result<bool, GitError> {
        let repository = self.repository()?;
        match repository.find_commit(commit.oid()) {
            Ok(_there) => {}
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        if repository.reflog("HEAD")?.iter().any(|entry| entry.id_new() == commit.oid()) {
            return Ok(true);
        }
        let Some(newest) = newest(&repository)? else { return Ok(false) };
        for id in walk(&repository, newest)?.take(MOST_SEARCHED) {
            if id? == commit.oid() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The commit that HEAD is at.
fn newest(repository: &Repository) -> Result<Option<Oid>, GitError> {
    Ok(match head(repository)? {
        Head::Branch(branch) => branch.commit,
        Head::Detached(commit) => Some(commit),
        Head::Other => None,
    })
}

fn walk(repository: &Repository, newest: Oid) -> Result<git2::Revwalk<'_>, GitError> {
    let mut walk = repository.revwalk()?;
    // git's own order, newest first as far as it is known yet. Any other one needs the whole
    // history before the first commit.
    walk.set_sorting(Sort::NONE)?;
    walk.push(newest)?;
    Ok(walk)
}

/// Whether the path is not as in any of the commits before.
fn changes(
    repository: &Repository,
    commit: &Commit<'_>,
    path: &RepoPath,
) -> Result<bool, GitError> {
    let tree = commit.tree()?;
    let here = trees::find(repository, Some(&tree), path.as_str())?;
    for parent in commit.parents() {
        if parent.tree_id() == tree.id() {
            return Ok(false);
        }
        let there = trees::find(repository, Some(&parent.tree()?), path.as_str())?;
        if (there.is_there(), here.is_there()) == (false, false) || there == here {
            return Ok(false);
        }
    }
    Ok(commit.parent_count() != 0 || here.is_there())
}

impl Found {
    fn is_there(&self) -> bool {
        matches!(self, Self::Entry(_) | Self::Directory(_))
    }
}

fn logged(commit: &Commit<'_>) -> LoggedCommit {
    let message = String::from_utf8_lossy(commit.message_bytes());
    let message = message.trim_start_matches('\n');
    let (subject, body) = message.split_once('\n').unwrap_or((message, ""));
    let author = commit.author();
    let at = OffsetDateTime::from_unix_timestamp(author.when().seconds());
    LoggedCommit {
        id: CommitId::from(commit.id()),
        author: String::from_utf8_lossy(author.name_bytes()).into_owned(),
        at: Timestamp::new(at.unwrap_or(OffsetDateTime::UNIX_EPOCH)),
        subject: shown(subject),
        body: shown(body),
    }
}

/// At most 4 KiB of a text, without blank ends.
fn shown(text: &str) -> String {
    let text = text.trim();
    text[..text.floor_char_boundary(LONGEST_BODY)].to_owned()
}
