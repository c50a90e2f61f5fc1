//! Commits of named paths, and of all: what is in them, and what is left alone.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::repo::ContentDigest;

#[test]
fn the_first_commit_and_the_next_hold_what_was_named() {
    let scene = Scene::empty();
    scene.write("docs/a.md", "a\r\n");
    scene.write("b.md", b"\xff\x00\r\n");
    scene.write("c.md", "c");
    let prepared = scene.prepare(&["docs/a.md", "b.md"]).unwrap();
    assert_eq!((prepared.parent(), prepared.branch()), (None, "main"));
    assert!(scene.repository().head().is_err(), "a prepared commit is on the branch");
    let first = scene.tree.publish(&prepared).unwrap();
    assert_eq!(scene.committed_paths(), ["b.md", "docs/a.md"]);
    // Bytes are kept as they are, whatever they are.
    assert_eq!(scene.committed("b.md").unwrap(), b"\xff\x00\r\n");
    assert_eq!(scene.committed("docs/a.md").unwrap(), b"a\r\n");

    scene.write("docs/a.md", "changed");
    scene.remove("b.md");
    let prepared = scene.prepare(&["docs/a.md", "b.md"]).unwrap();
    assert_eq!(prepared.parent(), Some(first));
    let changes: Vec<_> =
        prepared.changes().iter().map(|c| (c.path.as_str(), c.before, c.after)).collect();
    let digest = |content: &[u8]| Some(ContentDigest::of(content));
    assert_eq!(
        changes,
        [
            ("b.md", digest(b"\xff\x00\r\n"), None),
            ("docs/a.md", digest(b"a\r\n"), digest(b"changed")),
        ]
    );
    let second = scene.tree.publish(&prepared).unwrap();
    let repository = scene.repository();
    let commit = repository.find_commit(second.oid()).unwrap();
    assert_eq!(commit.parent_id(0).unwrap(), first.oid());
    assert_eq!(commit.message().unwrap(), "Change it\n");
    assert_eq!(
        (commit.author().name().unwrap(), commit.time().offset_minutes()),
        ("lukhas-mcp", 0)
    );
    assert_eq!(scene.committed_paths(), ["docs/a.md"]);
    scene.assert_whole();
    if has_git() {
        assert_eq!(scene.porcelain(), ["?? c.md"]);
        let log = scene.git(&["reflog", "show", "--format=%gn %gs", "HEAD"]);
        assert_eq!(log, "lukhas-mcp commit: Change it\nlukhas-mcp commit (initial): Change it\n");
    }
}

/// G1
#[test]
fn a_message_that_looks_like_options_is_only_a_message() {
    let scene = Scene::empty();
    for (content, text) in [("1", "--amend -m x"), ("2", "-F/etc/passwd"), ("3", "# no comment")] {
        scene.write("a", content);
        let message = CommitMessage::parse(text).unwrap();
        let id = scene.commit(&CommitRequest { message, signoff: true, ..named(&["a"]) }).unwrap();
        let repository = scene.repository();
        let stored = repository.find_commit(id.oid()).unwrap().message().unwrap().to_owned();
        let sign = "Signed-off-by: lukhas-mcp <lukhas@example.org>";
        assert_eq!(stored, format!("{text}\n\n{sign}\n"));
    }
    assert_eq!(scene.repository().reflog("HEAD").unwrap().len(), 3);
}

#[test]
fn what_others_have_staged_stays_theirs() {
    if !has_git() {
        return;
    }
    let scene = Scene::with(&[("ours", "1"), ("theirs", "1"), ("gone", "1")]);
    scene.write("theirs", "2");
    scene.write("new", "1");
    scene.git(&["add", "theirs", "new"]);
    scene.git(&["rm", "-q", "--cached", "gone"]);
    scene.write("ours", "2");
    scene.commit_named(&["ours"]).unwrap();
    assert_eq!(scene.porcelain(), ["D  gone", "A  new", "M  theirs", "?? gone"]);
    assert_eq!(scene.committed("theirs").unwrap(), b"1");
    scene.assert_whole();
}

#[test]
fn a_file_takes_the_place_of_a_directory_and_the_reverse() {
    let scene = Scene::with(&[("a/b", "1"), ("a/c/d", "1"), ("e", "1"), ("a.b", "1")]);
    std::fs::remove_dir_all(scene.at("a")).unwrap();
    scene.write("a", "file");
    scene.remove("e");
    scene.write("e/f", "below");
    let prepared = scene.prepare(&["a", "e/f"]).unwrap();
    let changed: Vec<_> = prepared.changes().iter().map(|change| change.path.as_str()).collect();
    assert_eq!(changed, ["a", "a/b", "a/c/d", "e", "e/f"]);
    scene.tree.publish(&prepared).unwrap();
    assert_eq!(scene.committed_paths(), ["a", "a.b", "e/f"]);
    scene.assert_whole();
    if has_git() {
        assert_eq!(scene.porcelain(), [""; 0]);
    }
}

