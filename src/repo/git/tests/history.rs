//! The log, what is known of a commit after a kill, and where the forge shows a file.

use super::*;
use crate::repo::git::{LogRequest, LoggedCommit};

fn subjects(commits: &[LoggedCommit]) -> Vec<&str> {
    commits.iter().map(|commit| commit.subject.as_str()).collect()
}

fn commit_with(scene: &Scene, path: &str, content: &str, text: &str) -> CommitId {
    scene.write(path, content);
    let message = CommitMessage::parse(text).unwrap();
    scene.commit(&CommitRequest { message, ..named(&[path]) }).unwrap()
}

#[test]
fn the_log_is_told_page_by_page() {
    let scene = Scene::empty();
    let all = |limit, before| scene.tree.log(&LogRequest { path: None, limit, before }).unwrap();
    assert_eq!(all(10, None).commits, []);
    for n in 0..5 {
        let file = if n % 2 == 0 { "even/a" } else { "odd" };
        commit_with(&scene, file, &n.to_string(), &format!("\n{n}\n\nBecause\nof {n}"));
    }
    let first = all(2, None);
    assert_eq!((subjects(&first.commits), first.is_cut), (vec!["4", "3"], true));
    assert_eq!(first.commits[0].body, "Because\nof 4");
    assert_eq!(first.commits[0].author, "lukhas-mcp");
    let next = all(2, Some(first.commits[1].id));
    assert_eq!((subjects(&next.commits), next.is_cut), (vec!["2", "1"], true));
    let last = all(2, Some(next.commits[1].id));
    assert_eq!((subjects(&last.commits), last.is_cut), (vec!["0"], false));

    for (named, expected) in [("even", vec!["4", "2", "0"]), ("odd", vec!["3", "1"])] {
        for named in [named.to_owned(), format!("{named}/a")] {
            let request = LogRequest { path: Some(path(&named)), limit: 500, before: None };
            let told = scene.tree.log(&request).unwrap();
            let is_file = named != "odd/a";
            let expected = if is_file { expected.clone() } else { vec![] };
            assert_eq!(subjects(&told.commits), expected, "{named}");
        }
    }
    let elsewhere = CommitId::parse(&"1".repeat(40)).unwrap();
    let request = LogRequest { path: None, limit: 5, before: Some(elsewhere) };
    let refused = scene.tree.log(&request);
    assert!(matches!(refused, Err(GitError::UnknownCommit(id)) if id == elsewhere), "{refused:?}");
}

/// As git, a merge is told for a file only if it is as in none of the merged.
#[test]
fn a_merge_is_told_for_what_it_changed_itself() {
    if !has_git() {
        return;
    }
    let scene = Scene::with(&[("a", "1"), ("b", "1")]);
    scene.git(&["checkout", "-qb", "other"]);
    scene.write("a", "2");
    scene.git(&["commit", "-qam", "of other"]);
    scene.git(&["checkout", "-q", "main"]);
    scene.write("b", "2");
    scene.git(&["commit", "-qam", "of main"]);
    scene.git(&["merge", "-q", "--no-edit", "other"]);
    for file in ["a", "b"] {
        let request = LogRequest { path: Some(path(file)), limit: 10, before: None };
        let log = scene.tree.log(&request).unwrap();
        let theirs = scene.git(&["log", "--format=%s", "--", file]);
        assert_eq!(subjects(&log.commits), theirs.lines().collect::<Vec<_>>(), "{file}");
    }
}

#[test]
fn a_commit_is_held_once_it_was_published() {
    let scene = Scene::with(&[("a", "1")]);
    scene.write("a", "2");
    let prepared = scene.prepare(&["a"]).unwrap();
    assert!(!scene.tree.holds(prepared.id()).unwrap());
    let id = scene.tree.publish(&prepared).unwrap();
    assert!(scene.tree.holds(id).unwrap());
    // Taken back by somebody, it still was there.
    let parent = prepared.parent().unwrap();
    let repository = scene.repository();
    repository.reference("refs/heads/main", parent.oid(), true, "reset").unwrap();
    assert!(scene.tree.holds(id).unwrap());
    // Without a log, the history tells.
    fs::remove_dir_all(scene.at(".git/logs")).unwrap();
    assert!(!scene.tree.holds(id).unwrap());
    assert!(scene.tree.holds(parent).unwrap());
    assert!(!scene.tree.holds(CommitId::parse(&"1".repeat(40)).unwrap()).unwrap());
}

#[test]
fn the_forge_is_that_of_origin_and_of_what_is_checked_out() {
    let scene = Scene::with(&[("a", "1")]);
    let url = || scene.tree.forge().unwrap().map(|forge| forge.blob_url(&path("a b")));
    assert_eq!(url(), None);
    let repository = scene.repository();
    repository.remote("origin", "https://ada:s3cret@github.com/o/r.git").unwrap();
    assert_eq!(url().unwrap(), "https://github.com/o/r/blob/main/a%20b");
    let commit = repository.head().unwrap().target().unwrap();
    repository.set_head_detached(commit).unwrap();
    assert_eq!(url().unwrap(), format!("https://github.com/o/r/blob/{commit}/a%20b"));
    repository.remote_set_url("origin", "/srv/r.git").unwrap();
    assert_eq!(url(), None);
}
