//! The branch, on real repositories.

use std::path::Path;

use git2::{Repository, RepositoryInitOptions};
use time::macros::datetime;

use super::{Author, Change, CommitId, GitBranch, GitError, GitSettings};
use crate::clock::Timestamp;

const PATH: &str = "gates/production.json";

fn settings(repository: &Path, branch: &str) -> GitSettings {
    GitSettings {
        repository: repository.to_owned(),
        branch: branch.to_owned(),
        author: Author { name: "lukhas-mcp".into(), email: "lukhas@example.org".into() },
    }
}

fn change(content: Option<&[u8]>, parent: Option<CommitId>) -> Change<'_> {
    let at = Timestamp::new(datetime!(2026-11-21 03:38:52 UTC));
    Change { path: PATH, content, message: "Put ranker:2 into production", parent, at }
}

fn bare() -> (tempfile::TempDir, GitBranch) {
    let home = tempfile::tempdir().unwrap();
    Repository::init_bare(home.path()).unwrap();
    let branch = GitBranch::open(settings(home.path(), "gates")).unwrap();
    (home, branch)
}

#[test]
fn a_branch_begins_with_its_first_commit_and_tells_its_story() {
    let (home, branch) = bare();
    let empty = branch.read(PATH).unwrap();
    assert_eq!((empty.head, empty.content), (None, None));

    let first = branch.commit(&change(Some(b"1\r\n"), None)).unwrap();
    let second = branch.commit(&change(Some(b"2"), Some(first))).unwrap();
    let read = branch.read(PATH).unwrap();
    assert_eq!((read.head, read.content.as_deref()), (Some(second), Some(&b"2"[..])));

    let repository = Repository::open(home.path()).unwrap();
    let commit = repository.find_commit(second.to_string().parse().unwrap()).unwrap();
    assert_eq!(commit.parent_id(0).unwrap().to_string(), first.to_string());
    assert_eq!(commit.author().email().unwrap(), "lukhas@example.org");
    assert_eq!(commit.time().seconds(), 1_795_232_332);
    // Bytes are kept as they are, whatever the line endings.
    let before = commit.parent(0).unwrap().tree().unwrap().get_path(Path::new(PATH)).unwrap();
    assert_eq!(repository.find_blob(before.id()).unwrap().content(), b"1\r\n");
    assert_eq!(CommitId::parse(&second.to_string()), Some(second));
}

#[test]
fn a_file_can_be_removed_with_its_directory() {
    let (_home, branch) = bare();
    let first = branch.commit(&change(Some(b"1"), None)).unwrap();
    let second = branch.commit(&change(None, Some(first))).unwrap();
    let read = branch.read(PATH).unwrap();
    assert_eq!((read.head, read.content), (Some(second), None));
}

#[test]
fn a_lost_race_changes_nothing() {
    let (_home, branch) = bare();
    let first = branch.commit(&change(Some(b"1"), None)).unwrap();
    let second = branch.commit(&change(Some(b"2"), Some(first))).unwrap();
    for parent in [None, Some(first)] {
        let late = branch.commit(&change(Some(b"3"), parent));
        assert!(matches!(late, Err(GitError::Moved)), "{late:?}");
    }
    let read = branch.read(PATH).unwrap();
    assert_eq!((read.head, read.content.as_deref()), (Some(second), Some(&b"2"[..])));
}