#[test]
fn a_file_that_can_be_executed_stays_so() {
    let scene = Scene::empty();
    scene.write("run", "#!/bin/sh\n");
    std::fs::set_permissions(scene.at("run"), PermissionsExt::from_mode(0o755)).unwrap();
    scene.commit_named(&["run"]).unwrap();
    let mode = |scene: &Scene| {
        let repository = scene.repository();
        let tree = repository.head().unwrap().peel_to_tree().unwrap();
        tree.get_name("run").unwrap().filemode()
    };
    assert_eq!(mode(&scene), 0o100_755);
    scene.repository().config().unwrap().set_bool("core.filemode", false).unwrap();
    std::fs::set_permissions(scene.at("run"), PermissionsExt::from_mode(0o644)).unwrap();
    scene.write("run", "#!/bin/true\n");
    scene.commit_named(&["run"]).unwrap();
    assert_eq!(mode(&scene), 0o100_755, "the repository knows no modes");
}

/// G5, G6, G7
#[test]
fn what_is_no_file_of_this_repository_is_refused() {
    let scene = Scene::with(&[("a", "1"), ("dir/b", "1")]);
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "TOPSECRET").unwrap();
    symlink(outside.path(), scene.at("link")).unwrap();
    symlink("a", scene.at("slink")).unwrap();
    init(&scene.at("inner"));
    scene.write("inner/f", "1");
    let pipe = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, scene.at("pipe"), rustix::fs::FileType::Fifo, pipe, 0)
        .unwrap();
    let before = scene.repository().head().unwrap().target();
    for (refused, sentence) in [
        ("link/secret", "symbolic link"),
        ("slink", "symbolic link"),
        ("inner/f", "another git repository"),
        ("inner", "is a directory"),
        ("pipe", "pipe"),
        ("dir", "is a directory"),
        ("absent", "neither in the working tree nor in the last commit"),
        ("a/below", "neither in the working tree nor in the last commit"),
    ] {
        let error = scene.prepare(&["a", refused]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(sentence) && text.contains(refused), "{refused}: {text}");
        assert!(!text.contains(scene.home.path().to_str().unwrap()), "{text}");
    }
    assert_eq!(scene.repository().head().unwrap().target(), before);
    scene.assert_whole();
}

/// A submodule is a commit of another repository, whatever stands in the working tree.
#[test]
fn a_submodule_is_left_alone() {
    if !has_git() {
        return;
    }
    let scene = Scene::with(&[("a", "1")]);
    let head = scene.git(&["rev-parse", "HEAD"]);
    let entry = format!("160000,{},sub", head.trim());
    scene.git(&["update-index", "--add", "--cacheinfo", &entry]);
    scene.git(&["commit", "-qm", "add sub"]);
    scene.write("sub/f", "1");
    for refused in ["sub/f", "sub"] {
        assert!(scene.prepare(&[refused]).is_err(), "{refused}");
    }
    scene.remove("sub/f");
    std::fs::remove_dir(scene.at("sub")).unwrap();
    let refused = scene.prepare(&["sub"]);
    assert!(matches!(refused, Err(GitError::NestedRepository(_))), "{refused:?}");
    scene.write("a", "2");
    scene.commit_all().unwrap();
    assert_eq!(scene.committed_paths(), ["a", "sub"]);
}

#[test]
fn nothing_to_commit_is_told_and_nothing_is_written() {
    let scene = Scene::with(&[("a", "1")]);
    for nothing in [named(&["a"]), named(&[]), request(Paths::All)] {
        let refused = scene.tree.prepare(&nothing);
        assert!(matches!(refused, Err(GitError::NothingToCommit)), "{refused:?}");
    }
}

#[test]
fn a_file_that_is_too_large_is_named() {
    let scene = Scene::empty();
    scene.write("large", vec![b'x'; (4 << 20) + 1]);
    for request in [named(&["large"]), request(Paths::All)] {
        let refused = scene.tree.prepare(&request).unwrap_err().to_string();
        assert!(refused.contains("large") && refused.contains("4194304"), "{refused}");
    }
}

/// What looks absent because it is the daemon's own is not committed as removed.
#[test]
fn the_daemons_own_files_are_not_committed_away() {
    let scene = Scene::with(&[("state.db", "1"), ("a", "1")]);
    let own = OwnFiles { hidden: vec![scene.at("state.db")], guarded: vec![] };
    let tree = open(scene.home.path(), &own).unwrap();
    let refused = tree.prepare(&named(&["state.db"]));
    assert!(matches!(refused, Err(GitError::Unknown(_))), "{refused:?}");
    scene.write("a", "2");
    scene.write("state.db", "2");
    tree.publish(&tree.prepare(&request(Paths::All)).unwrap()).unwrap();
    assert_eq!(scene.committed("state.db").unwrap(), b"1");
    assert_eq!(scene.committed("a").unwrap(), b"2");
}
