//! Repositories in every state that has an answer of its own.

use super::*;
use crate::repo::git::Operation;

#[track_caller]
fn refusal(scene: &Scene) -> GitError {
    scene.write("a", "changed");
    let refused = scene.commit_named(&["a"]).unwrap_err();
    let text = refused.to_string();
    assert!(!text.contains(scene.home.path().to_str().unwrap()), "{text}");
    refused
}

/// G11
#[test]
fn a_detached_head_is_refused() {
    let scene = Scene::with(&[("a", "1")]);
    let repository = scene.repository();
    let commit = repository.head().unwrap().target().unwrap();
    repository.set_head_detached(commit).unwrap();
    assert!(matches!(refusal(&scene), GitError::Detached));
    assert_eq!(repository.head().unwrap().target(), Some(commit));
}

/// G11
#[test]
fn a_head_that_is_no_branch_is_refused() {
    let scene = Scene::with(&[("a", "1")]);
    for head in ["ref: refs/tags/v1\n", "ref: refs/heads/alias\n"] {
        scene.write(".git/refs/heads/alias", "ref: refs/heads/main\n");
        scene.write(".git/HEAD", head);
        assert!(matches!(refusal(&scene), GitError::UnusualHead), "{head}");
    }
}

/// G11
#[test]
fn an_operation_in_progress_is_named() {
    let scene = Scene::with(&[("a", "1")]);
    let commit = scene.repository().head().unwrap().target().unwrap();
    for (file, operation) in [
        ("MERGE_HEAD", Operation::Merge),
        ("REVERT_HEAD", Operation::Revert),
        ("CHERRY_PICK_HEAD", Operation::CherryPick),
        ("BISECT_LOG", Operation::Bisect),
        ("rebase-merge/interactive", Operation::Rebase),
        ("rebase-apply/applying", Operation::ApplyMailbox),
    ] {
        scene.write(&format!(".git/{file}"), format!("{commit}\n"));
        let refused = refusal(&scene);
        assert!(
            matches!(refused, GitError::InProgress(named) if named == operation),
            "{refused:?}"
        );
        scene.remove(&format!(".git/{file}"));
        if let Some((directory, _)) = file.split_once('/') {
            fs::remove_dir(scene.at(".git").join(directory)).unwrap();
        }
    }
    scene.commit_named(&["a"]).unwrap();
}

/// G11
#[test]
fn conflicts_in_the_index_are_refused() {
    if !has_git() {
        return;
    }
    let scene = Scene::with(&[("a", "1\n")]);
    scene.git(&["checkout", "-qb", "other"]);
    scene.write("a", "2\n");
    scene.git(&["commit", "-qam", "2"]);
    scene.git(&["checkout", "-q", "main"]);
    scene.write("a", "3\n");
    scene.git(&["commit", "-qam", "3"]);
    assert!(!scene.try_git(&["merge", "other"]).0);
    assert!(matches!(refusal(&scene), GitError::InProgress(Operation::Merge)));
    scene.remove(".git/MERGE_HEAD");
    assert!(matches!(refusal(&scene), GitError::Conflicts));
}

/// G11
#[test]
fn bare_repositories_and_none_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let none = open(home.path(), &OwnFiles::default()).unwrap_err();
    assert!(matches!(none, GitError::NoRepository), "{none:?}");
    Repository::init_bare(home.path()).unwrap();
    let bare = open(home.path(), &OwnFiles::default()).unwrap_err();
    assert!(matches!(bare, GitError::NoWorkingTree), "{bare:?}");
    // One above is not looked for.
    let above = Scene::empty();
    fs::create_dir(above.at("below")).unwrap();
    let below = open(&above.at("below"), &OwnFiles::default()).unwrap_err();
    assert!(matches!(below, GitError::NoRepository), "{below:?}");
}

/// G11
#[test]
fn a_shallow_clone_can_be_committed_to() {
    if !has_git() {
        return;
    }
    let origin = Scene::with(&[("a", "1")]);
    origin.write("a", "2");
    origin.commit_named(&["a"]).unwrap();
    let home = tempfile::tempdir().unwrap();
    let url = format!("file://{}", origin.home.path().display());
    origin.git(&["clone", "-q", "--depth=1", &url, home.path().to_str().unwrap()]);
    let tree = open(home.path(), &OwnFiles::default()).unwrap();
    let clone = Scene { home, tree };
    assert!(clone.repository().is_shallow());
    clone.write("a", "3");
    clone.commit_named(&["a"]).unwrap();
    clone.assert_whole();
    assert_eq!(clone.git(&["log", "--format=%s"]).lines().count(), 2);
}

/// A linked working tree has its own HEAD and index, and shares the rest.
#[test]
fn a_linked_working_tree_commits_to_its_own_branch() {
    if !has_git() {
        return;
    }
    let main = Scene::with(&[("a", "1")]);
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("linked");
    main.git(&["worktree", "add", "-q", "-b", "side", place.to_str().unwrap()]);
    let tree = open(&place, &OwnFiles::default()).unwrap();
    fs::write(place.join("a"), "2").unwrap();
    let prepared = tree.prepare(&named(&["a"])).unwrap();
    assert_eq!(prepared.branch(), "side");
    tree.publish(&prepared).unwrap();
    assert_eq!(main.committed("a").unwrap(), b"1");
    assert_eq!(main.git(&["log", "--format=%s", "side"]).lines().count(), 2);
    let status = main.git(&["-C", place.to_str().unwrap(), "status", "--porcelain"]);
    assert_eq!(status, "");
    main.assert_whole();
}

