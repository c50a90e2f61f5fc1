//! Others who work in the repository at the same time, and locks that somebody left.

use std::time::{Duration, Instant};

use super::*;

/// G10
#[test]
fn a_head_that_moved_is_told_and_leaves_everything_as_it_was() {
    let scene = Scene::with(&[("a", "1"), ("b", "1")]);
    scene.write("a", "2");
    let late = scene.prepare(&["a"]).unwrap();
    scene.write("b", "2");
    let second = scene.commit_named(&["b"]).unwrap();
    let index = fs::read(scene.at(".git/index")).unwrap();
    let refused = scene.tree.publish(&late);
    assert!(matches!(refused, Err(GitError::Moved)), "{refused:?}");
    assert_eq!(scene.repository().head().unwrap().target(), Some(second.oid()));
    assert_eq!(fs::read(scene.at(".git/index")).unwrap(), index);
    scene.assert_whole();
    scene.commit_named(&["a"]).unwrap();

    // To another branch with the same commit is a move too.
    scene.write("a", "3");
    let late = scene.prepare(&["a"]).unwrap();
    let repository = scene.repository();
    let head = repository.head().unwrap().peel_to_commit().unwrap();
    repository.branch("other", &head, false).unwrap();
    repository.set_head("refs/heads/other").unwrap();
    assert!(matches!(scene.tree.publish(&late), Err(GitError::Moved)));
}

/// What fails when the index is already replaced puts it back.
#[test]
fn a_branch_that_cannot_be_moved_leaves_the_index_as_it_was() {
    for had_commit in [true, false] {
        let scene = if had_commit { Scene::with(&[("a", "1")]) } else { Scene::empty() };
        scene.write("a", "2");
        let prepared = scene.prepare(&["a"]).unwrap();
        drop(fs::remove_file(scene.at(".git/logs/refs/heads/main")));
        scene.write(".git/logs/refs/heads/main/in/the/way", "");
        let index = fs::read(scene.at(".git/index")).ok();
        let refused = scene.tree.publish(&prepared);
        assert!(matches!(refused, Err(GitError::Unavailable(_))), "{refused:?}");
        assert_eq!(fs::read(scene.at(".git/index")).ok(), index);
        fs::remove_dir_all(scene.at(".git/logs/refs/heads/main")).unwrap();
        scene.tree.publish(&prepared).unwrap();
        scene.assert_whole();
    }
}

/// G9, G17
#[test]
fn a_lock_that_is_held_is_waited_for_and_never_removed() {
    let scene = Scene::with(&[("a", "1")]);
    scene.write("a", "2");
    for lock in [".git/index.lock", ".git/refs/heads/main.lock"] {
        let prepared = scene.prepare(&["a"]).unwrap();
        scene.write(lock, "theirs");
        let index = fs::read(scene.at(".git/index")).unwrap();
        let begin = Instant::now();
        let refused = scene.tree.publish(&prepared);
        let Err(refused @ GitError::Busy(_)) = refused else { panic!("{lock}: {refused:?}") };
        // It says which file to remove.
        let name = lock.strip_prefix(".git/").unwrap();
        assert!(refused.to_string().contains(&format!("holds {name};")), "{refused}");
        let took = begin.elapsed();
        assert!(Duration::from_secs(2) <= took && took < Duration::from_secs(4), "{took:?}");
        assert_eq!(fs::read(scene.at(lock)).unwrap(), b"theirs");
        assert_eq!(fs::read(scene.at(".git/index")).unwrap(), index, "{lock}");
        scene.remove(lock);
        scene.assert_whole();

        // Given back in time, it is no obstacle.
        scene.write(lock, "theirs");
        std::thread::scope(|scope| {
            let publishing = scope.spawn(|| scene.tree.publish(&prepared));
            let begin = Instant::now();
            while begin.elapsed() < Duration::from_millis(200) {
                std::thread::yield_now();
            }
            scene.remove(lock);
            publishing.join().unwrap().unwrap();
        });
        scene.write("a", lock);
    }
}

