//! What is recorded of a change: the facts for the audit chain, with their sentences. The one place
//! where a file's story is worded. Pure.

use serde_json::{Value, json};

use super::ContentDigest;
use super::change::{Change, CommittedFile};
use crate::store::Subject;

/// A fact: what it is about, its details and its sentence.
pub(super) struct Fact<'a> {
    pub(super) action: &'static str,
    pub(super) subject: Subject<'a>,
    pub(super) details: Value,
    pub(super) message: String,
}

/// The facts about a change that was made: one for each file, and one for a commit.
pub(super) fn made<'a>(change: &'a Change, actor: &str) -> Vec<Fact<'a>> {
    let fact =
        |subject, details, message| Fact { action: change.action(), subject, details, message };
    match change {
        Change::Write { path, before, after, size, .. } => {
            let details = json!({ "path": path, "before": before, "after": after, "size": size });
            let past = before.as_ref().map_or_else(
                || "which was not there before".to_owned(),
                |before| format!("which held {} before", named(before)),
            );
            let message = format!(
                "{actor} wrote {path} through {}: {size} bytes, {}, {past}.",
                change.action(),
                named(after)
            );
            vec![fact(Subject::File(path.as_str()), details, message)]
        }
        Change::Remove { path, before, .. } => {
            let details = json!({ "path": path, "before": before, "after": null });
            let message = format!(
                "{actor} removed {path} through {}; it held {}.",
                change.action(),
                named(before)
            );
            vec![fact(Subject::File(path.as_str()), details, message)]
        }
        Change::Rename { from, to, digest, displaced, size } => {
            let details = json!({
                "from": from, "to": to, "before": digest, "after": digest, "size": size,
                "displaced": displaced,
            });
            let instead = displaced.as_ref().map_or_else(String::new, |displaced| {
                format!(", in the place of a file that held {}", named(displaced))
            });
            let message = format!("{actor} renamed {from} to {to}{instead}.");
            let names = if from == to { vec![from] } else { vec![from, to] };
            let told = |name| {
                let subject = Subject::File(super::RepoPath::as_str(name));
                fact(subject, details.clone(), message.clone())
            };
            names.into_iter().map(told).collect()
        }
        Change::Commit { commit, branch, subject, files } => {
            committed(change.action(), (commit, branch, subject), files, actor)
        }
    }
}

fn committed<'a>(
    action: &'static str,
    (commit, branch, subject): (&'a str, &str, &str),
    files: &'a [CommittedFile],
    actor: &str,
) -> Vec<Fact<'a>> {
    let short = commit.get(..12).unwrap_or(commit);
    let count = match files.len() {
        1 => "1 file".to_owned(),
        n => format!("{n} files"),
    };
    let paths: Vec<_> = files.iter().map(|file| &file.path).collect();
    let whole = Fact {
        action,
        subject: Subject::Commit(commit),
        details: json!({ "commit": commit, "branch": branch, "subject": subject, "paths": paths }),
        message: format!("{actor} committed {count} to {branch} as {short}: {subject}."),
    };
    let each = files.iter().map(|CommittedFile { path, before, after }| Fact {
        action,
        subject: Subject::File(path),
        details: json!({
            "path": path, "before": before, "after": after, "commit": commit, "branch": branch,
            "subject": subject,
        }),
        message: match after {
            Some(after) => format!(
                "{actor} committed {path} to {branch} as {short}, with {}: {subject}.",
                named(after)
            ),
            None => {
                format!("{actor} committed to {branch} as {short} that {path} is gone: {subject}.")
            }
        },
    });
    std::iter::once(whole).chain(each).collect()
}

/// The facts about a change of which nobody can tell whether it was made.
pub(super) fn uncertain<'a>(change: &'a Change, actor: &str) -> Vec<Fact<'a>> {
    let subjects = match change {
        Change::Write { path, .. } | Change::Remove { path, .. } => vec![path],
        Change::Rename { from, to, .. } => vec![from, to],
        // A branch has a commit or has not.
        Change::Commit { .. } => Vec::new(),
    };
    let told = |path: &'a super::RepoPath| Fact {
        action: "file_uncertain",
        subject: Subject::File(path.as_str()),
        details: json!({ "action": change.action(), "path": path }),
        message: format!(
            "{} of {path} by {actor} was interrupted, and the file was changed by somebody else \
             since: whether it was made cannot be told any more.",
            change.action()
        ),
    };
    subjects.into_iter().map(told).collect()
}

/// What a file holds, in words.
fn named(digest: &ContentDigest) -> String {
    let text = digest.to_string();
    format!("SHA-256 {}…", text.get(..12).unwrap_or(&text))
}
