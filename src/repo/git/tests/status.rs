//! What is changed, and how: status and diff.

use std::os::unix::fs::symlink;

use super::*;
use crate::repo::git::{Diff, DiffRequest, FileChange, Operation};

pub(super) fn diff(scene: &Scene, staged: bool, paths: &[&str]) -> Diff {
    let paths = paths.iter().map(|text| path(text)).collect();
    scene.tree.diff(&DiffRequest { paths, staged, context: 3, max_bytes: 100_000 }).unwrap()
}

#[test]
fn the_state_of_an_empty_repository_is_told() {
    let scene = Scene::empty();
    scene.write("a", "1");
    let status = scene.tree.status(10).unwrap();
    assert_eq!((status.branch.as_deref(), status.head), (Some("main"), None));
    let [entry] = &status.entries[..] else { panic!("{status:?}") };
    assert!(entry.is_untracked && entry.staged.is_none() && entry.unstaged.is_none());
}

#[test]
fn each_difference_is_told_where_it_is() {
    if !has_git() {
        return;
    }
    let files = ["link", "mode", "removed", "staged", "changed", "hard", "same"];
    let scene = Scene::with(&files.map(|name| (name, "1")));
    scene.write("staged", "2");
    scene.write("added", "1");
    scene.git(&["add", "staged", "added"]);
    scene.write("added", "2");
    scene.git(&["mv", "-k", "same", "same"]);
    scene.write("announced", "1");
    scene.git(&["add", "-N", "announced"]);
    scene.write("changed", "2");
    scene.remove("removed");
    scene.remove("link");
    symlink("same", scene.at("link")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(scene.at("mode"), mode).unwrap();
    // What a hard link leads to is not looked at.
    fs::hard_link(scene.at("hard"), scene.at("harder")).unwrap();
    let status = scene.tree.status(100).unwrap();
    let told: Vec<_> = status
        .entries
        .iter()
        .map(|entry| (entry.path.as_str(), entry.staged, entry.unstaged, entry.is_untracked))
        .collect();
    let expected = [
        ("added", Some(FileChange::Added), Some(FileChange::Modified), false),
        ("announced", None, None, true),
        ("changed", None, Some(FileChange::Modified), false),
        ("link", None, Some(FileChange::TypeChanged), false),
        ("mode", None, Some(FileChange::Modified), false),
        ("removed", None, Some(FileChange::Deleted), false),
        ("staged", Some(FileChange::Modified), None, false),
    ];
    assert_eq!(told, expected);
    let cut = scene.tree.status(2).unwrap();
    assert_eq!((cut.entries.len(), cut.is_cut, status.is_cut), (2, true, false));
}

#[test]
fn a_merge_is_told_with_its_conflicts() {
    if !has_git() {
        return;
    }
    let scene = Scene::with(&[("a", "1\n"), ("b", "1\n")]);
    scene.git(&["checkout", "-qb", "other"]);
    scene.write("a", "2\n");
    scene.git(&["commit", "-qam", "2"]);
    scene.git(&["checkout", "-q", "main"]);
    scene.write("a", "3\n");
    scene.git(&["commit", "-qam", "3"]);
    assert!(!scene.try_git(&["merge", "other"]).0);
    let status = scene.tree.status(10).unwrap();
    assert_eq!(status.operation, Some(Operation::Merge));
    let [entry] = &status.entries[..] else { panic!("{status:?}") };
    assert!(entry.is_conflicted && entry.path.as_str() == "a");
    assert_eq!(diff(&scene, false, &[]).text, "* Unmerged path a\n");
}

#[test]
fn a_diff_shows_what_git_would_apply() {
    let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n";
    let files = [("a", old), ("gone", "x\n"), ("no-end", "1"), ("crlf", "1\r\n2\r\n")];
    let scene = Scene::with(&files);
    let new = old.replace("2\n3", "2\nzwei\n3").replace("15\n", "");
    scene.write("a", &new);
    scene.remove("gone");
    scene.write("no-end", "1\n");
    scene.write("crlf", "1\r\n3\r\n");
    scene.write("new", "1\n");
    scene.write("binary", b"1\x002");
    let text = diff(&scene, false, &[]).text;
    let only_a = diff(&scene, false, &["a"]).text;
    let (head, hunks) = only_a.split_once("--- a/a\n+++ b/a\n").unwrap();
    assert!(head.starts_with("diff --git a/a b/a\nindex "), "{head}");
    assert!(hunks.starts_with("@@ -1,5 +1,6 @@\n 1\n 2\n+zwei\n 3\n"), "{hunks}");
    assert!(hunks.contains("\n 14\n-15\n 16\n"), "{hunks}");
    assert!(text.contains("deleted file mode 100644\n"), "{text}");
    assert!(text.contains("+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"), "{text}");
    assert!(text.contains("-1\n\\ No newline at end of file\n+1\n"), "{text}");
    assert!(text.contains("-2\r\n+3\r\n"), "{text}");
    assert!(
        !text.contains("b/new") && !text.contains("binary"),
        "nobody named what is new: {text}"
    );
    let named = diff(&scene, false, &["new", "binary"]).text;
    assert!(named.contains("--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+1\n"), "{named}");
    assert!(named.contains("Binary files a/binary and b/binary differ\n"), "{named}");
    if has_git() {
        scene.write(".git/changes", &text);
        scene.git(&["apply", "--check", "--reverse", ".git/changes"]);
        scene.git(&["add", "a", "new"]);
        let staged = diff(&scene, true, &[]).text;
        assert!(staged.contains("b/new") && !staged.contains("gone"), "{staged}");
        scene.write(".git/changes", &staged);
        scene.git(&["apply", "--check", "--reverse", "--cached", ".git/changes"]);
    }
}

#[test]
fn a_diff_is_cut_between_hunks() {
    let lines = |mark: &str| -> Vec<String> {
        (0..1_000).map(|n| format!("{}{n}", if n % 50 == 0 { mark } else { "" })).collect()
    };
    let (old, new) = (lines("").join("\n"), lines("-").join("\n"));
    let scene = Scene::with(&[("d/a", &old), ("d/b", &old)]);
    scene.write("d/a", &new);
    scene.write("d/b", &new);
    let request =
        DiffRequest { paths: vec![path("d")], staged: false, context: 99, max_bytes: 1_000 };
    let cut = scene.tree.diff(&request).unwrap();
    assert!(cut.is_cut && cut.text.len() <= 1_000 && cut.text.contains("@@"), "{cut:?}");
    // At most twenty lines around a change, whatever was asked for.
    assert!(cut.text.contains("@@ -31,41 +31,41 @@"), "{}", cut.text);
    if has_git() {
        scene.write(".git/changes", &cut.text);
        scene.git(&["apply", "--check", "--reverse", ".git/changes"]);
    }
    let whole = scene.tree.diff(&DiffRequest { max_bytes: 1_000_000, ..request }).unwrap();
    assert!(!whole.is_cut && whole.text.contains("d/b"));
}