/// G17: our own lock is told from those of others, and does not outlive us.
#[test]
fn a_lock_that_a_killed_daemon_left_is_taken_away() {
    let scene = Scene::with(&[("a", "1")]);
    let own = scene.at(".git/lukhas-mcp-index-killed.own");
    fs::write(&own, "").unwrap();
    fs::hard_link(&own, scene.at(".git/index.lock")).unwrap();
    fs::write(scene.at(".git/lukhas-mcp-index-killed.new"), "half").unwrap();
    scene.write("a", "2");
    scene.commit_named(&["a"]).unwrap();
    scene.assert_whole();

    // One that lives is left alone.
    fs::write(&own, "").unwrap();
    let living = fs::File::open(&own).unwrap();
    living.lock().unwrap();
    fs::hard_link(&own, scene.at(".git/index.lock")).unwrap();
    scene.write("a", "3");
    let refused = scene.commit_named(&["a"]);
    assert!(matches!(refused, Err(GitError::Busy(_))), "{refused:?}");
    assert!(own.exists() && scene.at(".git/index.lock").exists());
    drop(living);
    scene.commit_named(&["a"]).unwrap();
    scene.assert_whole();
}

/// Nobody needs to commit with us to be rid of what we left.
#[test]
fn what_a_killed_daemon_left_can_be_taken_away_alone() {
    let scene = Scene::with(&[("a", "1")]);
    let own = scene.at(".git/lukhas-mcp-index-killed.own");
    fs::write(&own, "").unwrap();
    fs::hard_link(&own, scene.at(".git/index.lock")).unwrap();
    scene.tree.clear_left_files().unwrap();
    scene.assert_whole();
    scene.write(".git/index.lock", "theirs");
    scene.tree.clear_left_files().unwrap();
    assert_eq!(fs::read(scene.at(".git/index.lock")).unwrap(), b"theirs");
}

/// G12
#[test]
fn of_two_hundred_commits_of_two_at_once_each_is_made_or_refused() {
    let scene = Scene::with(&[("a/0", "1"), ("b/0", "1")]);
    let commit = |path: &str, n: u32| {
        scene.write(path, n.to_string());
        loop {
            match scene.commit_named(&[path]) {
                Err(GitError::Moved) => {}
                ended => return ended,
            }
        }
    };
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let both = ["a", "b"].map(|who| {
            let commit = &commit;
            scope.spawn(move || {
                (0..100).map(|n| commit(&format!("{who}/{}", n % 7), n)).collect::<Vec<_>>()
            })
        });
        both.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    for outcome in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(matches!(outcome, GitError::Busy(_)), "{outcome:?}");
    }
    let repository = scene.repository();
    let mut history = repository.revwalk().unwrap();
    history.push_head().unwrap();
    assert_eq!(history.count(), 1 + 200 - refused);
    scene.assert_whole();
    if has_git() {
        assert_eq!(scene.porcelain(), [""; 0]);
    }
}

/// Somebody adds and commits with git meanwhile; nothing of either is lost or undone.
#[test]
fn commits_beside_the_git_program_lose_nothing() {
    if !has_git() {
        return;
    }
    let scene = Scene::with(&[("ours", "0"), ("theirs", "0")]);
    let (mine, theirs) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| {
            let mut done = 0;
            for n in 1..=25 {
                scene.write("theirs", n.to_string());
                let added = scene.try_git(&["add", "theirs"]).0;
                done += usize::from(added && scene.try_git(&["commit", "-qm", "theirs"]).0);
            }
            done
        });
        let mut done = 0;
        for n in 1..=40 {
            scene.write("ours", n.to_string());
            loop {
                match scene.commit_named(&["ours"]) {
                    Err(GitError::Moved) => {}
                    Ok(_) => break done += 1,
                    Err(GitError::Busy(_)) => break,
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
        (done, theirs.join().unwrap())
    });
    assert!(0 < mine && 0 < theirs, "{mine} of ours, {theirs} of theirs");
    let subjects = scene.git(&["log", "--format=%s"]);
    let count = |subject: &str| subjects.lines().filter(|line| *line == subject).count();
    assert_eq!((count("Change it"), count("theirs")), (1 + mine, theirs));
    // Each commit changes the file of the one who made it, and no other.
    let log = scene.git(&["log", "--format=commit %s", "--name-only", "HEAD"]);
    let commits: Vec<_> = log.split("commit ").filter(|commit| !commit.is_empty()).collect();
    let (first, rest) = commits.split_last().unwrap();
    assert_eq!(first.split_whitespace().last(), Some("theirs"));
    for commit in rest {
        let files = commit.lines().skip(1).filter(|line| !line.is_empty()).collect::<Vec<_>>();
        let expected = if commit.starts_with("theirs") { "theirs" } else { "ours" };
        assert_eq!(files, [expected], "{commit}");
    }
    scene.assert_whole();
}
