//! The daemon's own files, which somebody may have given to git.

use super::status::diff;
use super::*;
use crate::repo::git::LogRequest;

const OWN: [&str; 2] = ["daemon.toml", "state"];

/// A repository to which somebody added the daemon's own files: committed, staged and changed.
fn scene() -> Scene {
    let scene = Scene::with(&[("a", "1\n"), ("state/log", "secret 1\n")]);
    scene.write("daemon.toml", "key = \"secret 2\"\n");
    scene.git(&["add", "daemon.toml"]);
    scene.write("state/log", "secret 3\n");
    scene.git(&["add", "state/log"]);
    scene.write("state/log", "secret 4\n");
    scene.write("daemon.toml", "key = \"secret 5\"\n");
    scene.write("a", "2\n");
    scene.git(&["add", "a"]);
    scene.write("a", "3\n");
    scene.hiding(&OWN)
}

#[test]
fn what_is_staged_of_them_is_not_told() {
    if !has_git() {
        return;
    }
    let scene = scene();
    let status = scene.tree.status(100).unwrap();
    let told: Vec<_> = status.entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(told, ["a"]);
    for staged in [true, false] {
        for paths in [&[][..], &["a", "daemon.toml", "state"], &["state/log"]] {
            let diff = diff(&scene, staged, paths);
            let is_told = ["secret", "daemon", "state"].iter().any(|own| diff.text.contains(own));
            assert!(!is_told && !diff.is_cut, "{staged} {paths:?}: {diff:?}");
        }
        assert!(diff(&scene, staged, &[]).text.contains("b/a"));
    }
}

#[test]
fn what_is_in_conflict_of_them_is_not_told() {
    if !has_git() {
        return;
    }
    let scene = Scene::with(&[("daemon.toml", "1\n")]);
    scene.git(&["checkout", "-qb", "other"]);
    scene.write("daemon.toml", "2\n");
    scene.git(&["commit", "-qam", "2"]);
    scene.git(&["checkout", "-q", "main"]);
    scene.write("daemon.toml", "3\n");
    scene.git(&["commit", "-qam", "3"]);
    assert!(!scene.try_git(&["merge", "other"]).0);
    let scene = scene.hiding(&OWN);
    assert_eq!(scene.tree.status(10).unwrap().entries, []);
    assert_eq!(diff(&scene, false, &[]).text, "");
}

#[test]
fn they_have_no_log_and_are_not_committed() {
    if !has_git() {
        return;
    }
    let scene = scene();
    let log = |name: &str| {
        let request = LogRequest { path: Some(path(name)), limit: 10, before: None };
        scene.tree.log(&request).unwrap().commits.len()
    };
    assert_eq!((log("a"), log("state/log"), log("state"), log("daemon.toml")), (1, 0, 0, 0));
    for own in ["daemon.toml", "state/log", "state/none"] {
        let refused = scene.prepare(&["a", own]);
        assert!(matches!(refused, Err(GitError::Unknown(_))), "{own}: {refused:?}");
    }
    let prepared = scene.tree.prepare(&request(Paths::All)).unwrap();
    let changed: Vec<_> = prepared.changes().iter().map(|change| change.path.as_str()).collect();
    assert_eq!(changed, ["a"]);
}