/// Of many that start from one head, exactly one moves it: what is checked under the branch's lock
/// decides, and not what was read before.
#[test]
fn of_many_writers_one_wins() {
    let (home, branch) = bare();
    let head = branch.commit(&change(Some(b"0"), None)).unwrap();
    let barrier = std::sync::Barrier::new(8);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8u8)
            .map(|n| {
                let (branch, barrier) = (&branch, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    branch.commit(&change(Some(&[n]), Some(head)))
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    for lost in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(matches!(lost, GitError::Moved | GitError::Locked), "{lost:?}");
    }
    let repository = Repository::open(home.path()).unwrap();
    let mut history = repository.revwalk().unwrap();
    history.push_ref("refs/heads/gates").unwrap();
    assert_eq!(history.count(), 2);
}

#[test]
fn a_branch_that_somebody_works_on_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let mut options = RepositoryInitOptions::new();
    options.initial_head("main");
    let repository = Repository::init_opts(home.path(), &options).unwrap();
    // HEAD names it, and it has no commit yet.
    let unborn = GitBranch::open(settings(home.path(), "main"));
    assert!(matches!(unborn, Err(GitError::CheckedOut(_))), "{unborn:?}");

    let gates = GitBranch::open(settings(home.path(), "gates")).unwrap();
    let head = gates.commit(&change(Some(b"1"), None)).unwrap();
    assert!(!home.path().join("gates").exists(), "the working tree was touched");

    // It is checked out later on, in a linked working tree.
    let branch = repository.find_reference("refs/heads/gates").unwrap();
    let elsewhere = home.path().join("elsewhere");
    let mut add = git2::WorktreeAddOptions::new();
    add.reference(Some(&branch));
    repository.worktree("elsewhere", &elsewhere, Some(&add)).unwrap();
    let late = gates.commit(&change(Some(b"2"), Some(head)));
    assert!(matches!(late, Err(GitError::CheckedOut(_))), "{late:?}");
    assert_eq!(gates.read(PATH).unwrap().head, Some(head));
}

#[test]
fn hooks_and_filters_do_not_run() {
    let (home, branch) = bare();
    let trace = home.path().join("trace");
    for hook in ["pre-commit", "post-commit", "update", "reference-transaction", "post-receive"] {
        let file = home.path().join("hooks").join(hook);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, format!("#!/bin/sh\necho {hook} >> {}\n", trace.display())).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&file, mode).unwrap();
    }
    std::fs::create_dir_all(home.path().join("info")).unwrap();
    std::fs::write(home.path().join("info/attributes"), "* filter=loud text eol=crlf\n").unwrap();
    let mut config = Repository::open(home.path()).unwrap().config().unwrap();
    config.set_str("filter.loud.clean", &format!("tee -a {}", trace.display())).unwrap();
    branch.commit(&change(Some(b"1\n"), None)).unwrap();
    assert_eq!(branch.read(PATH).unwrap().content.as_deref(), Some(&b"1\n"[..]));
    assert!(!trace.exists(), "{}", std::fs::read_to_string(&trace).unwrap());
}

#[test]
fn what_cannot_be_used_is_refused_in_words_without_paths() {
    let home = tempfile::tempdir().unwrap();
    let missing = GitBranch::open(settings(home.path(), "gates")).unwrap_err();
    assert!(matches!(missing, GitError::NoRepository), "{missing:?}");
    Repository::init_bare(home.path()).unwrap();
    for branch in ["", "a b", "../x", "-x", "a..b", "x.lock", "a\nb"] {
        let refused = GitBranch::open(settings(home.path(), branch));
        assert!(matches!(refused, Err(GitError::InvalidBranch(_))), "{branch:?}: {refused:?}");
    }
    let mut nameless = settings(home.path(), "gates");
    nameless.author.name = String::new();
    assert!(matches!(GitBranch::open(nameless), Err(GitError::InvalidAuthor)));

    let branch = GitBranch::open(settings(home.path(), "gates")).unwrap();
    for path in ["../x", "/x", "a/.git/x", "", "a//b"] {
        let at = Change { path, ..change(Some(b"1"), None) };
        assert!(matches!(branch.commit(&at), Err(GitError::InvalidPath(_))), "{path:?}");
    }
    let head = branch.commit(&change(Some(b"1"), None)).unwrap();
    assert!(matches!(branch.read("gates"), Err(GitError::NotAFile(_))));
    assert_eq!(branch.read("gates/other.json").unwrap().content, None);
    // A file where a directory would have to be stays.
    let below = Change { path: "gates/production.json/x", ..change(Some(b"1"), Some(head)) };
    assert!(branch.commit(&below).is_err());
    assert_eq!(branch.read(PATH).unwrap().head, Some(head));
}

#[test]
fn a_lock_that_somebody_left_is_told_and_waited_out() {
    let (home, branch) = bare();
    let head = branch.commit(&change(Some(b"1"), None)).unwrap();
    let lock = home.path().join("refs/heads/gates.lock");
    std::fs::write(&lock, "").unwrap();
    let locked = branch.commit(&change(Some(b"2"), Some(head))).unwrap_err();
    assert!(matches!(locked, GitError::Locked) && locked.is_transient(), "{locked:?}");
    std::fs::remove_file(&lock).unwrap();
    branch.commit(&change(Some(b"2"), Some(head))).unwrap();
}
