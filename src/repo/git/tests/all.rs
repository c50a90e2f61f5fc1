//! Commits of all that differs.

use std::os::unix::fs::symlink;

use super::*;

/// G15
#[test]
fn all_is_taken_in_but_what_is_ignored_or_refused() {
    let scene =
        Scene::with(&[("kept", "1"), ("gone", "1"), ("changed", "1"), ("tracked.log", "1")]);
    // Somebody committed a secret with git, and a link.
    if has_git() {
        scene.write(".env", "KEY=1");
        symlink("kept", scene.at("link")).unwrap();
        scene.git(&["add", "-f", ".env", "link"]);
        scene.git(&["commit", "-qm", "theirs"]);
        scene.write(".env", "KEY=2");
        scene.remove("link");
        symlink("changed", scene.at("link")).unwrap();
    }
    scene.write(".gitignore", "*.log\nbuild/\n");
    scene.write("new/file", "1");
    scene.write("untracked.log", "1");
    scene.write("build/output", "1");
    scene.write("id_rsa", "secret");
    scene.write("tracked.log", "2");
    scene.write("changed", "2");
    scene.remove("gone");
    init(&scene.at("inner"));
    scene.write("inner/f", "1");
    let prepared = scene.tree.prepare(&request(Paths::All)).unwrap();
    let changed: Vec<_> = prepared.changes().iter().map(|change| change.path.as_str()).collect();
    assert_eq!(changed, [".gitignore", "changed", "gone", "new/file", "tracked.log"]);
    scene.tree.publish(&prepared).unwrap();
    scene.assert_whole();
    if has_git() {
        assert_eq!(scene.committed(".env").unwrap(), b"KEY=1");
        assert_eq!(scene.committed("link").unwrap(), b"kept");
        assert_eq!(scene.porcelain(), [" M .env", " M link", "?? id_rsa", "?? inner/"]);
    }
}

#[test]
fn a_name_that_is_ignored_is_refused_unless_it_was_committed() {
    let scene = Scene::with(&[("old.log", "1")]);
    scene.write(".gitignore", "*.log\n");
    scene.write("build/.gitignore", "*\n");
    scene.write("build/x", "1");
    scene.write("new.log", "1");
    scene.write("old.log", "2");
    for ignored in ["new.log", "build/x"] {
        let refused = scene.prepare(&[ignored]);
        assert!(matches!(refused, Err(GitError::Ignored(_))), "{ignored}: {refused:?}");
    }
    scene.commit_named(&["old.log"]).unwrap();
    assert_eq!(scene.committed("old.log").unwrap(), b"2");
}

/// `git rm --cached` of a file that is ignored from now on: it stays, and is no longer committed.
#[test]
fn what_git_was_told_to_forget_is_forgotten() {
    if !has_git() {
        return;
    }
    let scene = Scene::with(&[("a.log", "1"), ("b", "1")]);
    scene.write(".gitignore", "*.log\n");
    scene.git(&["rm", "-q", "--cached", "a.log"]);
    scene.commit_all().unwrap();
    assert_eq!(scene.committed_paths(), [".gitignore", "b"]);
    assert!(scene.at("a.log").exists());
    assert_eq!(scene.porcelain(), [""; 0]);
}

/// Of a sparse checkout only what is there was ever changed.
#[test]
fn what_others_keep_out_of_their_working_tree_stays() {
    if !has_git() {
        return;
    }
    let scene = Scene::with(&[("skipped", "1"), ("assumed", "1"), ("b", "1")]);
    scene.git(&["update-index", "--skip-worktree", "skipped"]);
    scene.git(&["update-index", "--assume-unchanged", "assumed"]);
    scene.remove("skipped");
    scene.write("assumed", "2");
    scene.write("b", "2");
    scene.commit_all().unwrap();
    assert_eq!(scene.committed("skipped").unwrap(), b"1");
    assert_eq!(scene.committed("assumed").unwrap(), b"1");
    // The flags are still there.
    assert_eq!(scene.git(&["ls-files", "-v"]), "h assumed\nH b\nS skipped\n");
}

/// The whole may take a while, and does not take for ever: what is named needs no look at the rest.
#[test]
fn more_than_one_commit_takes_is_refused() {
    let scene = Scene::empty();
    for n in 0..5_001 {
        scene.write(&format!("{:02}/{n}", n % 50), "1");
    }
    let refused = scene.tree.prepare(&request(Paths::All)).unwrap_err();
    assert!(matches!(refused, GitError::TooManyChanges(5_000)), "{refused:?}");
    assert!(scene.repository().head().is_err());
    scene.commit_named(&["00/0"]).unwrap();
    scene.remove("01/1");
    scene.commit_all().unwrap();
    assert_eq!(scene.committed_paths().len(), 5_000);
    assert!(matches!(scene.commit_all(), Err(GitError::NothingToCommit)));
    scene.assert_whole();
}
