//! Files that are larger, or take longer, than what is asked for is worth.

use std::time::{Duration, Instant};

use super::status::diff;
use super::*;
use crate::repo::git::{DiffRequest, FileChange};

/// More than is committed.
const LARGE: usize = (4 << 20) + 1;

#[test]
fn a_file_that_is_too_large_to_commit_is_told_and_stops_nothing() {
    if !has_git() {
        return;
    }
    let scene = Scene::with(&[("a", "1\n")]);
    scene.write("same", vec![b'1'; LARGE]);
    scene.write("other", vec![b'1'; LARGE]);
    scene.write("shrunk", vec![b'1'; LARGE]);
    scene.git(&["add", "."]);
    scene.git(&["commit", "-qm", "large"]);
    // Nothing tells by its looks that it is unchanged.
    fs::File::open(scene.at("same"))
        .unwrap()
        .set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    scene.write("other", vec![b'2'; LARGE]);
    scene.write("shrunk", "1\n");
    scene.write("new", vec![b'1'; LARGE]);
    scene.write("a", "2\n");

    let status = scene.tree.status(10).unwrap();
    let told: Vec<_> = status
        .entries
        .iter()
        .map(|entry| (entry.path.as_str(), entry.unstaged, entry.is_untracked))
        .collect();
    let modified = Some(FileChange::Modified);
    let expected = [
        ("a", modified, false),
        ("new", None, true),
        ("other", modified, false),
        ("shrunk", modified, false),
    ];
    assert_eq!((told, status.is_cut), (expected.to_vec(), false));

    let diff = diff(&scene, false, &["a", "other", "new", "same"]);
    assert!(diff.text.contains("\n-1\n+2\n"), "{}", diff.text);
    for name in ["other", "new"] {
        assert!(diff.text.contains(&format!("Files a/{name} and b/{name} differ (more than")));
    }
    assert!(diff.is_cut && !diff.text.contains("same"), "{}", diff.text);

    // What is unchanged is in nobody's way; what changed is, and is named.
    let refused = scene.commit_all().unwrap_err();
    assert!(refused.to_string().starts_with("new has 4194305 bytes"), "{refused}");
    scene.remove("new");
    let refused = scene.commit_all().unwrap_err();
    assert!(refused.to_string().starts_with("other has 4194305 bytes"), "{refused}");
    scene.git(&["checkout", "-q", "other"]);
    let prepared = scene.tree.prepare(&request(Paths::All)).unwrap();
    let changed: Vec<_> = prepared.changes().iter().map(|change| change.path.as_str()).collect();
    assert_eq!(changed, ["a", "shrunk"]);
}

#[test]
fn a_file_of_a_million_lines_is_not_compared_line_by_line() {
    let mut state = 1_u32;
    let mut lines = |n: usize| -> String {
        let mut letter = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'a' + (state >> 28) as u8)
        };
        (0..n).flat_map(|_| [letter(), '\n']).collect()
    };
    let (long, most) = (lines(1_000_000), lines(20_000));
    let scene =
        Scene::with(&[("long", &long), ("lines", "a\n"), ("most", &most), ("short", "1\n")]);
    scene.write("long", long.replace("a\nb", "b\na"));
    scene.write("lines", lines(20_001));
    scene.write("most", lines(20_000));
    scene.write("short", "2\n");
    let begin = Instant::now();
    let request = DiffRequest { paths: vec![], staged: false, context: 3, max_bytes: 1 << 20 };
    let diff = scene.tree.diff(&request).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    let why = "more than 512 KiB or 20,000 lines are not compared line by line";
    for name in ["long", "lines"] {
        let said = format!("Files a/{name} and b/{name} differ ({why})\n");
        assert!(diff.text.contains(&said), "{}", diff.text);
    }
    assert!(diff.is_cut && diff.text.contains("\n-1\n+2\n") && diff.text.contains("+++ b/most"));
}

#[test]
fn a_state_that_takes_too_long_is_told_as_far_as_it_was_seen() {
    if !has_git() {
        return;
    }
    let scene = Scene::with(&[("a", "1"), ("b", "1")]);
    scene.write("a", "2");
    scene.git(&["add", "a"]);
    scene.write("b", "2");
    let status = scene.tree.status_until(10, Instant::now()).unwrap();
    let told: Vec<_> = status.entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!((told, status.is_cut), (vec!["a"], true));
    let status = scene.tree.status(10).unwrap();
    assert_eq!((status.entries.len(), status.is_cut), (2, false));
}