/// G13
#[test]
fn a_working_tree_elsewhere_is_refused() {
    let scene = Scene::with(&[("a", "1")]);
    let elsewhere = tempfile::tempdir().unwrap();
    let place = elsewhere.path().to_str().unwrap();
    scene.repository().config().unwrap().set_str("core.worktree", place).unwrap();
    assert!(matches!(refusal(&scene), GitError::OtherWorkingTree));
}

/// G13
#[test]
fn another_repository_in_the_place_of_the_root_is_refused() {
    let above = tempfile::tempdir().unwrap();
    let place = above.path().join("root");
    fs::create_dir(&place).unwrap();
    init(&place);
    let tree = open(&place, &OwnFiles::default()).unwrap();
    fs::rename(&place, above.path().join("moved")).unwrap();
    fs::create_dir(&place).unwrap();
    init(&place);
    fs::write(place.join("a"), "1").unwrap();
    let refused = tree.prepare(&named(&["a"]));
    assert!(matches!(refused, Err(GitError::OtherWorkingTree)), "{refused:?}");
}

/// G13
#[test]
fn a_repository_of_somebody_else_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return skip("only root can give a directory away");
    }
    let scene = Scene::with(&[("a", "1")]);
    for owned in ["", ".git"] {
        let owner = Some(rustix::fs::Uid::from_raw(12_345));
        rustix::fs::chown(scene.at(owned), owner, None).unwrap();
    }
    assert!(matches!(refusal(&scene), GitError::OtherOwner));
}

/// G16
#[test]
fn borrowed_objects_are_refused() {
    let scene = Scene::with(&[("a", "1")]);
    scene.write(".git/objects/info/alternates", "\n");
    scene.write("a", "2");
    scene.commit_named(&["a"]).unwrap();
    let other = Scene::with(&[("b", "1")]);
    let lines = format!("{}\n", other.at(".git/objects").display());
    scene.write(".git/objects/info/alternates", lines);
    assert!(matches!(refusal(&scene), GitError::BorrowedObjects));
}

/// G3
#[test]
fn an_author_that_git_cannot_write_is_refused() {
    let scene = Scene::empty();
    for (name, email) in
        [("", "a@b"), ("a\nparent 0", "a@b"), ("a<b", "a@b"), ("a", "b\r@c"), ("a", "")]
    {
        let author = Author { name: name.into(), email: email.into() };
        let root = Arc::new(Root::open(scene.home.path(), &OwnFiles::default()).unwrap());
        let settings = GitSettings { author, ..settings(scene.home.path()) };
        let refused = GitTree::open(root, settings);
        assert!(matches!(refused, Err(GitError::InvalidAuthor)), "{name:?} {email:?}: {refused:?}");
    }
}

/// G8: each program that git could be told to run leaves a file behind, and none does.
#[test]
fn no_program_of_the_repository_runs() {
    let scene = Scene::with(&[("a", "1\r\n"), ("b", "1")]);
    let traces = tempfile::tempdir().unwrap();
    let program = |name: &str| {
        let file = traces.path().join(format!("run-{name}"));
        let trace = traces.path().join(name);
        fs::write(&file, format!("#!/bin/sh\ntouch {}\ncat\n", trace.display())).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&file, mode).unwrap();
        file
    };
    let hooks = traces.path().join("hooks");
    fs::create_dir(&hooks).unwrap();
    for hook in
        ["pre-commit", "commit-msg", "prepare-commit-msg", "post-commit", "reference-transaction"]
    {
        fs::copy(program(hook), scene.at(".git/hooks").join(hook)).unwrap_or_else(|_| {
            fs::create_dir_all(scene.at(".git/hooks")).unwrap();
            fs::copy(program(hook), scene.at(".git/hooks").join(hook)).unwrap()
        });
        fs::copy(program(hook), hooks.join(hook)).unwrap();
    }
    let included = traces.path().join("included");
    let filter = program("clean");
    fs::write(&included, format!("[filter \"loud\"]\n\tclean = {}\n", filter.display())).unwrap();
    let config = format!(
        "[core]\n\thooksPath = {}\n\tfsmonitor = {}\n\tautocrlf = true\n\
         [commit]\n\tgpgSign = true\n[gpg]\n\tprogram = {}\n[include]\n\tpath = {}\n\
         [filter \"loud\"]\n\tprocess = {}\n[diff \"loud\"]\n\ttextconv = {}\n",
        hooks.display(),
        program("fsmonitor").display(),
        program("gpg").display(),
        included.display(),
        program("process").display(),
        program("textconv").display(),
    );
    let path = scene.at(".git/config");
    fs::write(&path, fs::read_to_string(&path).unwrap() + &config).unwrap();
    scene.write(".git/info/attributes", "* filter=loud diff=loud text eol=crlf ident\n");
    scene.write("a", "2\r\n$Id$");
    scene.commit_named(&["a"]).unwrap();
    scene.write("b", "2\r\n");
    scene.commit_all().unwrap();
    assert_eq!(scene.committed("a").unwrap(), b"2\r\n$Id$");
    assert_eq!(scene.committed("b").unwrap(), b"2\r\n");
    let ran: Vec<_> = fs::read_dir(traces.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("run-") && !matches!(name.as_str(), "hooks" | "included"))
        .collect();
    assert_eq!(ran, Vec::<String>::new());
}

/// Parts of an index that libgit2 does not know are told, and not lost.
#[test]
fn a_split_index_is_refused() {
    if !has_git() {
        return;
    }
    let scene = Scene::with(&[("a", "1")]);
    scene.git(&["update-index", "--split-index"]);
    assert!(matches!(refusal(&scene), GitError::UnusableIndex(_)));
}
