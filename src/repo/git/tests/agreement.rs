//! Random edits, and commits by us and by git: whatever happened, both see the same state.

use std::os::unix::fs::PermissionsExt as _;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::repo::git::{FileChange, Status};

/// Few, so that they meet; `d` is a file at one time and a directory at another.
const PATHS: [&str; 7] = ["a", "b", "d", "d/x", "d/y.log", "e.log", ".gitignore"];

/// Of one size, so that only their bytes tell them apart.
const CONTENTS: [&str; 4] = ["*.log\n", "d/\n#..", "11\n22\n", "11\n33\n"];

#[derive(Debug, Clone)]
enum Step {
    Write(usize, usize),
    Remove(usize),
    Chmod(usize, bool),
    Commit(Vec<usize>),
    CommitAll,
    GitAdd(usize),
    GitUnstage(usize),
    GitForget(usize),
    GitCommit,
    GitRefresh,
}

fn step() -> impl Strategy<Value = Step> {
    let path = || 0..PATHS.len();
    prop_oneof![
        6 => (path(), 0..CONTENTS.len()).prop_map(|(path, content)| Step::Write(path, content)),
        2 => path().prop_map(Step::Remove),
        1 => (path(), any::<bool>()).prop_map(|(path, can)| Step::Chmod(path, can)),
        4 => proptest::collection::vec(path(), 1..3).prop_map(Step::Commit),
        1 => Just(Step::CommitAll),
        2 => path().prop_map(Step::GitAdd),
        1 => path().prop_map(Step::GitUnstage),
        1 => path().prop_map(Step::GitForget),
        1 => Just(Step::GitCommit),
        1 => Just(Step::GitRefresh),
    ]
}

/// The same as `git status --porcelain` says it.
fn lines(status: &Status) -> Vec<String> {
    let letter = |change: Option<FileChange>| match change {
        None => ' ',
        Some(FileChange::Added) => 'A',
        Some(FileChange::Modified) => 'M',
        Some(FileChange::Deleted) => 'D',
        Some(FileChange::TypeChanged) => 'T',
    };
    let mut lines = Vec::new();
    for entry in &status.entries {
        if entry.staged.is_some() || entry.unstaged.is_some() {
            let (staged, unstaged) = (letter(entry.staged), letter(entry.unstaged));
            lines.push(format!("{staged}{unstaged} {}", entry.path));
        }
        if entry.is_untracked {
            lines.push(format!("?? {}", entry.path));
        }
    }
    lines.sort();
    lines
}

fn take(scene: &Scene, step: &Step) {
    match step {
        Step::Write(path, content) => {
            let path = PATHS[*path];
            // What stands in the way makes room.
            match path.split_once('/') {
                Some((directory, _)) if scene.at(directory).is_file() => scene.remove(directory),
                None if scene.at(path).is_dir() => fs::remove_dir_all(scene.at(path)).unwrap(),
                _ => {}
            }
            scene.write(path, CONTENTS[*content]);
        }
        Step::Remove(path) => drop(fs::remove_file(scene.at(PATHS[*path]))),
        Step::Chmod(path, can_execute) if scene.at(PATHS[*path]).is_file() => {
            let mode = if *can_execute { 0o755 } else { 0o644 };
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(scene.at(PATHS[*path]), mode).unwrap();
        }
        Step::Chmod(..) => {}
        Step::Commit(paths) => {
            let paths: Vec<_> = paths.iter().map(|path| PATHS[*path]).collect();
            if scene.commit_named(&paths).is_ok() {
                for path in paths {
                    let content = fs::read(scene.at(path)).ok();
                    assert_eq!(scene.committed(path), content, "{path} is not as committed");
                    let of_path = |line: &&String| line.get(3..) == Some(path);
                    assert_eq!(scene.porcelain().iter().find(of_path), None);
                }
            }
        }
        Step::CommitAll => match scene.commit_all() {
            Ok(_) => assert_eq!(scene.porcelain(), [""; 0]),
            Err(GitError::NothingToCommit) => {}
            Err(error) => panic!("{error:?}"),
        },
        // git refuses some of these; then nothing happens.
        Step::GitAdd(path) => drop(scene.try_git(&["add", "--", PATHS[*path]])),
        Step::GitUnstage(path) => drop(scene.try_git(&["reset", "-q", "--", PATHS[*path]])),
        Step::GitForget(path) => {
            drop(scene.try_git(&["rm", "-q", "--cached", "--", PATHS[*path]]));
        }
        Step::GitCommit => drop(scene.try_git(&["commit", "-qm", "theirs"])),
        Step::GitRefresh => drop(scene.try_git(&["update-index", "-q", "--refresh"])),
    }
}

#[test]
fn whatever_happened_git_and_we_see_the_same() {
    if !has_git() {
        return;
    }
    let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let steps = proptest::collection::vec(step(), 1..25);
    let checked = runner.run(&steps, |steps| {
        let scene = Scene::empty();
        for (index, step) in steps.iter().enumerate() {
            take(&scene, step);
            let ours = lines(&scene.tree.status(100).unwrap());
            // git does not write the index for this, so that what we make of it is seen unmended.
            let arguments =
                ["--no-optional-locks", "status", "--porcelain", "--no-renames", "-uall"];
            let theirs = scene.git(&arguments);
            let mut theirs: Vec<_> = theirs.lines().map(str::to_owned).collect();
            theirs.sort();
            prop_assert_eq!(ours, theirs, "after {:?}", &steps[..=index]);
        }
        scene.assert_whole();
        Ok(())
    });
    checked.unwrap();
}
